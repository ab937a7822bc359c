//! Item titles of headers, turned into the codes of the forms.
//!
//! Dissemination headers (`.nc`) carry codes, public ones titles. Form 8-K was
//! renumbered on 2004-08-23: `Other Events` is item 5 before and 8.01 since.
//!
//! Source: SEC release 33-8400 (new 8-K items), Form 8-K, Form D.

use protocol::time::Date;

/// The first day of the present numbering of Form 8-K.
const RENUMBERED: Date = Date::constant(2004, 8, 23);

/// Beginnings of titles, letters and digits only, and their codes since 2004-08-23.
/// Beginnings, because the wording of several titles has changed over the years.
const CURRENT: [(&str, &str); 34] = [
    ("entryintoamaterialdefinitiveagreement", "1.01"),
    ("terminationofamaterialdefinitiveagreement", "1.02"),
    ("bankruptcyorreceivership", "1.03"),
    ("minesafety", "1.04"),
    ("materialcybersecurityincident", "1.05"),
    ("completionofacquisitionordispositionofassets", "2.01"),
    ("resultsofoperationsandfinancialcondition", "2.02"),
    ("creationofadirectfinancialobligation", "2.03"),
    ("triggeringeventsthataccelerate", "2.04"),
    ("costassociatedwithexit", "2.05"),
    ("costsassociatedwithexit", "2.05"),
    ("materialimpairment", "2.06"),
    ("noticeofdelisting", "3.01"),
    ("unregisteredsale", "3.02"),
    ("materialmodification", "3.03"),
    ("changesinregistrantscertifyingaccountant", "4.01"),
    ("nonrelianceonpreviouslyissued", "4.02"),
    ("changesincontrolofregistrant", "5.01"),
    ("departureofdirectors", "5.02"),
    ("amendmentstoarticlesofincorporation", "5.03"),
    ("temporarysuspensionoftrading", "5.04"),
    ("amendmentstotheregistrantscodeofethics", "5.05"),
    ("changeinshellcompanystatus", "5.06"),
    ("submissionofmatterstoavote", "5.07"),
    ("shareholder", "5.08"),
    ("absinformational", "6.01"),
    ("changeofserviceror", "6.02"),
    ("changeincreditenhancement", "6.03"),
    ("failuretomakearequireddistribution", "6.04"),
    ("securitiesactupdatingdisclosure", "6.05"),
    ("staticpool", "6.06"),
    ("regulationfddisclosure", "7.01"),
    ("otherevents", "8.01"),
    ("financialstatementsandexhibits", "9.01"),
];

/// The same before 2004-08-23.
const FORMER: [(&str, &str); 12] = [
    ("changesincontrolofregistrant", "1"),
    ("acquisitionordispositionofassets", "2"),
    ("bankruptcyorreceivership", "3"),
    ("changesinregistrantscertifyingaccountant", "4"),
    ("otherevents", "5"),
    ("resignationsofregistrantsdirector", "6"),
    ("financialstatements", "7"),
    ("changeinfiscalyear", "8"),
    ("regulationfddisclosure", "9"),
    ("amendmentstotheregistrantscodeofethics", "10"),
    ("temporarysuspensionoftrading", "11"),
    ("resultsofoperationsandfinancialcondition", "12"),
];

/// Exemptions of Form D, whole titles.
const EXEMPTIONS: [(&str, &str); 9] = [
    ("rule504", "04"),
    ("rule504b1i", "04.1"),
    ("rule504b1ii", "04.2"),
    ("rule504b1iii", "04.3"),
    ("rule505", "05"),
    ("rule506", "06"),
    ("rule506b", "06b"),
    ("rule506c", "06c"),
    ("securitiesactsection46", "46"),
];

/// The code of an item as a header gives it: a code already, or a title.
///
/// `None` for a title that is not known for `form`, written without regard to `/A`.
pub(super) fn code(item: &str, form: &str, filed_on: Option<Date>) -> Option<String> {
    if is_code(item) {
        return Some(item.to_owned());
    }
    let title: String = item
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let form = form.strip_suffix("/A").unwrap_or(form);
    match form {
        "D" => exemption(&title),
        _ if form.starts_with("8-K") => current_report(&title, filed_on).map(str::to_owned),
        _ => None,
    }
}

