//! Recorded forms 13F.

use super::*;
use crate::xml::recorded::{Recorded, documents};

const FORMS: [&str; 2] = ["13F-HR", "13F-NT"];

fn is_13f(document: &Recorded) -> bool {
    is_cover(&document.document_type, &document.bytes)
        || is_table(&document.document_type, &document.bytes)
}

/// The recorded report whose path contains this; `None` without recorded files.
fn report(path: &str, filed_on: &str) -> Option<Report> {
    let documents = documents(&FORMS);
    let part = |is: fn(&str, &[u8]) -> bool| {
        let found = documents.iter().find(|document| {
            document.path.contains(path) && is(&document.document_type, &document.bytes)
        });
        found.map(|document| &*document.bytes)
    };
    let cover = part(is_cover)?;
    Some(Report::read(cover, part(is_table), filed_on.parse().ok()).unwrap())
}

#[test]
fn every_recorded_cover_and_table_is_read_without_flaws() {
    let (mut covers, mut rows) = (0, 0);
    let documents = documents(&FORMS);
    for document in &documents {
        let path = &document.path;
        if is_cover(&document.document_type, &document.bytes) {
            assert!(
                Cover::read(&document.bytes).unwrap().flaws.is_empty(),
                "{path}"
            );
            covers += 1;
        } else if is_table(&document.document_type, &document.bytes) {
            let (holdings, flaws) = read(&document.bytes);
            assert!(flaws.is_empty(), "{path} {flaws:?}");
            rows += holdings.len();
        }
    }
    assert!(documents.is_empty() || (covers, rows) == (10, 768));
}

#[test]
fn other_recorded_documents_are_refused() {
    for document in documents(&[]).iter().filter(|document| !is_13f(document)) {
        let cover = Cover::read(&document.bytes);
        let table = Table::new(&document.bytes).map(|_| ());

        let path = &document.path;
        assert!(
            matches!(cover, Err(FormError::NotThisForm { .. })),
            "{path}"
        );
        assert!(
            matches!(table, Err(FormError::NotThisForm { .. })),
            "{path}"
        );
    }
}

#[test]
fn rows_add_up_to_what_the_cover_says() {
    for (path, entries, said, sum) in [
        // The filer added before rounding to thousands.
        ("0001000097-20-000004", 55, 663_857, 663_859),
        ("0001140361-23-013281", 6, 11_019_796, 11_019_796),
        ("0001172661-23-003414", 1, 6_305_091, 6_305_091),
        ("0001951757-25-000093", 77, 194_611_845, 194_611_845),
    ] {
        let Some(report) = report(path, "2025-01-22") else {
            return;
        };

        let (summary, totals) = (report.cover.summary.unwrap(), report.totals.unwrap());
        assert_eq!(summary.table_entries, Some(entries));
        assert_eq!(summary.table_value, Some(Decimal::from(said)));
        assert_eq!((totals.entries, totals.value), (entries, sum.into()));
    }
}

#[test]
fn the_day_of_filing_decides_on_the_unit_and_prices_agree() {
    for (path, filed_on, unit) in [
        ("0001000097-20-000004", "2020-02-14", ValueUnit::Thousands),
        // About December 2021, filed under the new rule.
        ("0001140361-23-013281", "2023-03-23", ValueUnit::Dollars),
        ("0001951757-25-000093", "2025-01-22", ValueUnit::Dollars),
    ] {
        let Some(by_date) = report(path, filed_on) else {
            return;
        };
        let mistaken = report(
            path,
            if unit == ValueUnit::Dollars {
                "2022-12-30"
            } else {
                "2023-01-03"
            },
        );

        let (by_date, by_prices) = (
            by_date.valuation.unwrap(),
            mistaken.unwrap().valuation.unwrap(),
        );
        assert_eq!(
            (by_date.unit, by_date.reason),
            (unit, UnitReason::ByFilingDate)
        );
        assert_eq!(
            (by_prices.unit, by_prices.reason),
            (unit, UnitReason::ByPrices)
        );
    }
}

