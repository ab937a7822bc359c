//! Fields that exclude each other: a filter that can never match is an error.
//!
//! Refused is only what the fields themselves make impossible. Neither the list of forms
//! nor that of document types is closed, so a pattern may always match one day.

use std::collections::BTreeSet;

use super::{Amendments, Filter};
use crate::{
    event::EventType,
    form::Form,
    frame::{ErrorCode, Refusal},
    pattern::Patterns,
};

/// Forms that have no items: what insiders and managers report.
///
/// Source: EDGAR Filer Manual, volume II: items are declared for current reports, notices of
/// exempt offerings and reports on asset-backed securities.
const WITHOUT_ITEMS: [&str; 7] = ["3", "4", "5", "144", "13F-HR", "13F-NT", "13F-CTR"];

/// Events that tell only what the source that listed a filing knows.
const EARLY: [EventType; 2] = [EventType::FilingSeen, EventType::FilingWithdrawn];

impl Filter {
    /// # Errors
    /// A [`Refusal`] that names the field which another one makes impossible.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        self.check_amendments()?;
        self.check_items()?;
        self.check_types()
    }

    fn check_amendments(&self) -> Result<(), Refusal> {
        let named = named_forms(self.forms.as_ref());
        let all = |amend: bool| named.iter().all(|form| form.is_amendment() == amend);
        let message = match self.amendments {
            Some(Amendments::Exclude) if !named.is_empty() && all(true) => {
                "`amendments=exclude` leaves out every form in `forms`; \
                 take away the /A there, or `amendments`"
            }
            Some(Amendments::Only) if !named.is_empty() && all(false) => {
                "`amendments=only` leaves out every form in `forms`; \
                 write 8-K/A or 8-K* there, or take away `amendments`"
            }
            _ => return Ok(()),
        };
        Err(impossible("amendments", message.to_owned()))
    }

    fn check_items(&self) -> Result<(), Refusal> {
        let named = named_forms(self.forms.as_ref());
        let none = |form: &Form| WITHOUT_ITEMS.contains(&form.root());
        if self.items.is_none() || named.is_empty() || !named.iter().all(none) {
            return Ok(());
        }
        let message = "no form in `forms` has items; take away `items`, or add a form \
            that has them, such as 8-K";
        Err(impossible("items", message.to_owned()))
    }

    fn check_types(&self) -> Result<(), Refusal> {
        let late = [
            ("document_types", self.document_types.is_some()),
            ("sics", self.sics.is_some()),
            ("states", self.states.is_some()),
        ];
        let is_early = |types: &BTreeSet<EventType>| types.iter().all(|t| EARLY.contains(t));
        let given = late.iter().find(|(_, given)| *given);
        match given {
            Some((field, _)) if self.types.as_ref().is_some_and(is_early) => {
                let message = format!(
                    "`{field}` is known once a filing is archived; add filing.archived to `types`"
                );
                Err(impossible(field, message))
            }
            _ => Ok(()),
        }
    }
}

/// The forms that `forms` names, if it names all that it means.
fn named_forms(forms: Option<&Patterns>) -> Vec<Form> {
    let names = forms.and_then(Patterns::names_only);
    let forms = names.into_iter().flatten();
    forms.filter_map(|name| name.parse().ok()).collect()
}

fn impossible(field: &str, message: String) -> Refusal {
    Refusal::new(ErrorCode::FilterImpossible, message).field(field)
}
