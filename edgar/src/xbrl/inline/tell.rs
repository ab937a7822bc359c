//! From the records of a set of documents to its facts.
//!
//! Elsewhere: the records (`collect`), text and markup (`content`).
//!
//! Invariant: every record is told, with the text as displayed where no value can be made
//! of it; each continuation belongs to one fact, so chains end whatever they refer to.

use std::borrow::Cow;

use super::{
    super::{
        Fact, Flaw, Summary,
        contexts::{Context, reference},
        fact::Dimensions,
        number::scaled,
        scan::Tag,
        source::Source,
    },
    collect::{Collection, Content, Displayed, Kind, Record},
    content,
};

/// Tells every fact.
pub(super) fn tell(
    sources: &[Source<'_>],
    mut collection: Collection<'_>,
    each: &mut impl FnMut(&Fact<'_>),
) -> Summary {
    let facts = std::mem::take(&mut collection.facts);
    let mut teller = Teller {
        sources,
        collection,
    };
    let mut value = String::new();
    for record in &facts {
        let attributes = Attributes::of(&record.attributes);
        let Some(context) = attributes.context else {
            teller.note(Flaw::Nameless, record);
            continue;
        };
        value.clear();
        if !record.nil {
            teller.append_value(record, &attributes, &mut value);
        }
        teller.tell(record, &attributes, context, &value, each);
    }
    teller.collection.summary
}

/// The attributes of a fact that matter.
#[derive(Default)]
struct Attributes<'a> {
    context: Option<&'a str>,
    unit: Option<&'a str>,
    decimals: Option<&'a str>,
    scale: Option<&'a str>,
    negative: bool,
    escape: bool,
    continued: Option<&'a str>,
}

impl<'a> Attributes<'a> {
    fn of(tag: &Tag<'a>) -> Self {
        let mut found = Self::default();
        for (name, value) in tag.attributes() {
            match name {
                "contextRef" => found.context = Some(value),
                "unitRef" => found.unit = Some(value),
                "decimals" => found.decimals = Some(value.trim_ascii()),
                "scale" => found.scale = Some(value.trim_ascii()),
                "sign" => found.negative = value.trim_ascii() == "-",
                "escape" => found.escape = matches!(value.trim_ascii(), "true" | "1"),
                "continuedAt" => found.continued = Some(value),
                _ => {}
            }
        }
        found
    }
}

struct Teller<'s, 'a> {
    sources: &'s [Source<'s>],
    collection: Collection<'a>,
}

impl<'a> Teller<'_, 'a> {
    fn tell(
        &mut self,
        record: &Record<'a>,
        attributes: &Attributes<'_>,
        context: &str,
        value: &str,
        each: &mut impl FnMut(&Fact<'_>),
    ) {
        let name = reference(context);
        if self.collection.contexts.context(&name).is_none() {
            self.note(Flaw::UnknownContext, record);
        }
        let unit = attributes.unit.map(reference);
        let unit_is_known = |unit: &Cow<'_, str>| self.collection.contexts.unit(unit).is_some();
        if !unit.as_ref().is_none_or(unit_is_known) {
            self.note(Flaw::UnknownUnit, record);
        }
        self.collection.summary.facts += 1;
        let contexts = &self.collection.contexts;
        let known = contexts.context(&name);
        each(&Fact {
            taxonomy: record.taxonomy,
            concept: record.concept,
            period: known.and_then(Context::period),
            unit: unit.as_ref().and_then(|unit| contexts.unit(unit)),
            decimals: attributes.decimals,
            dimensions: known.map_or(Dimensions::default(), Context::dimensions),
            value: (!record.nil).then_some(value),
            nil: record.nil,
            context: &name,
        });
    }

    fn append_value(
        &mut self,
        record: &Record<'a>,
        attributes: &Attributes<'_>,
        value: &mut String,
    ) {
        match record.kind {
            Kind::Fraction => self.append_fraction(record, value),
            Kind::NonFraction => {
                self.append(&record.content, false, value);
                self.read_number(record, record.format, attributes, value);
            }
            Kind::NonNumeric => {
                self.append(&record.content, attributes.escape, value);
                self.append_continuations(record, attributes, value);
                self.transform(record, record.format, value);
            }
        }
    }

    fn append(&self, content: &Content<'_>, markup: bool, value: &mut String) {
        let text = &self.sources[content.document].text;
        let text = text.get(content.range.clone()).unwrap_or_default();
        content::append(text, content.prefix, markup, value);
    }

    /// Appends what a fact goes on with, and that in turn.
    fn append_continuations(
        &mut self,
        record: &Record<'a>,
        attributes: &Attributes<'_>,
        value: &mut String,
    ) {
        let mut next = attributes.continued;
        while let Some(name) = next {
            let Some(index) = self.collection.names.get(&*reference(name)).copied() else {
                return self.note(Flaw::MissingContinuation, record);
            };
            let continuation = &mut self.collection.continuations[index];
            if std::mem::replace(&mut continuation.taken, true) {
                return self.note(Flaw::RepeatedContinuation, record);
            }
            next = continuation.next;
            let content = &self.collection.continuations[index].content;
            self.append(content, attributes.escape, value);
        }
    }

    /// Replaces displayed text by what it stands for; whether that could be done.
    fn transform(&mut self, record: &Record<'a>, format: Displayed, value: &mut String) -> bool {
        let format = match format {
            Displayed::Plain => return true,
            Displayed::In(format) => format,
            Displayed::Unknown => {
                self.note(Flaw::UnknownFormat, record);
                return false;
            }
        };
        let collapsed = collapsed(value);
        match format.apply(&collapsed) {
            Some(transformed) => *value = transformed.into_owned(),
            None => {
                *value = collapsed;
                self.note(Flaw::UnfitText, record);
                return false;
            }
        }
        true
    }

    /// Replaces a displayed number by its value, if it is one.
    fn read_number(
        &mut self,
        record: &Record<'a>,
        format: Displayed,
        attributes: &Attributes<'_>,
        value: &mut String,
    ) {
        if !self.transform(record, format, value) {
            return;
        }
        let scale = attributes.scale.map_or(Ok(0), str::parse);
        let number = scale
            .ok()
            .and_then(|scale| scaled(value.trim(), scale, attributes.negative));
        match number {
            Some(number) => *value = number,
            None => self.note(Flaw::NotANumber, record),
        }
    }

    /// Appends both terms, each a number of its own, with a slash between.
    fn append_fraction(&mut self, record: &Record<'a>, value: &mut String) {
        for (at, (tag, format, content)) in record.terms.iter().enumerate() {
            let mut term = String::new();
            self.append(content, false, &mut term);
            self.read_number(record, *format, &Attributes::of(tag), &mut term);
            value.extend([if at == 0 { "" } else { "/" }, &term]);
        }
        if record.terms.len() != 2 {
            self.note(Flaw::NotANumber, record);
        }
    }

    fn note(&mut self, flaw: Flaw, record: &Record<'_>) {
        let flaws = &mut self.collection.summary.flaws;
        flaws.note(flaw, record.content.document, record.attributes.at);
    }
}

/// With one space for every run of blanks, and none at the ends.
fn collapsed(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut collapsed = words.next().unwrap_or_default().to_owned();
    for word in words {
        collapsed.extend([" ", word]);
    }
    collapsed
}
