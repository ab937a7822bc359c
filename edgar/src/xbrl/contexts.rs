//! Contexts and units: what facts refer to by name.
//!
//! The same elements stand in instances and in the headers of inline documents.
//! Elsewhere: the facts (`instance`, `inline`).
//!
//! Invariant: at most [`MAX_CONTEXTS`] and [`MAX_UNITS`] are kept; of two with one name the
//! first.

use std::{borrow::Cow, collections::HashMap};

use super::{
    XbrlError,
    element::{Cursor, Step},
    fact::{Dimension, Dimensions, Period},
    namespaces::{Scope, Space},
    scan::{Tag, attribute_value, split_name},
};

/// Most contexts of a report; the largest recorded have some thousands.
pub const MAX_CONTEXTS: usize = 262_144;
/// Most units of a report.
pub const MAX_UNITS: usize = 16_384;
/// Most dimensions of a context.
pub const MAX_DIMENSIONS: usize = 256;

/// The contexts and units read so far.
#[derive(Debug, Default)]
pub(super) struct Contexts<'a> {
    contexts: HashMap<Cow<'a, str>, Context<'a>>,
    units: HashMap<Cow<'a, str>, String>,
}

/// What a fact is about.
#[derive(Debug, Default)]
pub(super) struct Context<'a> {
    period: Option<Dates<'a>>,
    dimensions: Vec<Dimension<'a>>,
}

#[derive(Debug)]
enum Dates<'a> {
    Instant(Cow<'a, str>),
    Duration(Cow<'a, str>, Cow<'a, str>),
    Forever,
}

impl Context<'_> {
    pub(super) fn period(&self) -> Option<Period<'_>> {
        Some(match self.period.as_ref()? {
            Dates::Instant(day) => Period::Instant(day),
            Dates::Duration(start, end) => Period::Duration { start, end },
            Dates::Forever => Period::Forever,
        })
    }

    pub(super) fn dimensions(&self) -> Dimensions<'_> {
        Dimensions(&self.dimensions)
    }
}

/// Whether a context or unit is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    New,
    /// Its name is taken: it was read and forgotten.
    Repeated,
    /// It is neither a context nor a unit and was passed over.
    Other,
}

impl<'a> Contexts<'a> {
    pub(super) fn context(&self, name: &str) -> Option<&Context<'a>> {
        self.contexts.get(name)
    }

    pub(super) fn unit(&self, name: &str) -> Option<&str> {
        self.units.get(name).map(String::as_str)
    }

    /// Reads the element of the instance namespace that the tag opened.
    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor<'a>,
        tag: &Tag<'a>,
    ) -> Result<Added, XbrlError> {
        match split_name(tag.name).1 {
            "context" => {
                let context = read_context(cursor, tag)?;
                insert(&mut self.contexts, tag, context, "contexts", MAX_CONTEXTS)
            }
            "unit" => {
                let unit = read_unit(cursor, tag)?;
                insert(&mut self.units, tag, unit, "units", MAX_UNITS)
            }
            _ => cursor.skip(tag).map(|()| Added::Other),
        }
    }
}

fn insert<'a, T>(
    table: &mut HashMap<Cow<'a, str>, T>,
    tag: &Tag<'a>,
    value: T,
    what: &'static str,
    limit: usize,
) -> Result<Added, XbrlError> {
    let name = trimmed(tag.attribute("id").unwrap_or_default());
    if table.contains_key(&name) {
        return Ok(Added::Repeated);
    }
    if table.len() == limit {
        return Err(XbrlError::TooMuch { what, limit });
    }
    table.insert(name, value);
    Ok(Added::New)
}

fn read_context<'a>(cursor: &mut Cursor<'a>, tag: &Tag<'a>) -> Result<Context<'a>, XbrlError> {
    let mut context = Context::default();
    if tag.empty {
        return Ok(context);
    }
    let (mut start, mut end) = (None, None);
    let outside = cursor.depth() - 1;
    while cursor.depth() > outside {
        let Step::Child(child) = cursor.step_within()? else {
            continue;
        };
        match split_name(child.name).1 {
            // Only the dimensions are looked for within these.
            "segment" | "scenario" => read_members(cursor, &child, &mut context.dimensions)?,
            "startDate" => start = Some(trimmed(cursor.text(&child)?)),
            "endDate" => end = Some(trimmed(cursor.text(&child)?)),
            "instant" => context.period = Some(Dates::Instant(trimmed(cursor.text(&child)?))),
            "forever" => {
                cursor.skip(&child)?;
                context.period = Some(Dates::Forever);
            }
            "identifier" => cursor.skip(&child)?,
            _ => {}
        }
    }
    context
        .dimensions
        .sort_by(|one, other| one.axis.cmp(&other.axis));
    if let (Some(start), Some(end)) = (start, end) {
        context.period = Some(Dates::Duration(start, end));
    }
    Ok(context)
}

