//! Dates as displayed: which numbers and which word they are made of, in which order.
//!
//! What stands between the parts does not matter to any registry, so a text is taken
//! apart into its numbers and its first month. Elsewhere: the names of months (`months`).
//!
//! Invariant: a value is a date that exists, `YYYY-MM-DD`, `--MM-DD` or `YYYY-MM`.

use super::{
    months::{Months, ROMAN, month, months},
    number::narrow,
};

/// How a date is displayed.
#[derive(Debug, Clone, Copy)]
pub(in crate::xbrl) struct DateFormat {
    /// The parts in order; a month that is a word is among them too.
    parts: [Option<Part>; 3],
    /// The names of months, when they are words.
    names: Option<&'static Months>,
    /// Years are those of a Japanese emperor.
    era: bool,
}

impl PartialEq for DateFormat {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts && self.names == other.names && self.era == other.era
    }
}

impl Eq for DateFormat {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Day,
    Month,
    Year,
}

/// A format of the first registry, by its name.
pub(super) fn of_first(name: &str) -> Option<DateFormat> {
    use Part::{Day, Month, Year};
    let (parts, names): (&[Part], bool) = match name {
        "dateslashus" | "datedotus" => (&[Month, Day, Year], false),
        "dateslasheu" | "datedoteu" => (&[Day, Month, Year], false),
        "datelongus" | "dateshortus" => (&[Month, Day, Year], true),
        "datelonguk" | "dateshortuk" => (&[Day, Month, Year], true),
        "datelongdaymonthuk" | "dateshortdaymonthuk" => (&[Day, Month], true),
        "datelongmonthdayus" | "dateshortmonthdayus" => (&[Month, Day], true),
        "dateslashdaymontheu" => (&[Day, Month], false),
        "dateslashmonthdayus" => (&[Month, Day], false),
        "datelongyearmonth" | "dateshortyearmonth" => (&[Year, Month], true),
        "datelongmonthyear" | "dateshortmonthyear" => (&[Month, Year], true),
        _ => return None,
    };
    let names = if names { months("en") } else { None };
    DateFormat::new(parts.iter().copied(), names, false)
}

/// A format of the second or third registry: `datemonthdayyearen`.
pub(super) fn of_unhyphened(name: &str) -> Option<DateFormat> {
    let rest = name.strip_prefix("date")?;
    let (era, mut rest) = match rest.strip_prefix("era") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let mut parts = Vec::new();
    loop {
        let (part, after) = if let Some(after) = rest.strip_prefix("day") {
            (Part::Day, after)
        } else if let Some(after) = rest.strip_prefix("month") {
            (Part::Month, after)
        } else if let Some(after) = rest.strip_prefix("year") {
            (Part::Year, after)
        } else {
            break;
        };
        parts.push(part);
        rest = after;
    }
    let names = match rest {
        "" | "cjk" => None,
        "jp" if era => None,
        "en" | "dk" => months(rest),
        _ => return None,
    };
    DateFormat::new(parts.into_iter(), names, era)
}

/// A format of the fourth or fifth registry: `date-monthname-day-year-en`.
pub(super) fn of_hyphened(name: &str) -> Option<DateFormat> {
    let rest = name.strip_prefix("date-")?;
    let (era, rest) = match rest.strip_prefix("jpn-era-") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let (mut parts, mut named, mut names) = (Vec::new(), false, None);
    for word in rest.split('-') {
        parts.push(match word {
            "day" => Part::Day,
            "month" => Part::Month,
            "year" => Part::Year,
            "monthroman" => {
                names = Some(&ROMAN);
                Part::Month
            }
            "monthname" => {
                named = true;
                Part::Month
            }
            language if named => {
                names = Some(months(language)?);
                continue;
            }
            _ => return None,
        });
    }
    match named && names.is_none() {
        true => None,
        false => DateFormat::new(parts.into_iter(), names, era),
    }
}

impl DateFormat {
    fn new(
        parts: impl Iterator<Item = Part>,
        names: Option<&'static Months>,
        era: bool,
    ) -> Option<Self> {
        let mut slots = [None; 3];
        let mut count = 0;
        for part in parts {
            if slots.contains(&Some(part)) {
                return None;
            }
            *slots.get_mut(count)? = Some(part);
            count += 1;
        }
        let parts = (count >= 2).then_some(slots)?;
        Some(Self { parts, names, era })
    }

