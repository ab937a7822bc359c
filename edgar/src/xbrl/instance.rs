//! XBRL 2.1 instances: the `*_htm.xml` that EDGAR extracts, and EX-101.INS of old.
//!
//! Elsewhere: contexts and units (`contexts`), reports within HTML (`inline`), which
//! document is an instance ([`super::choose`]).
//!
//! Invariant: facts are told in the order of the document and not kept; memory is that of
//! contexts and units.

use super::{
    Fact, Flaw, Summary, XbrlError,
    contexts::{Added, Context, Contexts, reference},
    element::{Cursor, Step},
    fact::Dimensions,
    namespaces::{Scope, Space},
    scan::{Tag, append_unescaped, split_name},
    source::Source,
};

/// Reads the facts of an instance, telling each as it comes.
///
/// Tuples of old reports are flattened, footnotes left out. Numbers are trimmed of blanks,
/// text is told as it is.
///
/// # Errors
/// [`XbrlError`]; facts told before it stay told.
///
/// ```
/// let instance = r#"<xbrl xmlns="http://www.xbrl.org/2003/instance"
///     xmlns:us-gaap="http://fasb.org/us-gaap/2025" xmlns:iso4217="http://www.xbrl.org/2003/iso4217">
///   <context id="c1"><period><instant>2025-12-31</instant></period></context>
///   <unit id="u1"><measure>iso4217:USD</measure></unit>
///   <us-gaap:Assets contextRef="c1" unitRef="u1" decimals="-3">1204000</us-gaap:Assets>
/// </xbrl>"#;
///
/// let mut lines = Vec::new();
/// edgar::xbrl::read_instance(instance.as_bytes(), |fact| {
///     lines.push(serde_json::to_string(fact).unwrap());
/// })?;
///
/// assert_eq!(lines, [r#"{"taxonomy":"us-gaap","concept":"Assets","period":{"instant":"2025-12-31"},"unit":"USD","decimals":"-3","value":"1204000"}"#]);
/// # Ok::<(), edgar::xbrl::XbrlError>(())
/// ```
pub fn read_instance(
    document: &[u8],
    mut each: impl FnMut(&Fact<'_>),
) -> Result<Summary, XbrlError> {
    let source = Source::new(document);
    let mut reader = Reader {
        cursor: Cursor::new(&source.text),
        contexts: Contexts::default(),
        all_contexts: false,
        value: String::new(),
        summary: Summary::default(),
    };
    if !reader
        .enter_root()
        .map_err(|error| source.located(error, 0))?
    {
        return Err(source.not_xbrl("an XBRL instance"));
    }
    let read = reader.read(&mut each);
    read.map_err(|error| source.located(error, 0))?;
    let mut summary = reader.summary;
    summary.flaws.relocate(|_, at| source.byte(at));
    Ok(summary)
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    contexts: Contexts<'a>,
    /// The contexts and units of the whole document are known already.
    all_contexts: bool,
    /// Space for the value of one fact.
    value: String,
    summary: Summary,
}

/// The attributes of a fact that matter.
#[derive(Default)]
struct Attributes<'a> {
    context: Option<&'a str>,
    unit: Option<&'a str>,
    decimals: Option<&'a str>,
    nil: bool,
}

impl<'a> Attributes<'a> {
    fn of(tag: &Tag<'a>, scope: &Scope<'_>) -> Self {
        let mut found = Self::default();
        for (name, value) in tag.attributes() {
            match name {
                "contextRef" => found.context = Some(value),
                "unitRef" => found.unit = Some(value),
                "decimals" => found.decimals = Some(value.trim_ascii()),
                _ if is_nil(name, value, scope) => found.nil = true,
                _ => {}
            }
        }
        found
    }
}

/// Whether the attribute is `nil` of XML Schema, whatever its prefix, and true.
pub(super) fn is_nil(name: &str, value: &str, scope: &Scope<'_>) -> bool {
    name.ends_with(":nil")
        && matches!(value.trim_ascii(), "true" | "1")
        && scope.space(name) == Space::Schema
}

impl<'a> Reader<'a> {
    /// Enters the root; whether it is that of an instance.
    fn enter_root(&mut self) -> Result<bool, XbrlError> {
        while let Some(step) = self.cursor.step()? {
            if let Step::Child(tag) = step {
                let space = self.cursor.scope.space(tag.name);
                let named = split_name(tag.name).1 == "xbrl";
                return Ok(named && !tag.empty && space == Space::Instance);
            }
        }
        Ok(false)
    }

