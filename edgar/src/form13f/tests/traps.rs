//! What real and damaged filings do to a reader.

use super::*;

#[test]
fn a_damaged_row_does_not_lose_the_others() {
    for damaged in [
        row("TWO", "lots"),
        row("TWO", ""),
        row("TWO", "1").replace("<cusip>037833100</cusip>", ""),
        row("TWO", "1").replace("SH<", "XX<"),
        row("TWO", "1").replace("</infoTable>", ""),
        row("TWO", "1").replace("<cusip>", "<cusip"),
        row("TWO", "1").replace("<value>", "<value <!--"),
        row("TWO", "1").replace("</value>", ""),
        row("TWO", "1")
            .replace("</infoTable>", "</value></cusip></infoTable>")
            .replace("<value>", "<value><x>"),
    ] {
        let table = table(&[row("ONE", "1"), damaged.clone(), row("THREE", "3")]);

        let (holdings, flaws) = read(table.as_bytes());

        let issuers: Vec<_> = holdings.iter().map(|row| &*row.issuer).collect();
        assert_eq!(issuers, ["ONE", "THREE"], "{damaged}");
        assert!(!flaws.is_empty(), "{damaged}");
    }
}

#[test]
fn many_rows_with_the_same_damage_do_not_lose_the_last() {
    for (tag, instead) in [("</infoTable>", ""), ("</value>", ""), ("</cusip>", "<x>")] {
        let damaged = row("ONE", "1").replace(tag, instead);
        let table = table(&[vec![damaged; 200], vec![row("LAST", "1")]].concat());

        assert_eq!(issuers(&table).last().unwrap(), "LAST", "{tag}");
    }
}

#[test]
fn an_unknown_code_is_absent_and_told() {
    let table =
        table(
            &[row("ONE", "1").replace("</infoTable>", "<putCall>Straddle</putCall></infoTable>")],
        );

    let (holdings, flaws) = read(table.as_bytes());

    assert_eq!(holdings[0].put_call, None);
    assert_eq!(flaws.first[0].what, Wrong::Unreadable("putCall"));
}

#[test]
fn flaws_are_told_in_bytes_of_the_document() {
    let marked = format!("\u{feff}\n{}", table(&[row("ONE", "1"), row("TWO", "x")]));
    let windows = marked.replace('\u{feff}', " ").replace("ONE", "Nestlé");
    let latin: Vec<u8> = windows.chars().map(|c| c as u8).collect();
    for bytes in [marked.into_bytes(), latin] {
        let (holdings, flaws) = read(&bytes);

        let at = flaws.first[0].offset as usize;
        assert_eq!(flaws.count, 2);
        assert!(bytes[at..].starts_with(b"<infoTable><nameOfIssuer>TWO"));
        assert!(["ONE", "Nestlé"].contains(&&*holdings[0].issuer));
    }
}

#[test]
fn a_cut_table_keeps_its_whole_rows_and_says_that_it_is_cut() {
    let whole = table(&[row("ONE", "1"), row("TWO", "2")]);
    let cut = &whole[..whole.len() - "</infoTable></informationTable>".len()];

    let (holdings, flaws) = read(cut.as_bytes());

    assert_eq!(holdings.len(), 1);
    assert_eq!(flaws.first[0].what, Wrong::Cut);
    assert_eq!(flaws.first[0].offset, cut.len() as u64);
}

#[test]
fn elements_are_known_by_their_namespace_not_their_prefix() {
    let rows = row("ONE", "1");
    let own = format!("<informationTable xmlns='{NAMESPACE}'>{rows}</informationTable>");
    let each = table(&[rows.replace("<infoTable>", &format!("<infoTable xmlns='{NAMESPACE}'>"))]);
    let foreign_row = rows.replace("<infoTable>", "<infoTable xmlns='urn:other'>");
    let foreign_field = rows.replace(
        "</infoTable>",
        "<x:value xmlns:x='urn:other'>9</x:value></infoTable>",
    );

    assert_eq!(issuers(&own), ["ONE"]);
    assert_eq!(issuers(&each), ["ONE"]);
    assert_eq!(issuers(&table(&[foreign_row, row("TWO", "2")])), ["TWO"]);
    assert_eq!(
        read(table(&[foreign_field]).as_bytes()),
        read(table(&[rows]).as_bytes())
    );
}

#[test]
fn a_root_of_another_namespace_is_another_form() {
    let other = "<n1:informationTable xmlns:n1='http://www.sec.gov/edgar/document/npx'/>";

    assert!(!is_table("INFORMATION TABLE", other.as_bytes()));
    assert!(matches!(
        Table::new(other.as_bytes()),
        Err(FormError::NotThisForm { .. })
    ));
}

