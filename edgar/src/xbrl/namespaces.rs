//! Which namespace a prefix is bound to, and what that namespace is to XBRL.
//!
//! Prefixes mean nothing by themselves: filers bind `xsi` as `xs` and the instance
//! namespace as default or as `xbrli`. Elsewhere: the markup (`scan`).
//!
//! Invariant: a lookup costs at most [`MAX_BINDINGS`] comparisons.

use memchr::memmem::Finder;

use super::{
    XbrlError,
    scan::{Tag, split_name},
    transform::Registry,
};

/// Most bindings in force at one place; real documents have up to sixty.
pub(super) const MAX_BINDINGS: usize = 500;

/// What a namespace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// XBRL 2.1 instances.
    Instance,
    /// Members of dimensions.
    Dimensions,
    /// Links: references, footnotes.
    Links,
    /// Inline XBRL, 1.0 or 1.1.
    Inline,
    /// `nil` and its like.
    Schema,
    /// Formats of displayed values.
    Transforms(Registry),
    /// Currencies.
    Currencies,
    /// Anything else: taxonomies, HTML.
    Other,
}

/// A prefix in force.
#[derive(Debug, Clone, Copy)]
pub(super) struct Binding<'a> {
    prefix: &'a str,
    /// What it is bound to.
    pub(super) space: Space,
    /// The prefix everybody uses for this namespace, else the declared one.
    pub(super) usual: &'a str,
}

/// The bindings in force.
#[derive(Debug, Clone)]
pub(super) struct Scope<'a> {
    /// Looks for `xmlns`: nearly no element has any.
    declarations: Finder<'static>,
    bindings: Vec<Binding<'a>>,
    /// Depth of an element with bindings, and how many there were before.
    marks: Vec<(usize, usize)>,
    depth: usize,
}

impl Default for Scope<'_> {
    fn default() -> Self {
        Self {
            declarations: Finder::new("xmlns"),
            bindings: Vec::new(),
            marks: Vec::new(),
            depth: 0,
        }
    }
}

impl<'a> Scope<'a> {
    /// An element begins.
    pub(super) fn enter(&mut self, tag: &Tag<'a>) -> Result<(), XbrlError> {
        self.depth += 1;
        let attributes = tag.attributes.as_bytes();
        if attributes.is_empty() || self.declarations.find(attributes).is_none() {
            return Ok(());
        }
        let before = self.bindings.len();
        for (name, uri) in tag.attributes() {
            let prefix = match name.strip_prefix("xmlns") {
                Some("") => "",
                Some(prefix) if prefix.starts_with(':') => &prefix[1..],
                _ => continue,
            };
            if self.bindings.len() == MAX_BINDINGS {
                return Err(XbrlError::TooMuch {
                    what: "namespaces",
                    limit: MAX_BINDINGS,
                });
            }
            self.bindings.push(Binding::new(prefix, uri.trim_ascii()));
        }
        self.marks.push((self.depth, before));
        Ok(())
    }

    /// The element ends.
    pub(super) fn leave(&mut self) {
        if let Some((depth, before)) = self.marks.last()
            && *depth == self.depth
        {
            self.bindings.truncate(*before);
            self.marks.pop();
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// What a prefix is bound to; the empty one is the default namespace.
    pub(super) fn get(&self, prefix: &str) -> Option<Binding<'a>> {
        let mut inner_first = self.bindings.iter().rev();
        inner_first
            .find(|binding| binding.prefix == prefix)
            .copied()
    }

    /// The namespace of a name that may have a prefix.
    pub(super) fn space(&self, name: &str) -> Space {
        let (prefix, _) = split_name(name);
        self.get(prefix)
            .map_or(Space::Other, |binding| binding.space)
    }

    /// The usual prefix and the local part of a name; the declared prefix if it is unbound.
    pub(super) fn usual<'n>(&self, name: &'n str) -> (&'n str, &'n str)
    where
        'a: 'n,
    {
        let (prefix, local) = split_name(name);
        match self.get(prefix) {
            Some(binding) => (binding.usual, local),
            None => (prefix, local),
        }
    }
}

impl<'a> Binding<'a> {
    fn new(prefix: &'a str, uri: &'a str) -> Self {
        Self {
            prefix,
            space: space_of(uri),
            usual: usual_prefix(uri).unwrap_or(prefix),
        }
    }
}

fn space_of(uri: &str) -> Space {
    if let Some(registry) = Registry::of(uri) {
        return Space::Transforms(registry);
    }
    match uri {
        "http://www.xbrl.org/2003/instance" => Space::Instance,
        "http://xbrl.org/2006/xbrldi" => Space::Dimensions,
        "http://www.xbrl.org/2003/linkbase" => Space::Links,
        "http://www.xbrl.org/2008/inlineXBRL" | "http://www.xbrl.org/2013/inlineXBRL" => {
            Space::Inline
        }
        "http://www.w3.org/2001/XMLSchema-instance" => Space::Schema,
        "http://www.xbrl.org/2003/iso4217" => Space::Currencies,
        _ => Space::Other,
    }
}

/// The prefix of a taxonomy that comes out anew every year: `us-gaap` for
/// `http://fasb.org/us-gaap/2025`, `dei` for `http://xbrl.sec.gov/dei/2014-01-31`.
fn usual_prefix(uri: &str) -> Option<&str> {
    let address = uri
        .strip_prefix("http://")
        .or(uri.strip_prefix("https://"))?;
    let (host, path) = address.split_once('/')?;
    match host {
        "fasb.org" | "xbrl.sec.gov" | "xbrl.us" => path.split('/').next(),
        "xbrl.ifrs.org" | "xbrl.iasb.org" => path.rsplit('/').next(),
        _ => None,
    }
    .filter(|prefix| !prefix.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn tag(attributes: &str) -> Tag<'_> {
        Tag {
            name: "a",
            attributes,
            empty: false,
            at: 0,
        }
    }

    #[test]
    fn taxonomies_have_the_same_prefix_every_year() {
        for (uri, prefix) in [
            ("http://fasb.org/us-gaap/2025", "us-gaap"),
            ("http://xbrl.us/us-gaap/2009-01-31", "us-gaap"),
            ("http://fasb.org/srt/2021-01-31", "srt"),
            ("https://xbrl.sec.gov/ecd/2024", "ecd"),
            (
                "https://xbrl.ifrs.org/taxonomy/2023-03-23/ifrs-full",
                "ifrs-full",
            ),
            ("http://www.apple.com/20250329", "declared"),
        ] {
            assert_eq!(Binding::new("declared", uri).usual, prefix);
        }
    }

    #[test]
    fn an_inner_binding_covers_the_outer_until_its_element_ends() {
        let mut scope = Scope::default();
        scope
            .enter(&tag(" xmlns='http://fasb.org/srt/2024' xmlns:b='urn:x'"))
            .unwrap();
        scope.enter(&tag(" x='1'")).unwrap();
        scope
            .enter(&tag(" xmlns='http://xbrl.sec.gov/dei/2024'"))
            .unwrap();

        assert_eq!(scope.usual("Name"), ("dei", "Name"));
        scope.leave();
        scope.leave();
        assert_eq!(scope.usual("Name"), ("srt", "Name"));
        assert_eq!(scope.usual("b:Name"), ("b", "Name"));
        assert_eq!(scope.usual("c:Name"), ("c", "Name"));
    }

    #[test]
    fn too_many_bindings_are_an_error() {
        let many: String = (0..501).map(|n| format!(" xmlns:p{n}='u'")).collect();

        assert!(Scope::default().enter(&tag(&many)).is_err());
    }
}
