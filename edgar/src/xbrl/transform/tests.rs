//! Every format by examples: the registries' own, those of recorded filings.

use super::*;

fn value(registry: Registry, name: &str, text: &str) -> Option<String> {
    let format = Format::of(registry, name).unwrap_or_else(|| panic!("no format {name}"));
    format.apply(text).map(Cow::into_owned)
}

#[track_caller]
fn check(registry: Registry, examples: &[(&str, &str, &str)]) {
    for (name, text, expected) in examples {
        assert_eq!(
            value(registry, name, text).as_deref(),
            Some(*expected),
            "{name} {text}"
        );
    }
}

#[test]
fn registries_are_known_by_their_namespace() {
    for (uri, registry) in [
        (
            "http://www.xbrl.org/inlineXBRL/transformation/2010-04-20",
            Some(Registry::One),
        ),
        (
            "http://www.xbrl.org/inlineXBRL/transformation/2022-02-16",
            Some(Registry::Five),
        ),
        (
            "http://www.sec.gov/inlineXBRL/transformation/2015-08-31",
            Some(Registry::Sec),
        ),
        (
            "http://www.xbrl.org/2008/inlineXBRL/transformation",
            Some(Registry::One),
        ),
        ("http://www.xbrl.org/inlineXBRL/transformation/1999", None),
        ("http://fasb.org/us-gaap/2024", None),
    ] {
        assert_eq!(Registry::of(uri), registry, "{uri}");
    }
}

#[test]
fn the_first_registry_reads_numbers_and_dates() {
    check(
        Registry::One,
        &[
            ("numcommadot", "1,234.50", "1234.50"),
            ("numdotcomma", "1.234,5", "1234.5"),
            ("numspacedot", "1 234.5", "1234.5"),
            ("numspacecomma", "1\u{a0}234,5", "1234.5"),
            ("numcomma", "12,5", "12.5"),
            ("numdash", "-", "0"),
            ("dateslashus", "3/29/2025", "2025-03-29"),
            ("dateslasheu", "29/03/25", "2025-03-29"),
            ("datedoteu", "29.3.2025", "2025-03-29"),
            ("datelongus", "March 29, 2025", "2025-03-29"),
            ("dateshortuk", "29 Mar 25", "2025-03-29"),
            ("datelongmonthdayus", "March 29", "--03-29"),
            ("dateslashdaymontheu", "29/3", "--03-29"),
            ("datelongmonthyear", "March 2025", "2025-03"),
            ("dateshortyearmonth", "2025 Mar", "2025-03"),
        ],
    );
}

#[test]
fn the_third_registry_keeps_zeros_and_the_fourth_drops_them() {
    check(
        Registry::Three,
        &[("numdotdecimal", "9,720,000.00", "9720000.00")],
    );
    check(
        Registry::Four,
        &[
            ("num-dot-decimal", "9,720,000.00", "9720000"),
            ("num-dot-decimal", "0.50", "0.5"),
            ("num-dot-decimal", ".5", "0.5"),
            ("num-comma-decimal", "1.234,50", "1234.5"),
            ("num-unit-decimal", "12 dollars 5 cents", "12.05"),
        ],
    );
}

#[test]
fn unhyphened_formats_are_those_of_the_second_and_third_registry() {
    check(
        Registry::Three,
        &[
            ("booleanfalse", "anything", "false"),
            ("booleantrue", "", "true"),
            ("nocontent", "x", ""),
            ("zerodash", "\u{2014}", "0"),
            ("numcommadecimal", "1 234,5", "1234.5"),
            ("numunitdecimal", "5\u{5186}50\u{92ad}", "5.50"),
            ("datemonthdayyearen", "April 24, 2025", "2025-04-24"),
            ("datedaymonthyearen", "24th day of April 2025", "2025-04-24"),
            ("datemonthdayen", "Sept. 30", "--09-30"),
            ("datemonthday", "12/31", "--12-31"),
            ("datedaymonthyeardk", "24. maj 2025", "2025-05-24"),
            ("dateyearmonthen", "2025 April", "2025-04"),
            (
                "dateyearmonthdaycjk",
                "2025\u{5e74}4\u{6708}24\u{65e5}",
                "2025-04-24",
            ),
            (
                "dateerayearmonthdayjp",
                "\u{5e73}\u{6210}\u{5143}\u{5e74}1\u{6708}8\u{65e5}",
                "1989-01-08",
            ),
        ],
    );
}

#[test]
fn hyphened_formats_are_those_of_the_fourth_and_fifth_registry() {
    check(
        Registry::Five,
        &[
            ("fixed-zero", "\u{2014}", "0"),
            ("fixed-false", "None.", "false"),
            ("fixed-true", "\u{2612}", "true"),
            ("fixed-empty", "x", ""),
            (
                "date-monthname-day-year-en",
                "March\u{a0}29, 2025",
                "2025-03-29",
            ),
            ("date-monthname-day-en", "September 28", "--09-28"),
            ("date-month-day-year", "12/31/22", "2022-12-31"),
            ("date-month-day", "--12-31", "--12-31"),
            ("date-year-month-day", "2025/3/9", "2025-03-09"),
            (
                "date-day-monthname-year-de",
                "9. M\u{e4}rz 2025",
                "2025-03-09",
            ),
            (
                "date-day-monthname-year-cs",
                "9. července 2025",
                "2025-07-09",
            ),
            ("date-day-monthname-year-cs", "9. června 2025", "2025-06-09"),
            ("date-day-monthroman-year", "9.VIII.2025", "2025-08-09"),
            (
                "date-year-monthname-day-hu",
                "2025. m\u{e1}jus 9",
                "2025-05-09",
            ),
            (
                "date-jpn-era-year-month",
                "\u{4ee4}\u{548c}2\u{5e74}3\u{6708}",
                "2020-03",
            ),
            ("num-dot-decimal-apos", "1\u{2019}234.5", "1234.5"),
        ],
    );
}

