//! Which elements belong to a form: by the URI of their namespace, never by its prefix.
//!
//! Invariant: memory is bounded; what is declared beyond the bound is taken as undeclared.

use quick_xml::events::BytesStart;

use super::attribute_value;

/// Declarations in force at a time. Real forms have at most five.
const MAX_BINDINGS: usize = 64;

/// The namespaces in force while elements are entered and left.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// The URIs of the form; empty when it may have any.
    known: &'static [&'static str],
    bindings: Vec<Binding>,
    depth: usize,
}

#[derive(Debug, Clone)]
struct Binding {
    /// Empty for the default namespace.
    prefix: String,
    /// Whether it stands for a namespace of the form, or for none.
    known: bool,
    /// Depth of the element that declares it.
    depth: usize,
}

impl Scope {
    pub(crate) fn new(known: &'static [&'static str]) -> Self {
        Self {
            known,
            bindings: Vec::new(),
            depth: 0,
        }
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Enters an element: whether it belongs to the form or has no namespace at all, be it
    /// because its prefix is not declared.
    pub(crate) fn enter(&mut self, tag: &BytesStart<'_>) -> bool {
        self.depth += 1;
        if tag.attributes_raw().contains("xmlns") {
            self.bind(tag);
        }
        let name = tag.name();
        let prefix = name.prefix();
        let prefix = prefix.as_ref().map_or("", |prefix| prefix.as_ref());
        let mut bound = self.bindings.iter().rev();
        bound
            .find(|binding| binding.prefix == prefix)
            .is_none_or(|binding| binding.known)
    }

    /// Leaves an element.
    pub(crate) fn leave(&mut self) {
        self.leave_to(self.depth.saturating_sub(1));
    }

    /// Leaves all elements but the outermost `depth`.
    pub(crate) fn leave_to(&mut self, depth: usize) {
        self.depth = depth;
        while self
            .bindings
            .last()
            .is_some_and(|binding| binding.depth > self.depth)
        {
            self.bindings.pop();
        }
    }

    fn bind(&mut self, tag: &BytesStart<'_>) {
        // Looking for duplicates would take quadratic time.
        for attribute in tag.attributes().with_checks(false).flatten() {
            let prefix = match attribute.key.as_ref() {
                "xmlns" => "",
                key => match key.strip_prefix("xmlns:") {
                    Some(prefix) => prefix,
                    None => continue,
                },
            };
            if self.bindings.len() == MAX_BINDINGS {
                return;
            }
            let uri = attribute_value(&attribute.value);
            let uri = uri.trim();
            self.bindings.push(Binding {
                prefix: prefix.to_owned(),
                known: uri.is_empty() || self.known.is_empty() || self.known.contains(&uri),
                depth: self.depth,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(content: &'static str) -> BytesStart<'static> {
        let name = content.split(' ').next().unwrap_or_default();
        BytesStart::from_content(content, name.len())
    }

    #[test]
    fn a_prefix_means_what_is_declared_last() {
        let mut scope = Scope::new(&["urn:form"]);

        assert!(scope.enter(&tag("a:root xmlns:a='urn:form' xmlns='urn:other'")));
        assert!(!scope.enter(&tag("child")));
        assert!(!scope.enter(&tag("a:child xmlns:a=\"urn:other\"")));
        scope.leave();
        assert!(scope.enter(&tag("a:child xmlns=''")));
        assert!(scope.enter(&tag("child")));
        assert!(scope.enter(&tag("undeclared:child")));
    }

    #[test]
    fn declarations_are_bounded() {
        let mut scope = Scope::new(&["urn:form"]);
        for _ in 0..1000 {
            scope.enter(&tag("x xmlns:a='urn:other' xmlns:b='urn:other'"));
        }

        assert_eq!(scope.bindings.len(), MAX_BINDINGS);
    }
}