#[test]
fn tables_without_their_filing_tell_their_unit_by_prices() {
    for document in documents(&[]) {
        let unit = match document.path.as_str() {
            "xml-doc/13F-HR.infotable.xml" | "xml-doc/BRK_B_13f_modern.xml" => ValueUnit::Dollars,
            path if path.contains("BRK_B_13f_ancient") => ValueUnit::Thousands,
            path if path.contains("baupost-2017") => ValueUnit::Thousands,
            _ => continue,
        };
        let prices = Table::new(&document.bytes).unwrap().prices();

        let valuation = Valuation::decide(None, None, &prices);

        assert_eq!(
            (valuation.unit, valuation.reason),
            (unit, UnitReason::ByPrices),
            "{}",
            document.path
        );
    }
}

#[test]
fn an_amendment_tells_what_it_does() {
    let Some(report) = report("0001104659-26-001174", "2026-01-06") else {
        return;
    };

    let cover = report.cover;
    let amendment = cover.amendment.unwrap();
    assert_eq!(cover.submission_type, "13F-HR/A");
    assert_eq!(cover.period.to_string(), "2022-09-30");
    assert_eq!(amendment.number, Some(2));
    assert_eq!(amendment.kind, Some(AmendmentKind::NewHoldings));
    assert_eq!(amendment.confidentiality_ended, Some(false));
    let included = &cover.summary.unwrap().included_managers[0];
    assert_eq!(included.sequence, Some(1));
    assert_eq!(included.name.as_deref(), Some("PLATINUM EQUITY, LLC"));
    assert_eq!(included.cik.unwrap().get(), 1_228_754);
}

#[test]
fn a_notice_names_who_reports_instead() {
    let Some(report) = report("0001178913-20-000417", "2020-02-13") else {
        return;
    };

    let cover = &report.cover;
    assert_eq!(cover.report_type, Some(ReportType::Notice));
    assert_eq!(
        cover.reporting_managers[0].form13f_file_number.as_deref(),
        Some("028-17312")
    );
    assert_eq!((&cover.summary, report.totals), (&None, None));
}

#[test]
fn a_combination_report_names_who_reports_the_rest() {
    let Some(report) = report("0001140361-23-013281", "2023-03-23") else {
        return;
    };

    let cover = report.cover;
    assert_eq!(cover.report_type, Some(ReportType::Combination));
    assert_eq!(
        (cover.manager.as_str(), cover.instruction5),
        ("METLIFE INC", Some(true))
    );
    assert_eq!(cover.reporting_managers.len(), 3);
    assert_eq!(
        cover.reporting_managers[2].crd_number.as_deref(),
        Some("000142463")
    );
    assert_eq!(
        cover.signature.unwrap().title.unwrap(),
        "EVP & Chief Investment Officer"
    );
    assert_eq!(report.holdings[5].issuer, "SPDR S&P ETF TRUST");
}

#[test]
fn thousands_are_told_in_dollars_beside_the_value_as_written() {
    let Some(report) = report("0001000097-20-000004", "2020-02-14") else {
        return;
    };

    let holding = report
        .holdings
        .iter()
        .find(|row| row.issuer == "BEYOND AIR INC")
        .unwrap();
    assert_eq!(holding.value.to_string(), "2811");
    assert_eq!(holding.value_usd.unwrap().to_string(), "2811000");
    assert_eq!(holding.other_managers, [1, 2, 3, 4]);
    assert_eq!(holding.voting.unwrap().sole, holding.amount);
    let options = report.holdings.iter().filter(|row| row.put_call.is_some());
    assert_eq!(options.count(), 9);
}

#[test]
fn prefixed_and_default_namespaces_give_the_same_rows() {
    for document in documents(&FORMS) {
        if !document.path.contains("0001951757-25-000093")
            || !is_table(&document.document_type, &document.bytes)
        {
            continue;
        }
        let prefixed = String::from_utf8(document.bytes).unwrap();
        let plain = prefixed.replace("xmlns:ns1=", "xmlns=").replace("ns1:", "");
        assert!(prefixed.contains("<ns1:infoTable>") && plain.contains("<infoTable>"));

        assert_eq!(read(prefixed.as_bytes()), read(plain.as_bytes()));
    }
}

#[test]
fn recorded_reports_are_json_without_nulls() {
    let Some(report) = report("0001951757-25-000093", "2025-01-22") else {
        return;
    };

    let json = serde_json::to_value(&report).unwrap();

    assert!(!json.to_string().contains(":null"));
    assert_eq!(json["holdings"][0]["value_usd"], "406755");
    assert_eq!(json["holdings"][0]["amount_type"], "SH");
    assert_eq!(json["valuation"]["unit"], "dollars");
    assert_eq!(json["cover"]["period"], "2024-12-31");
}
