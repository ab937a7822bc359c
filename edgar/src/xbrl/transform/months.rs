//! How months begin in the languages of the registries.
//!
//! A word means a month when it begins with one of its beginnings, the longest counting.

/// For each month its beginnings in lower case, separated by bars.
pub(super) type Months = [&'static str; 12];

/// The months of a language by its two letters; `dk` and `da` are both Danish.
#[rustfmt::skip]
pub(super) fn months(language: &str) -> Option<&'static Months> {
    Some(match language {
        "bg" => &["ян", "фев", "мар", "апр", "май|маи", "юни", "юли", "авг", "сеп", "окт", "ное", "дек"],
        "cs" => &["led", "úno|uno", "bře|bre", "dub", "kvě|kve", "červen|cerven|června|cervna|červnu|cervnu|čvn|cvn", "červenec|červenc|cervenec|cervenc|čvc|cvc", "srp", "zář|zar", "říj|rij", "lis", "pro"],
        "cy" => &["ion", "chwe", "maw|faw", "ebr", "mai|fai", "meh|feh", "gor|ngor", "aws", "med|fed", "hyd", "tach|dach|nhach|thach", "rhag|rag"],
        "da" | "dk" | "sv" => &["jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec"],
        "de" => &["jan|jän|jaen", "feb", "mär|maer|mar", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "dez"],
        "en" => &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        "es" => &["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
        "et" => &["jaan", "veebr", "märts|marts", "apr", "mai", "juuni", "juuli", "aug", "sept", "okt", "nov", "dets"],
        "fi" => &["tam", "hel", "maa", "huh", "tou", "kes", "hei", "elo", "syy", "lok", "mar", "jou"],
        "fr" => &["janv", "févr|fevr", "mars", "avr", "mai", "juin", "juil", "août|aout", "sept", "oct", "nov", "déc|dec"],
        "hr" => &["sij", "velj", "ožu|ozu", "tra", "svi", "lip", "srp", "kol", "ruj", "lis", "stu", "pro"],
        "hu" => &["jan", "feb", "márc|marc", "ápr|apr", "máj|maj", "jún|jun", "júl|jul", "aug", "szept", "okt", "nov", "dec"],
        "it" => &["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
        "lt" => &["sau", "vas", "kov", "bal", "geg", "bir", "lie", "rugp|rgp", "rugs|rgs", "spa|spl", "lap", "gru|grd"],
        "lv" => &["janv", "febr", "marts", "apr", "maijs", "jūn|jun", "jūl|jul", "aug", "sept", "okt", "nov", "dec"],
        "nl" => &["jan", "feb", "maa|mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"],
        "no" => &["jan", "feb", "mar", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "des"],
        "pl" => &["sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź|paz", "lis", "gru"],
        "pt" => &["jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"],
        "ro" => &["ian", "feb", "mar", "apr", "mai", "iun", "iul", "aug", "sep", "oct", "noi|nov", "dec"],
        "sk" => &["jan", "feb", "mar", "apr", "máj|maj", "jún|jun", "júl|jul", "aug", "sep", "okt", "nov", "dec"],
        "sl" => &["jan", "feb", "mar", "apr", "maj", "jun", "jul", "avg", "sep", "okt", "nov", "dec"],
        _ => return None,
    })
}

/// Months in Roman numerals, as `monthroman` wants them.
pub(super) const ROMAN: [&str; 12] = [
    "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii",
];

/// The number of the month that a lower-case word means.
pub(super) fn month(months: &Months, word: &str) -> Option<u32> {
    if std::ptr::eq(months, &ROMAN) {
        return position(months, |numeral| (numeral == word).then_some(0));
    }
    position(months, |beginnings| {
        let fitting = beginnings
            .split('|')
            .filter(|start| word.starts_with(start));
        fitting.map(str::len).max()
    })
}

/// The month that rates highest.
fn position(months: &Months, rate: impl Fn(&str) -> Option<usize>) -> Option<u32> {
    let rated = (1..)
        .zip(months)
        .filter_map(|(month, text)| Some((rate(text)?, month)));
    rated.max().map(|(_, month)| month)
}