    pub(super) fn apply(self, text: &str) -> Option<String> {
        let mut numbers = numbers(text)?.into_iter();
        let (mut year, mut month_number, mut day) = (None, None, None);
        for part in self.parts.into_iter().flatten() {
            match part {
                Part::Month if self.names.is_some() => {
                    month_number = Some(first_month(self.names?, text)?);
                }
                Part::Month => month_number = Some(numbers.next()?.up_to_two_digits()?),
                Part::Day => day = Some(numbers.next()?.up_to_two_digits()?),
                Part::Year if self.era => year = Some(era_year(text, numbers.next()?.value)?),
                Part::Year => year = Some(numbers.next()?.year()?),
            }
        }
        if numbers.next().is_some() {
            return None;
        }
        written(year, month_number, day)
    }
}

/// The last day of the quarter that a text names by number or word, with its year.
pub(super) fn quarter_end(text: &str) -> Option<String> {
    let numbers = numbers(text)?;
    let year = numbers.iter().find(|number| number.digits == 4)?.value;
    let by_digit = numbers.iter().find(|number| number.digits == 1);
    let quarter = match by_digit {
        Some(number) => number.value,
        None => words(text).find_map(|word| match word.as_str() {
            "first" => Some(1),
            "second" => Some(2),
            "third" => Some(3),
            "fourth" | "last" => Some(4),
            _ => None,
        })?,
    };
    let (month, day) = match quarter {
        1 => (3, 31),
        2 => (6, 30),
        3 => (9, 30),
        4 => (12, 31),
        _ => return None,
    };
    written(Some(year), Some(month), Some(day))
}

/// The date if it exists.
fn written(year: Option<u32>, month: Option<u32>, day: Option<u32>) -> Option<String> {
    let month = month.filter(|month| (1..=12).contains(month))?;
    let longest = match month {
        2 if year.is_none_or(is_leap) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day.is_some_and(|day| day == 0 || day > longest) {
        return None;
    }
    Some(match (year, day) {
        (Some(year), Some(day)) => format!("{year:04}-{month:02}-{day:02}"),
        (Some(year), None) => format!("{year:04}-{month:02}"),
        (None, Some(day)) => format!("--{month:02}-{day:02}"),
        (None, None) => return None,
    })
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// A run of digits.
#[derive(Debug, Clone, Copy, Default)]
struct Number {
    value: u32,
    digits: u32,
}

impl Number {
    fn up_to_two_digits(self) -> Option<u32> {
        (self.digits <= 2).then_some(self.value)
    }

    /// One or two digits are of this century, as every registry says.
    fn year(self) -> Option<u32> {
        match self.digits {
            1 | 2 => Some(2000 + self.value),
            4 => Some(self.value),
            _ => None,
        }
    }
}

/// The numbers of a text; `None` if there are more than a date has, or longer ones.
fn numbers(text: &str) -> Option<Vec<Number>> {
    let mut numbers: Vec<Number> = Vec::with_capacity(3);
    let mut within = false;
    for character in text.chars().map(narrow) {
        // The first year of an emperor.
        let digit = match character {
            '\u{5143}' => Some(1),
            _ => character.to_digit(10),
        };
        let Some(digit) = digit else {
            within = false;
            continue;
        };
        if !within {
            numbers.push(Number::default());
            within = true;
        }
        let last = numbers.last_mut()?;
        last.value = last.value * 10 + digit;
        last.digits += 1;
        if last.digits > 4 || numbers.len() > 3 {
            return None;
        }
    }
    Some(numbers)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|character: char| !character.is_alphabetic());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn first_month(months: &Months, text: &str) -> Option<u32> {
    let mut named = words(text).filter_map(|word| month(months, &word));
    let first = named.next()?;
    // "Marketable as of May 5" begins with March only by its letters.
    named.all(|other| other == first).then_some(first)
}

/// The year of our calendar for a year of the emperor named in the text.
fn era_year(text: &str, year: u32) -> Option<u32> {
    let before = text.chars().find_map(|character| match character {
        '\u{660e}' => Some(1867),
        '\u{5927}' => Some(1911),
        '\u{662d}' => Some(1925),
        '\u{5e73}' => Some(1988),
        '\u{4ee4}' => Some(2018),
        _ => None,
    })?;
    Some(before + year)
}