#[test]
fn a_text_table_is_another_form() {
    let text = b"<PAGE>\n\n    Form 13F Information Table\n<TABLE> <S> <C>";

    let Err(FormError::NotThisForm { begins }) = Table::new(text).map(|_| ()) else {
        panic!("it was taken");
    };
    assert!(begins.starts_with("<PAGE>"));
}

#[test]
fn text_may_be_escaped_in_every_way_of_xml() {
    for (written, issuer) in [
        ("S&amp;P", "S&P"),
        ("<![CDATA[S&P]]>", "S&P"),
        ("S&#38;P", "S&P"),
        ("S<!-- and -->&amp;<?x?>P", "S&P"),
        ("AT&T", "AT&T"),
        ("\n  QUAY\n", "QUAY"),
    ] {
        assert_eq!(issuers(&table(&[row(written, "1")])), [issuer], "{written}");
    }
}

#[test]
fn codes_are_read_in_any_case_and_managers_with_any_separator() {
    let written = row("ONE", "1.50")
        .replace("SH<", "prn<")
        .replace("037833100", "g1151c101");
    let more = "<putCall>PUT</putCall><investmentDiscretion>Defined</investmentDiscretion>\
                <otherManager>1, 02;4</otherManager><figi>bbg000b9xry4</figi></infoTable>";
    let (holdings, flaws) = read(table(&[written.replace("</infoTable>", more)]).as_bytes());

    let holding = &holdings[0];
    assert!(flaws.is_empty());
    assert_eq!(holding.amount_type, AmountType::Principal);
    assert_eq!(holding.put_call, Some(PutCall::Put));
    assert_eq!(holding.discretion, Some(Discretion::Defined));
    assert_eq!(holding.other_managers, [1, 2, 4]);
    assert_eq!(holding.value.to_string(), "1.5");
    assert_eq!(holding.figi.as_deref(), Some("BBG000B9XRY4"));
    assert_eq!(holding.cusip, "G1151C101");
    assert_eq!(holding.cusip_as_written.as_deref(), Some("g1151c101"));
}

#[test]
fn an_empty_table_has_no_rows_and_no_flaws() {
    for table in [
        "<informationTable/>",
        "<informationTable></informationTable>\n<x",
    ] {
        assert_eq!(read(table.as_bytes()), (vec![], Flaws::default()));
    }
}

const COVER: &str = "<edgarSubmission><headerData><submissionType>13F-HR/A</submissionType>\
    <filerInfo><periodOfReport>06-30-2024</periodOfReport></filerInfo></headerData><formData>\
    <coverPage><amendmentInfo><amendmentType>Restatement</amendmentType></amendmentInfo>\
    <filingManager><name>QUAYSIDE &amp; CO</name></filingManager></coverPage></formData>\
    </edgarSubmission>";

#[test]
fn a_cover_needs_no_namespace() {
    let cover = Cover::read(COVER.as_bytes()).unwrap();

    assert!(is_cover("13F-HR/A", COVER.as_bytes()));
    assert_eq!(
        (&*cover.manager, cover.period.to_string()),
        ("QUAYSIDE & CO", "2024-06-30".into())
    );
    assert_eq!(
        cover.amendment.unwrap().kind,
        Some(AmendmentKind::Restatement)
    );
}

#[test]
fn the_quarter_stands_in_for_a_missing_period() {
    let quarter = "<coverPage><reportCalendarOrQuarter>03-31-2024</reportCalendarOrQuarter>";
    let cover = COVER
        .replace("06-30-2024", "June")
        .replace("<coverPage>", quarter);

    let cover = Cover::read(cover.as_bytes()).unwrap();

    assert_eq!(cover.period.to_string(), "2024-03-31");
    assert_eq!(
        cover.flaws.first[0].what,
        Wrong::Unreadable("periodOfReport")
    );
}

#[test]
fn a_cover_without_its_period_is_malformed_and_says_how_far_it_goes() {
    let cut = COVER.find("<periodOfReport>").unwrap() + 10;

    let error = Cover::read(&COVER.as_bytes()[..cut]).unwrap_err();

    let offset = (cut - 10) as u64;
    assert_eq!(
        error,
        FormError::Malformed {
            offset,
            missing: "periodOfReport"
        }
    );
}

#[test]
fn the_primary_document_of_another_form_is_refused() {
    let other = COVER.replace("13F-HR/A", "D");

    assert!(matches!(
        Cover::read(other.as_bytes()),
        Err(FormError::NotThisForm { .. })
    ));
    assert!(!is_cover("D", COVER.as_bytes()));
}
