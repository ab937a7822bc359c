//! The title of an entry: `FORM - NAME (0001999991) (Role)`.
//!
//! A name may hold ` - `, parentheses and `/DE/`, so a title is read from the right and
//! the form is known from the category where there is one.

use protocol::{cik::Cik, filing::FilerRole};

/// What a title tells. Texts are empty where it does not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Title<'a> {
    pub(super) form: &'a str,
    pub(super) name: &'a str,
    pub(super) cik: Option<Cik>,
    pub(super) role: Option<FilerRole>,
}

/// Reads `title`; `term` is the form in the category of the entry, or empty.
///
/// The category is believed where the title agrees or has no form, else the title is.
pub(super) fn read<'a>(title: &'a str, term: &'a str) -> Title<'a> {
    let (rest, cik, role) = parties(title.trim());
    let (form, name) = form_and_name(rest, term.trim());
    Title {
        form,
        name: name.trim(),
        cik,
        role,
    }
}

fn parties(title: &str) -> (&str, Option<Cik>, Option<FilerRole>) {
    let Some((rest, last)) = last_group(title) else {
        return (title, None, None);
    };
    if let Some(cik) = cik(last) {
        return (rest, Some(cik), None);
    }
    match last_group(rest).and_then(|(rest, group)| Some((rest, cik(group)?))) {
        Some((rest, cik)) => (rest, Some(cik), role(last)),
        None => (title, None, None),
    }
}

/// Splits `rest (group)`.
fn last_group(text: &str) -> Option<(&str, &str)> {
    let open = text.strip_suffix(')')?;
    let (rest, group) = open.rsplit_once('(')?;
    Some((rest.trim_end(), group))
}

fn cik(group: &str) -> Option<Cik> {
    const PADDED: usize = 10;
    let digits = group.trim();
    (digits.len() == PADDED).then(|| digits.parse().ok())?
}

fn form_and_name<'a>(rest: &'a str, term: &'a str) -> (&'a str, &'a str) {
    let of_term = rest
        .strip_prefix(term)
        .and_then(|rest| rest.strip_prefix(" -"));
    match of_term {
        Some(name) if !term.is_empty() => (term, name),
        _ => rest.split_once(" - ").unwrap_or((term, rest)),
    }
}

/// The role of these words, `None` for words EDGAR has not used so far.
fn role(words: &str) -> Option<FilerRole> {
    let role = match words.trim().to_ascii_lowercase().as_str() {
        "filer" => FilerRole::Filer,
        "reporting" | "reporting owner" => FilerRole::ReportingOwner,
        "issuer" => FilerRole::Issuer,
        "subject" | "subject company" => FilerRole::SubjectCompany,
        "filed by" => FilerRole::FiledBy,
        "filed for" => FilerRole::FiledFor,
        "depositor" => FilerRole::Depositor,
        "securitizer" => FilerRole::Securitizer,
        "issuing entity" => FilerRole::IssuingEntity,
        "serial company" => FilerRole::SerialCompany,
        "underwriter" => FilerRole::Underwriter,
        _ => return None,
    };
    Some(role)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CIK: Option<Cik> = Some(Cik::new(1_999_991));

    fn name_of<'a>(title: &'a str, term: &'a str) -> &'a str {
        read(title, term).name
    }

    #[test]
    fn a_title_is_read_from_the_right() {
        let title = "8-K/A - QUAYSIDE - ROBOTICS (HOLDINGS) INC. /DE/ (UK) (0001999991) (Filer)";

        let read = read(title, "8-K/A");

        assert_eq!(
            read,
            Title {
                form: "8-K/A",
                name: "QUAYSIDE - ROBOTICS (HOLDINGS) INC. /DE/ (UK)",
                cik: CIK,
                role: Some(FilerRole::Filer),
            }
        );
    }

    #[test]
    fn every_role_is_known_in_any_case() {
        for (words, role) in [
            ("Filer", FilerRole::Filer),
            ("Reporting", FilerRole::ReportingOwner),
            ("issuer", FilerRole::Issuer),
            ("SUBJECT", FilerRole::SubjectCompany),
            ("Filed by", FilerRole::FiledBy),
            ("Filed For", FilerRole::FiledFor),
            ("Depositor", FilerRole::Depositor),
            ("Securitizer", FilerRole::Securitizer),
            ("Issuing Entity", FilerRole::IssuingEntity),
            ("Serial company", FilerRole::SerialCompany),
            ("Underwriter", FilerRole::Underwriter),
        ] {
            let title = format!("4 - DOE JANE (0001999991) ({words})");
            assert_eq!(read(&title, "4").role, Some(role), "{words}");
        }
    }

    #[test]
    fn an_unknown_role_costs_nothing_but_the_role() {
        let read = read("4 - DOE JANE (0001999991) (Witness)", "4");

        assert_eq!((read.name, read.cik, read.role), ("DOE JANE", CIK, None));
    }

    #[test]
    fn a_missing_role_leaves_the_cik() {
        let read = read("4 - DOE JANE (0001999991)", "4");

        assert_eq!((read.name, read.cik, read.role), ("DOE JANE", CIK, None));
    }

    #[test]
    fn a_name_that_ends_in_parentheses_is_no_cik() {
        let read = read("D - FUND II (2026) (Parallel)", "D");

        assert_eq!((read.name, read.cik), ("FUND II (2026) (Parallel)", None));
    }

    #[test]
    fn the_title_wins_over_a_category_that_disagrees() {
        let read = read("8-K - A - B (0001999991) (Filer)", "10-Q");

        assert_eq!((read.form, read.name), ("8-K", "A - B"));
    }

    #[test]
    fn the_category_helps_a_title_without_form() {
        let read = read("QUAYSIDE (0001999991) (Filer)", "10-Q");

        assert_eq!((read.form, read.name), ("10-Q", "QUAYSIDE"));
    }

    #[test]
    fn an_empty_name_is_kept_empty() {
        assert_eq!(name_of("8-K -  (0001999991) (Filer)", "8-K"), "");
        assert_eq!(name_of("", ""), "");
    }
}
