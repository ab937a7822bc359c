//! Which events: the flags of a filter, checked before a connection is made.

use clap::Args;
use protocol::{filter::Filter, frame::Refusal};

use crate::cli::Failure;

/// The fields of a filter. A flag takes a list and may be repeated.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Filter")]
pub(super) struct Wanted {
    /// Only events of these types, such as filing.archived; `*` for all
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    types: Vec<String>,
    /// Only these forms; 424B* for all that begin so
    #[arg(long, value_name = "FORMS", value_delimiter = ',')]
    forms: Vec<String>,
    /// What to do with forms that end in /A: include, exclude, only
    #[arg(long, value_name = "WHICH")]
    amendments: Vec<String>,
    /// Only filings of these filers
    #[arg(long, value_name = "CIKS", value_delimiter = ',')]
    ciks: Vec<String>,
    /// Only filings of the companies with these tickers
    #[arg(long, value_name = "TICKERS", value_delimiter = ',')]
    tickers: Vec<String>,
    /// Only filings with these items, such as 2.02
    #[arg(long, value_name = "ITEMS", value_delimiter = ',')]
    items: Vec<String>,
    /// Only filings with such a document, once archived; EX-99* for all that begin so
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    document_types: Vec<String>,
    /// Only filers of these industries, once archived: four digits each
    #[arg(long, value_name = "SICS", value_delimiter = ',')]
    sics: Vec<String>,
    /// Only filers in these states or countries, once archived: EDGAR's codes
    #[arg(long, value_name = "STATES", value_delimiter = ',')]
    states: Vec<String>,
    /// Only what these agents submitted: beginnings of accession numbers
    #[arg(long, value_name = "AGENTS", value_delimiter = ',')]
    agents: Vec<String>,
}

impl Wanted {
    /// The fields that are given, as parameters of the stream.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what the server would refuse, in its words.
    pub(super) fn parameters(self) -> Result<Vec<(&'static str, String)>, Failure> {
        let fields = [
            ("types", self.types),
            ("forms", self.forms),
            ("amendments", self.amendments),
            ("ciks", self.ciks),
            ("tickers", self.tickers),
            ("items", self.items),
            ("document_types", self.document_types),
            ("sics", self.sics),
            ("states", self.states),
            ("agents", self.agents),
        ];
        let given = fields.into_iter().filter(|(_, values)| !values.is_empty());
        let parameters: Vec<_> = given.map(|(name, v)| (name, v.join(","))).collect();
        Filter::from_lists(parameters.iter().map(|(name, list)| (name, list))).map_err(usage)?;
        Ok(parameters)
    }
}

/// A refusal in terms of flags.
fn usage(refusal: Refusal) -> Failure {
    let field = refusal.field.unwrap_or_default().replace('_', "-");
    Failure::Usage(format!("--{field}: {}", refusal.message))
}
