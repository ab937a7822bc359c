//! Inline XBRL: facts within the HTML of a report.
//!
//! `collect` goes once through every document of a set and notes where facts and
//! continuations are, with contexts and units; `tell` makes the facts of that, reading
//! their content again from its place, with `content` for the markup in it.
//!
//! Elsewhere: formats (`transform`), scale (`number`), plain instances (`instance`).
//!
//! Invariant: what is kept is a record for each fact and continuation, never their
//! content; a piece of a document is read again at most [`MAX_NESTED_FACTS`] times.

mod collect;
mod content;
mod tell;

use super::{Fact, Summary, XbrlError, source::Source};
use collect::Collection;

pub use collect::{MAX_INLINE_FACTS, MAX_NESTED_FACTS};

/// Reads the facts of a set of inline documents, telling each in the order of documents.
///
/// All documents of a set make up one report: a fact may refer to a context, a unit or a
/// continuation in another document. Values are those that EDGAR writes into the
/// `*_htm.xml` it extracts: displayed numbers transformed, scaled and signed, text blocks
/// as HTML without the tags of facts within them. Hidden facts are told like others,
/// footnotes left out, facts for another `target` left out and counted.
///
/// # Errors
/// [`XbrlError`]; nothing has been told then.
///
/// ```
/// let page = r#"<html xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="http://www.xbrl.org/2013/inlineXBRL"
///   xmlns:ixt="http://www.xbrl.org/inlineXBRL/transformation/2020-02-12"
///   xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:iso4217="http://www.xbrl.org/2003/iso4217"
///   xmlns:us-gaap="http://fasb.org/us-gaap/2025"><body><ix:header><ix:resources>
///   <xbrli:context id="c"><xbrli:period><xbrli:instant>2025-12-31</xbrli:instant></xbrli:period></xbrli:context>
///   <xbrli:unit id="u"><xbrli:measure>iso4217:USD</xbrli:measure></xbrli:unit></ix:resources></ix:header>
///   <p>Loss: (<ix:nonFraction name="us-gaap:ProfitLoss" contextRef="c" unitRef="u" decimals="-5"
///     scale="6" sign="-" format="ixt:num-dot-decimal">1,204.5</ix:nonFraction>) million</p></body></html>"#;
///
/// let mut values = Vec::new();
/// edgar::xbrl::read_inline(&[page.as_bytes()], |fact| {
///     values.push(fact.value.unwrap().to_owned());
/// })?;
///
/// assert_eq!(values, ["-1204500000"]);
/// # Ok::<(), edgar::xbrl::XbrlError>(())
/// ```
pub fn read_inline(
    documents: &[&[u8]],
    mut each: impl FnMut(&Fact<'_>),
) -> Result<Summary, XbrlError> {
    let sources: Vec<_> = documents.iter().map(|bytes| Source::new(bytes)).collect();
    let mut collection = Collection::default();
    for (document, source) in sources.iter().enumerate() {
        let page = collection.add(document, &source.text);
        if !page.map_err(|error| source.located(error, document))? {
            return Err(source.not_xbrl("a page of XHTML"));
        }
    }
    let mut summary = tell::tell(&sources, collection, &mut each);
    let place = |document: usize, at| sources[document].byte(at);
    summary.flaws.relocate(place);
    Ok(summary)
}