/// Reads what a segment or scenario holds. Old reports have elements of their own there
/// instead of dimensions: they are taken as typed members under their name.
fn read_members<'a>(
    cursor: &mut Cursor<'a>,
    tag: &Tag<'a>,
    dimensions: &mut Vec<Dimension<'a>>,
) -> Result<(), XbrlError> {
    if tag.empty {
        return Ok(());
    }
    let outside = cursor.depth() - 1;
    while cursor.depth() > outside {
        let Step::Child(child) = cursor.step_within()? else {
            continue;
        };
        let dimension = read_member(cursor, &child)?;
        if dimensions.iter().any(|known| known.axis == dimension.axis) {
            continue; // Invalid, and an object has a key once.
        }
        if dimensions.len() == MAX_DIMENSIONS {
            return Err(XbrlError::TooMuch {
                what: "dimensions of a context",
                limit: MAX_DIMENSIONS,
            });
        }
        dimensions.push(dimension);
    }
    Ok(())
}

fn read_member<'a>(cursor: &mut Cursor<'a>, tag: &Tag<'a>) -> Result<Dimension<'a>, XbrlError> {
    let (prefix, local) = split_name(tag.name);
    let space = cursor.scope.get(prefix).map(|binding| binding.space);
    if space != Some(Space::Dimensions) {
        let axis = usual_name(&cursor.scope, Cow::Borrowed(tag.name));
        let member = trimmed(cursor.text(tag)?);
        return Ok(Dimension { axis, member });
    }
    let axis = trimmed(tag.attribute("dimension").unwrap_or_default());
    let axis = usual_name(&cursor.scope, axis);
    let member = trimmed(cursor.text(tag)?);
    let member = match local {
        "explicitMember" => usual_name(&cursor.scope, member),
        _ => member,
    };
    Ok(Dimension { axis, member })
}

fn read_unit<'a>(cursor: &mut Cursor<'a>, tag: &Tag<'a>) -> Result<String, XbrlError> {
    let mut unit = String::new();
    if tag.empty {
        return Ok(unit);
    }
    let mut below = false;
    let outside = cursor.depth() - 1;
    while cursor.depth() > outside {
        let Step::Child(child) = cursor.step_within()? else {
            continue;
        };
        match split_name(child.name).1 {
            "unitDenominator" => below = true,
            "measure" => {
                let measure = trimmed(cursor.text(&child)?);
                append_measure(&cursor.scope, &measure, below, &mut unit);
            }
            _ => {}
        }
    }
    Ok(unit)
}

fn append_measure(scope: &Scope<'_>, measure: &str, below: bool, unit: &mut String) {
    let joint = match below && !unit.contains('/') {
        true => "/",
        false if unit.is_empty() => "",
        false => "*",
    };
    unit.push_str(joint);
    let (prefix, local) = split_name(measure);
    match scope.get(prefix) {
        Some(binding) if matches!(binding.space, Space::Currencies | Space::Instance) => {}
        Some(binding) if binding.usual.is_empty() => {}
        Some(binding) => unit.extend([binding.usual, ":"]),
        None if prefix.is_empty() => {}
        None => unit.extend([prefix, ":"]),
    }
    unit.push_str(local);
}

/// The name with the prefix everybody uses for its namespace.
fn usual_name<'a>(scope: &Scope<'a>, name: Cow<'a, str>) -> Cow<'a, str> {
    let (prefix, local) = split_name(&name);
    match scope.get(prefix) {
        Some(binding) if binding.usual != prefix => {
            Cow::Owned([binding.usual, ":", local].concat())
        }
        _ => name,
    }
}

/// The name of a context or unit that a fact refers to, as contexts and units are kept.
pub(super) fn reference(written: &str) -> Cow<'_, str> {
    trimmed(attribute_value(written))
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
        Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
    }
}
