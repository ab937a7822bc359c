//! Why a text is not one of our nouns.

/// A text that does not have the shape of the noun it should name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not an accession number in any of its three spellings.
    #[error(
        "`{0}` is not an accession number; write 0001999999-26-000042, 000199999926000042 or 199999926000042"
    )]
    Accession(String),
    /// Not a CIK: one to ten digits.
    #[error("`{0}` is not a CIK; write one to ten digits, such as 320193")]
    Cik(String),
    /// Not a cursor: `<epoch>-<seq>`.
    #[error(
        "`{0}` is not a cursor; write <epoch>-<seq> as the server sent it, such as k7q2-18442231"
    )]
    Cursor(String),
    /// Not an epoch: 1 to 16 lower-case letters or digits.
    #[error("`{0}` is not an epoch; it is 1 to 16 lower-case letters or digits")]
    Epoch(String),
    /// Not a place to start: a cursor, `live`, `oldest` or `time:` and an RFC 3339 time.
    #[error("`{0}` is no place to start; use a cursor, live, oldest or time:2026-03-03T21:04:58Z")]
    After(String),
    /// Not a form type: 1 to 40 printable ASCII characters.
    #[error("`{0}` is not a form type; write it as EDGAR does, such as 8-K or 13F-HR/A")]
    Form(String),
    /// Not a pattern: a name, or its beginning and one `*`.
    #[error("`{0}` is no name; write it as EDGAR does, with `*` only at the end, as in 424B*")]
    Pattern(String),
    /// Not a ticker: 1 to 12 letters and digits, its class after `-` or `.`.
    #[error("`{0}` is not a ticker; write letters and digits, such as AAPL or BRK-B")]
    Ticker(String),
    /// Not an item code: 1 to 8 letters, digits and points, the first a digit.
    #[error("`{0}` is no item code; write it without its title, such as 2.02 or 06b")]
    Item(String),
    /// Not a standard industrial classification: four digits.
    #[error("`{0}` is not an SIC code; write four digits, such as 7372")]
    Sic(String),
    /// Not one of EDGAR's codes of states and countries.
    #[error("`{text}` is none of EDGAR's codes of states and countries{hint}")]
    State {
        /// What was given, cut.
        text: String,
        /// The nearest, or where to find it.
        hint: String,
    },
    /// Not the beginning of an accession number.
    #[error(
        "`{0}` is no beginning of an accession number; write the submitter's number, such as 0001193125, or 0001193125-26"
    )]
    Agent(String),
    /// Not a place to end: a cursor, or `time:` and an RFC 3339 time.
    #[error("`{0}` is no place to end; use a cursor or time:2026-03-03T21:04:58Z")]
    Until(String),
}