#[test]
fn durations_in_digits_spill_into_smaller_units() {
    check(
        Registry::Sec,
        &[
            ("duryear", "2.7", "P2Y8M12D"),
            ("duryear", "17", "P17Y"),
            ("duryear", "0.5", "P0Y6M"),
            ("duryear", "0", "P0Y"),
            ("durmonth", "12", "P12M"),
            ("durmonth", "-1.5", "-P1M15D"),
            ("durweek", "2", "P14D"),
            ("durday", "30.5", "P30DT12H"),
            ("durhour", "36", "PT36H"),
        ],
    );
}

#[test]
fn words_are_numbers_and_durations() {
    check(
        Registry::Sec,
        &[
            ("numwordsen", "two", "2"),
            ("numwordsen", "None", "0"),
            ("numwordsen", "Twenty-one", "21"),
            (
                "numwordsen",
                "one hundred and five thousand, three hundred",
                "105300",
            ),
            (
                "numwordsen",
                "six million four hundred thousand five",
                "6400005",
            ),
            ("durwordsen", "ten years", "P10Y"),
            ("durwordsen", "two years, six months and 3 days", "P2Y6M3D"),
            ("durwordsen", "18 months", "P18M"),
            ("durwordsen", "one-year", "P1Y"),
            ("durwordsen", "no years", "P0D"),
        ],
    );
}

#[test]
fn names_have_codes() {
    check(
        Registry::Sec,
        &[
            ("stateprovnameen", "New  York", "NY"),
            ("stateprovnameen", "Qu\u{e9}bec", "QC"),
            ("countrynameen", "United Kingdom", "GB"),
            (
                "countrynameen",
                "The People\u{2019}s Republic of China",
                "CN",
            ),
            ("countrynameen", "Republic of Korea", "KR"),
            ("countrynameen", "Republic of the Marshall Islands", "MH"),
            ("countrynameen", "U.S.A.", "US"),
            ("edgarprovcountryen", "Canada", "Z4"),
            ("edgarprovcountryen", "Ontario, Canada", "A6"),
            ("edgarprovcountryen", "Cayman Islands", "E9"),
            ("edgarprovcountryen", "Israel", "L3"),
            ("exchnameen", "The Nasdaq Stock Market LLC", "NASDAQ"),
            ("exchnameen", "New York Stock Exchange", "NYSE"),
            ("exchnameen", "NYSE Arca, Inc.", "NYSEArca"),
            ("exchnameen", "NYSE AMERICAN LLC", "NYSEAMER"),
            (
                "entityfilercategoryen",
                "Non-Accelerated Filer",
                "Non-accelerated Filer",
            ),
            ("boolballotbox", "\u{2610}", "false"),
            ("boolballotbox", "\u{2611}", "true"),
            ("yesnoballotbox", "\u{2612}", "Yes"),
            ("datequarterend", "Q3 2025", "2025-09-30"),
            ("datequarterend", "the fourth quarter of 2025", "2025-12-31"),
            ("numinf", "x", "INF"),
        ],
    );
}

#[test]
fn two_words_that_could_be_months_are_no_date() {
    let name = "date-monthname-day-year-en";
    let of = |text| value(Registry::Four, name, text);

    assert_eq!(of("Marketable as of May 5, 2020"), None);
    assert_eq!(of("May 5, 2020").as_deref(), Some("2020-05-05"));
}

#[test]
fn what_does_not_fit_gives_nothing() {
    for (registry, name, text) in [
        (Registry::Three, "numdotdecimal", ""),
        (Registry::Three, "numdotdecimal", "1.2.3"),
        (Registry::Three, "numdotdecimal", "(5)"),
        (Registry::Three, "zerodash", "--"),
        (Registry::Four, "num-unit-decimal", "12"),
        (Registry::Four, "num-unit-decimal", "12 x 345"),
        (
            Registry::Four,
            "date-monthname-day-year-en",
            "February 30, 2025",
        ),
        (Registry::Four, "date-monthname-day-year-en", "Foo 3, 2025"),
        (Registry::Four, "date-month-day-year", "13/1/2025"),
        (Registry::Four, "date-month-day-year", "1/1/20255"),
        (Registry::Sec, "numwordsen", "several"),
        (Registry::Sec, "numwordsen", ""),
        (Registry::Sec, "durwordsen", "two to five years"),
        (Registry::Sec, "durwordsen", "two months and one year"),
        (Registry::Sec, "durwordsen", "five"),
        (Registry::Sec, "duryear", "two"),
        (Registry::Sec, "boolballotbox", "x"),
        (Registry::Sec, "countrynameen", "Atlantis"),
        (Registry::Sec, "exchnameen", ""),
    ] {
        assert_eq!(value(registry, name, text), None, "{name} {text}");
    }
}

#[test]
fn a_name_of_another_registry_is_no_format() {
    for (registry, name) in [
        (Registry::Three, "num-dot-decimal"),
        (Registry::Four, "numdotdecimal"),
        (Registry::Sec, "numdotdecimal"),
        (Registry::Four, "date-monthname-day-year"),
        (Registry::Four, "date-day-day-en"),
        (Registry::Two, "date"),
    ] {
        assert_eq!(Format::of(registry, name), None, "{name}");
    }
}

#[test]
fn countries_are_sorted_for_the_search() {
    assert!(places::COUNTRIES.is_sorted_by_key(|(name, ..)| *name));
}