    fn read(&mut self, each: &mut impl FnMut(&Fact<'_>)) -> Result<(), XbrlError> {
        while self.cursor.depth() > 0 {
            let Step::Child(tag) = self.cursor.step_within()? else {
                continue;
            };
            match self.cursor.scope.space(tag.name) {
                Space::Instance if self.all_contexts => self.cursor.skip(&tag)?,
                Space::Instance => {
                    if self.contexts.read(&mut self.cursor, &tag)? == Added::Repeated {
                        self.note(Flaw::RepeatedName, &tag);
                    }
                }
                Space::Links => self.cursor.skip(&tag)?,
                _ => self.item_or_tuple(&tag, each)?,
            }
        }
        Ok(())
    }

    /// An item is a fact, a tuple is entered for the facts within it.
    fn item_or_tuple(
        &mut self,
        tag: &Tag<'a>,
        each: &mut impl FnMut(&Fact<'_>),
    ) -> Result<(), XbrlError> {
        let attributes = Attributes::of(tag, &self.cursor.scope);
        let Some(context) = attributes.context else {
            return Ok(());
        };
        let (context, unit) = (reference(context), attributes.unit.map(reference));
        self.look_up(&context, unit.as_deref(), tag)?;
        let name = self.cursor.scope.usual(tag.name);
        if self.cursor.scope.get(split_name(tag.name).0).is_none() {
            self.note(Flaw::UnboundPrefix, tag);
        }
        self.read_value(tag)?;
        self.summary.facts += 1;

        let known = self.contexts.context(&context);
        let value = match unit {
            Some(_) => self.value.trim_ascii(),
            None => &self.value,
        };
        each(&Fact {
            taxonomy: name.0,
            concept: name.1,
            period: known.and_then(Context::period),
            unit: unit.and_then(|unit| self.contexts.unit(&unit)),
            decimals: attributes.decimals,
            dimensions: known.map_or(Dimensions::default(), Context::dimensions),
            value: (!attributes.nil).then_some(value),
            nil: attributes.nil,
            context: &context,
        });
        Ok(())
    }

    /// Sees to it that what a fact refers to is known, or notes that it is nowhere.
    ///
    /// Contexts may come after facts: at the first that is not known yet, those of the rest
    /// of the document are read, once.
    fn look_up(
        &mut self,
        context: &str,
        unit: Option<&str>,
        tag: &Tag<'a>,
    ) -> Result<(), XbrlError> {
        let knows_context = |reader: &Self| reader.contexts.context(context).is_some();
        let knows_unit =
            |reader: &Self| unit.is_none_or(|unit| reader.contexts.unit(unit).is_some());
        if knows_context(self) && knows_unit(self) {
            return Ok(());
        }
        if !self.all_contexts {
            self.all_contexts = true;
            // What is broken ahead is met again in its turn; what comes before it counts.
            let _ = self.read_contexts_ahead();
        }
        if !knows_context(self) {
            self.note(Flaw::UnknownContext, tag);
        }
        if !knows_unit(self) {
            self.note(Flaw::UnknownUnit, tag);
        }
        Ok(())
    }

    fn read_contexts_ahead(&mut self) -> Result<(), XbrlError> {
        let mut ahead = self.cursor.clone();
        while ahead.depth() > 0 {
            let Step::Child(tag) = ahead.step_within()? else {
                continue;
            };
            if ahead.scope.space(tag.name) == Space::Instance
                && self.contexts.read(&mut ahead, &tag)? == Added::Repeated
            {
                self.note(Flaw::RepeatedName, &tag);
            }
        }
        Ok(())
    }

    /// Reads the text of a fact; of a fraction both terms.
    fn read_value(&mut self, tag: &Tag<'a>) -> Result<(), XbrlError> {
        self.value.clear();
        if tag.empty {
            return Ok(());
        }
        if let Some(content) = self.cursor.plain_content(tag) {
            append_unescaped(content, &mut self.value);
            return Ok(());
        }
        let outside = self.cursor.depth() - 1;
        while self.cursor.depth() > outside {
            match self.cursor.step_within()? {
                Step::Text(piece) => append_unescaped(piece, &mut self.value),
                Step::CData(piece) => self.value.push_str(piece),
                Step::Child(child) => match split_name(child.name).1 {
                    "numerator" => self.value.clear(),
                    "denominator" => {
                        self.value.truncate(self.value.trim_ascii_end().len());
                        self.value.push('/');
                    }
                    _ => {}
                },
                Step::End => {}
            }
        }
        Ok(())
    }

    fn note(&mut self, flaw: Flaw, tag: &Tag<'_>) {
        self.summary.flaws.note(flaw, 0, tag.at);
    }
}