/// Whether `item` is a code: `5`, `2.02`, `06b`, `3C.7`.
fn is_code(item: &str) -> bool {
    let plain = item.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    plain && item.len() <= 5 && item.starts_with(|first: char| first.is_ascii_digit())
}

fn current_report(title: &str, filed_on: Option<Date>) -> Option<&'static str> {
    let find = |table: &[(&'static str, &'static str)]| {
        let row = table
            .iter()
            .find(|(beginning, _)| title.starts_with(beginning));
        row.map(|(_, code)| *code)
    };
    // A title of the other numbering occurs around the change.
    if filed_on.is_some_and(|day| day < RENUMBERED) {
        find(&FORMER).or_else(|| find(&CURRENT))
    } else {
        find(&CURRENT).or_else(|| find(&FORMER))
    }
}

fn exemption(title: &str) -> Option<String> {
    if let Some((_, code)) = EXEMPTIONS.iter().find(|(whole, _)| *whole == title) {
        return Some((*code).to_owned());
    }
    if title.ends_with("section4a5") {
        return Some("4a5".to_owned());
    }
    let (_, clause) = title.rsplit_once("section3c")?;
    match clause.parse::<u8>() {
        Ok(clause) => Some(format!("3C.{clause}")),
        Err(_) => clause.is_empty().then(|| "3C".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn on(day: &str) -> Option<Date> {
        Some(day.parse().unwrap())
    }

    #[test]
    fn the_same_title_has_another_number_before_the_renumbering() {
        for (title, before, since) in [
            ("Other events", "5", "8.01"),
            ("Regulation FD Disclosure", "9", "7.01"),
            (
                "Results of Operations and Financial Condition",
                "12",
                "2.02",
            ),
            ("Financial statements and exhibits", "7", "9.01"),
            ("Changes in control of registrant", "1", "5.01"),
        ] {
            assert_eq!(code(title, "8-K", on("2004-08-22")).unwrap(), before);
            assert_eq!(code(title, "8-K/A", on("2004-08-23")).unwrap(), since);
        }
    }

    #[test]
    fn every_wording_of_a_title_has_its_number() {
        for (title, number) in [
            (
                "Departure of Directors or Principal Officers; Election of Directors; Appointment of Principal Officers",
                "5.02",
            ),
            (
                "Departure of Directors or Certain Officers; Election of Directors; Appointment of Certain Officers: Compensatory Arrangements of Certain Officers",
                "5.02",
            ),
            ("Cost Associated with Exit or Disposal Activities", "2.05"),
            (
                "Non-Reliance on Previously Issued Financial Statements or a Related Audit Report or Completed Interim Review",
                "4.02",
            ),
            (
                "Amendments to the Registrant's Code of Ethics, or Waiver of a Provision of the Code of Ethics",
                "5.05",
            ),
        ] {
            assert_eq!(code(title, "8-K", on("2006-01-01")).unwrap(), number);
        }
    }

    #[test]
    fn a_code_stays_a_code_on_every_form() {
        for item in ["2.02", "06b", "3C.7", "5"] {
            assert_eq!(code(item, "ABS-15G", None).unwrap(), item);
        }
    }

    #[test]
    fn exemptions_of_form_d_have_codes() {
        for (title, expected) in [
            ("Rule 506", "06"),
            ("Rule 506(b)", "06b"),
            ("Rule 504(b)(1)(iii)", "04.3"),
            ("Securities Act Section 4(6)", "46"),
            ("Securities Act Section 4(a)(5)", "4a5"),
            ("Investment Company Act Section 3(c)", "3C"),
            ("Investment Company Act Section 3(c)(7)", "3C.7"),
        ] {
            assert_eq!(code(title, "D", None).unwrap(), expected);
        }
    }

    #[test]
    fn an_unknown_title_has_no_code() {
        assert_eq!(code("Weather", "8-K", None), None);
        assert_eq!(code("Other Events", "10-D", None), None);
    }
}
