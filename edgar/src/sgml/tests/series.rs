//! Series and classes: recorded ones, and the rare groups by hand.

use super::{super::*, recorded::header_of};

fn names(series: &[Series]) -> Vec<&str> {
    series.iter().map(|series| &*series.name).collect()
}

#[test]
fn a_summary_prospectus_names_its_series_with_all_classes() {
    let Some(header) = header_of("full-submission/497K/0001193125-25-148895") else {
        return;
    };

    let [fund] = &header.series.existing[..] else {
        panic!("{:?}", header.series)
    };
    assert_eq!(fund.owner_cik, header.parties[0].cik);
    assert_eq!(fund.id.as_deref(), Some("S000000617"));
    assert_eq!(fund.name, "Classic Value Fund");
    let class = Class {
        id: Some("C000001745".to_owned()),
        name: "Class A".to_owned(),
        ticker: Some("PZFVX".to_owned()),
    };
    assert_eq!((fund.classes.len(), &fund.classes[0]), (6, &class));
    assert!(header.series.new.is_empty() && header.series.mergers.is_empty());
}

#[test]
fn every_series_of_a_census_has_its_class() {
    let Some(header) = header_of("full-submission/N-CEN/0001410368-26-010918") else {
        return;
    };

    assert_eq!(header.series.existing.len(), 22);
    for series in &header.series.existing {
        assert!(series.id.is_some() && series.classes.len() == 1);
        assert!(series.classes[0].ticker.is_some());
    }
}

#[test]
fn dissemination_headers_name_series_alike() {
    let Some(header) = header_of("pds-nc/0001193125-17-242563") else {
        return;
    };

    let classes = header
        .series
        .existing
        .iter()
        .map(|series| series.classes.len());
    assert_eq!(classes.sum::<usize>(), 10);
    let mut all = header
        .series
        .existing
        .iter()
        .flat_map(|series| &series.classes);
    assert!(all.all(|class| class.id.is_some() && class.ticker.is_none()));
}

#[test]
fn filings_made_together_are_known() {
    let Some(header) = header_of("full-submission/NPORT-EX/0001193125-19-278752") else {
        return;
    };

    let others: Vec<_> = header.multi_accessions.iter().map(<_>::to_string).collect();
    assert_eq!(others, ["0001145549-19-040797", "0001145549-19-040798"]);
    assert_eq!(
        names(&header.series.existing),
        ["Semper MBS Total Return Fund", "Semper Short Duration Fund"]
    );
}

#[test]
fn what_is_new_has_the_owner_that_is_told_once() {
    let header = Header::parse(
        b"<SERIES-AND-CLASSES-CONTRACTS-DATA>
<NEW-SERIES-AND-CLASSES-CONTRACTS>
<OWNER-CIK>0001999991
<NEW-SERIES>
<SERIES-ID>S000099902
<SERIES-NAME>BOATS: Quayside Pier > Fund
<CLASS-CONTRACT>
<CLASS-CONTRACT-ID>C000999902
<CLASS-CONTRACT-NAME>Class I
</CLASS-CONTRACT>
</NEW-SERIES>
<NEW-CLASSES-CONTRACTS>
<SERIES-ID>S000099901
<SERIES-NAME>Quayside Harbor Fund
<CLASS-CONTRACT>
<CLASS-CONTRACT-ID>999903
<CLASS-CONTRACT-NAME>Class R
</CLASS-CONTRACT>
</NEW-CLASSES-CONTRACTS>
</NEW-SERIES-AND-CLASSES-CONTRACTS>
</SERIES-AND-CLASSES-CONTRACTS-DATA>
",
    );

    let owner = Some("1999991".parse().unwrap());
    assert_eq!(names(&header.series.new), ["BOATS: Quayside Pier > Fund"]);
    assert_eq!(header.series.new[0].owner_cik, owner);
    assert_eq!(names(&header.series.new_classes), ["Quayside Harbor Fund"]);
    assert_eq!(header.series.new_classes[0].owner_cik, owner);
    assert_eq!(header.series.new_classes[0].classes[0].id, None);
    assert!(header.series.existing.is_empty());
}

#[test]
fn a_merger_has_two_sides() {
    let header = Header::parse(
        b"<SERIES-AND-CLASSES-CONTRACTS-DATA>
<MERGER-SERIES-AND-CLASSES-CONTRACTS>
<MERGER>
<ACQUIRING-DATA>
<CIK>0001999991
<SERIES>
<SERIES-ID>S000099901
<SERIES-NAME>Quayside Harbor Fund
<CLASS-CONTRACT>
<CLASS-CONTRACT-ID>C000999901
<CLASS-CONTRACT-NAME>Class A
<CLASS-CONTRACT-TICKER-SYMBOL>QUAYX
</CLASS-CONTRACT>
</SERIES>
</ACQUIRING-DATA>
<TARGET-DATA>
<CIK>0001999992
<SERIES>
<SERIES-ID>S000099903
<SERIES-NAME>Saltmarsh Fund
</SERIES>
</TARGET-DATA>
<TARGET-DATA>
<CIK>0001999993
</TARGET-DATA>
</MERGER>
</MERGER-SERIES-AND-CLASSES-CONTRACTS>
</SERIES-AND-CLASSES-CONTRACTS-DATA>
",
    );

    let [merger] = &header.series.mergers[..] else {
        panic!("{:?}", header.series)
    };
    assert_eq!(names(&merger.acquiring[0].series), ["Quayside Harbor Fund"]);
    let targets: Vec<_> = merger
        .targets
        .iter()
        .map(|side| (side.cik.unwrap().to_string(), names(&side.series)))
        .collect();
    assert_eq!(
        targets,
        [
            ("1999992".to_owned(), vec!["Saltmarsh Fund"]),
            ("1999993".to_owned(), vec![])
        ]
    );
    let json = serde_json::to_string(&merger.targets[1]).unwrap();
    assert_eq!(json, r#"{"cik":"1999993"}"#);
}

#[test]
fn a_header_value_is_kept_to_its_limit() {
    let long = "é".repeat(100_000);
    for text in [
        format!("GROUP MEMBERS:\t{long}\n"),
        format!("<GROUP-MEMBERS>{long}\n"),
        format!("GROUP MEMBERS:\té\n{}", "é\n".repeat(100_000)),
    ] {
        let header = Header::parse(text.as_bytes());

        let length = header.group_members[0].len();
        assert!((60 * 1024..=64 * 1024).contains(&length), "{length}");
    }
}
