//! Which unit is decided on, from which evidence.

use super::*;

/// Prices of rows of a hundred shares with these values, classes and amounts.
fn prices(rows: &[(&str, u64, u64)]) -> Prices {
    let mut prices = Prices::default();
    for (class, value, amount) in rows {
        let row = row("ONE", &value.to_string())
            .replace(">COM<", &format!(">{class}<"))
            .replace("<sshPrnamt>100<", &format!("<sshPrnamt>{amount}<"));
        prices.add(&read(table(&[row]).as_bytes()).0[0]);
    }
    prices
}

fn decide(filed_on: &str, prices: &Prices) -> (ValueUnit, UnitReason) {
    let valuation = Valuation::decide(filed_on.parse().ok(), None, prices);
    (valuation.unit, valuation.reason)
}

const DOLLARS: (ValueUnit, UnitReason) = (ValueUnit::Dollars, UnitReason::ByFilingDate);
const THOUSANDS: (ValueUnit, UnitReason) = (ValueUnit::Thousands, UnitReason::ByFilingDate);

#[test]
fn without_prices_the_day_of_filing_decides() {
    assert_eq!(decide("2023-01-03", &Prices::default()), DOLLARS);
    assert_eq!(decide("2023-01-02", &Prices::default()), THOUSANDS);
    assert_eq!(
        decide("", &Prices::default()),
        (ValueUnit::Dollars, UnitReason::Assumed)
    );
}

#[test]
fn filers_who_kept_thousands_are_found_out() {
    let many = prices(&[("COM", 5, 100); 12]);
    let one = prices(&[("COM", 15, 100)]);

    for prices in [many, one] {
        assert_eq!(
            decide("2024-05-15", &prices),
            (ValueUnit::Thousands, UnitReason::ByPrices)
        );
    }
}

#[test]
fn filers_who_wrote_dollars_too_soon_are_found_out() {
    assert_eq!(
        decide("2013-08-14", &prices(&[("COM", 4_525, 100); 12])),
        (ValueUnit::Dollars, UnitReason::ByPrices)
    );
}

#[test]
fn a_warrant_beside_a_share_is_no_sign_of_thousands() {
    let two = [
        ("*W EXP 99/99/999", 320_000, 400_000),
        ("ORD SHS CL A", 24_600_000, 2_400_000),
    ];

    assert_eq!(decide("2026-02-17", &prices(&two)), DOLLARS);
    assert_eq!(Valuation::decide(None, None, &prices(&two)).prices, 1);
}

#[test]
fn a_single_cheap_share_is_no_sign_of_thousands() {
    assert_eq!(decide("2024-05-15", &prices(&[("COM", 40, 100)])), DOLLARS);
}

#[test]
fn a_single_share_above_a_thousand_dollars_is_no_sign_of_dollars() {
    assert_eq!(
        decide("2021-05-15", &prices(&[("COM", 350, 100)])),
        THOUSANDS
    );
}

#[test]
fn values_repeated_as_shares_tell_no_price() {
    let repeated = prices(&[("COM", 5_000, 5_000); 20]);

    let valuation = Valuation::decide("2026-02-17".parse().ok(), None, &repeated);

    assert_eq!(
        (valuation.unit, valuation.median_price),
        (ValueUnit::Dollars, None)
    );
}

#[test]
fn options_and_principal_tell_no_price() {
    let principal = row("ONE", "1").replace("SH<", "PRN<");
    let option = row("ONE", "1").replace("</infoTable>", "<putCall>Call</putCall></infoTable>");
    let table = table(&[principal, option, row("ONE", "0")]);

    let prices = Table::new(table.as_bytes()).unwrap().prices();

    assert_eq!(Valuation::decide(None, None, &prices).prices, 0);
}

#[test]
fn without_the_day_of_filing_the_cover_tells() {
    let decide = |version: &str, signed: &str, period: &str| {
        let cover = format!(
            "<edgarSubmission>{version}<headerData><submissionType>13F-HR</submissionType><filerInfo>\
             <periodOfReport>{period}</periodOfReport></filerInfo></headerData><formData><coverPage>\
             <filingManager><name>Q</name></filingManager></coverPage><signatureBlock>\
             <signatureDate>{signed}</signatureDate></signatureBlock></formData></edgarSubmission>"
        );
        let cover = Cover::read(cover.as_bytes()).unwrap();
        let valuation = Valuation::decide(None, Some(&cover), &Prices::default());
        (valuation.unit, valuation.reason)
    };

    let schema = decide("<schemaVersion>X0202</schemaVersion>", "", "12-31-2020");
    assert_eq!(schema, (ValueUnit::Dollars, UnitReason::BySchema));
    let signed = decide("", "02-14-2023", "09-30-2022");
    assert_eq!(signed, (ValueUnit::Dollars, UnitReason::ByPeriod));
    let quarter = decide("", "", "09-30-2022");
    assert_eq!(quarter, (ValueUnit::Thousands, UnitReason::ByPeriod));
}

#[test]
fn the_median_of_an_even_number_lies_between_two_prices() {
    let valuation = Valuation::decide(None, None, &prices(&[("COM", 400, 100), ("COM", 900, 100)]));

    assert_eq!(valuation.median_price, Some(6.0));
}
