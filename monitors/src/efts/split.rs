//! Dividing a day that has more documents than the search index shows.
//!
//! The answer to a query says how many documents each root form has, for the thirty most
//! frequent. Forms are packed into groups that fit one query each; what is left is asked for by
//! excluding every form that was read.
//!
//! A form in a query means the root form, so that `8-K` includes `8-K/A`; whether an excluded
//! form does too is not documented. So both are always named: a document may be met twice,
//! which does no harm, but none is left out.
//!
//! Elsewhere: asking the queries (`efts`).
//!
//! Invariant: every document of the day belongs to one of the groups or to the remainder.

use edgar::efts::Answer;
use protocol::form::Form;

use super::crawl::SearchError;

/// Documents of a group, below the 10,000 that can be shown, for what is filed meanwhile.
const GROUP_DOCUMENTS: u64 = 9_000;

/// Forms after which a day is given up: more than EDGAR has.
const FORMS_MAX: usize = 240;

/// What of a day has been divided so far.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// Forms that belong to a group, without their amendments.
    grouped: Vec<String>,
}

impl Split {
    /// Groups of forms that cover the forms an answer names, each for one query.
    ///
    /// # Errors
    /// [`SearchError::NoForms`] if the answer names no form that is not in a group yet.
    pub(super) fn groups(&mut self, answer: &Answer) -> Result<Vec<Vec<String>>, SearchError> {
        let mut groups = Vec::new();
        let mut group = Vec::new();
        let mut documents = 0;
        for (form, count) in self.new_forms(answer)? {
            if count > GROUP_DOCUMENTS {
                groups.extend(alone(&form));
            } else if documents + count > GROUP_DOCUMENTS {
                groups.push(std::mem::replace(&mut group, with_amendment(&form)));
                documents = count;
            } else {
                group.extend(with_amendment(&form));
                documents += count;
            }
            self.grouped.push(form);
        }
        groups.push(group);
        groups.retain(|group| !group.is_empty());
        Ok(groups)
    }

    /// The forms of a query for everything that is in no group.
    pub(super) fn remainder(&self) -> Vec<String> {
        let forms = self.grouped.iter().flat_map(|form| with_amendment(form));
        forms.map(|form| format!("-{form}")).collect()
    }

    fn new_forms(&self, answer: &Answer) -> Result<Vec<(String, u64)>, SearchError> {
        let mut forms = answer.form_buckets.clone();
        forms.retain(|(form, _)| form.parse::<Form>().is_ok() && !self.grouped.contains(form));
        if forms.is_empty() || self.grouped.len() + forms.len() > FORMS_MAX {
            return Err(SearchError::NoForms);
        }
        Ok(forms)
    }
}

/// A form that fills a query by itself: first without its amendments, then they alone.
fn alone(form: &str) -> Vec<Vec<String>> {
    if is_amendment(form) {
        return vec![vec![form.to_owned()]];
    }
    vec![
        vec![form.to_owned(), format!("-{form}/A")],
        vec![format!("{form}/A")],
    ]
}

fn with_amendment(form: &str) -> Vec<String> {
    if is_amendment(form) {
        return vec![form.to_owned()];
    }
    vec![form.to_owned(), format!("{form}/A")]
}

fn is_amendment(form: &str) -> bool {
    form.ends_with("/A")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use edgar::efts::Total;

    fn answer(buckets: &[(&str, u64)]) -> Answer {
        Answer {
            total: Total {
                value: 10_000,
                saturated: true,
            },
            hits: Vec::new(),
            rejected: Vec::new(),
            form_buckets: buckets
                .iter()
                .map(|(form, count)| ((*form).to_owned(), *count))
                .collect(),
            other_forms: 0,
        }
    }

    #[test]
    fn forms_are_packed_up_to_the_limit_of_a_group() {
        let mut split = Split::default();

        let groups = split
            .groups(&answer(&[
                ("4", 6_000),
                ("8-K", 3_000),
                ("D", 1),
                ("3/A", 2),
            ]))
            .unwrap();

        assert_eq!(
            groups,
            [vec!["4", "4/A", "8-K", "8-K/A"], vec!["D", "D/A", "3/A"]]
        );
    }

    #[test]
    fn a_form_that_is_too_large_is_asked_for_without_and_with_amendments() {
        let mut split = Split::default();

        let groups = split.groups(&answer(&[("4", 9_001), ("D", 1)])).unwrap();

        assert_eq!(groups, [vec!["4", "-4/A"], vec!["4/A"], vec!["D", "D/A"]]);
    }

    #[test]
    fn the_remainder_excludes_every_grouped_form_and_its_amendment() {
        let mut split = Split::default();

        split.groups(&answer(&[("4", 9_500), ("3/A", 2)])).unwrap();

        assert_eq!(split.remainder(), ["-4", "-4/A", "-3/A"]);
    }

    #[test]
    fn a_day_that_names_no_further_form_is_given_up() {
        let mut split = Split::default();
        split.groups(&answer(&[("4", 1)])).unwrap();

        let again = split.groups(&answer(&[("4", 1), ("\u{7}", 2)]));

        assert!(matches!(again, Err(SearchError::NoForms)));
    }
}
