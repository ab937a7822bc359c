//! What was measured, as a table.
//!
//! Invariant: a cell tells the median of all rounds, and the least and the most beside it.

use std::{collections::BTreeMap, fmt};

/// Figures by row and column.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<String>,
    /// In the order in which they were first noted.
    rows: Vec<String>,
    cells: BTreeMap<(usize, usize), Vec<f64>>,
}

impl Table {
    /// Nothing measured yet.
    pub(crate) fn new(columns: Vec<String>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
            cells: BTreeMap::new(),
        }
    }

    /// Adds a figure of one round. `what` has the unit at its end.
    pub(crate) fn note(&mut self, what: &str, who: &str, figure: f64) {
        let row = place(&mut self.rows, what);
        let column = place(&mut self.columns, who);
        self.cells.entry((row, column)).or_default().push(figure);
    }
}

fn place(names: &mut Vec<String>, name: &str) -> usize {
    let known = names.iter().position(|known| known == name);
    known.unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

/// In Markdown.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | {} |", self.columns.join(" | "))?;
        writeln!(f, "|---|{}", "---:|".repeat(self.columns.len()))?;
        for (row, what) in self.rows.iter().enumerate() {
            write!(f, "| {what} |")?;
            for column in 0..self.columns.len() {
                let figures = self.cells.get(&(row, column));
                let cell = figures.map_or_else(|| "–".to_owned(), |figures| cell(figures));
                write!(f, " {cell} |")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn cell(figures: &[f64]) -> String {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    match sorted[..] {
        [only] => number(only),
        [first, .., last] if first == last => number(median),
        [first, .., last] => format!("{} ({}–{})", number(median), number(first), number(last)),
        [] => String::new(),
    }
}

/// Three figures that count, thousands apart.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 | 100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) && grouped != "-" {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if fraction.is_empty() {
        return grouped;
    }
    format!("{grouped}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_tells_median_least_and_most() {
        let mut table = Table::new(vec!["us".to_owned(), "them".to_owned()]);

        for figure in [3.0, 1.0, 2.0] {
            table.note("speed, m/s", "us", figure);
        }

        let text = table.to_string();
        assert!(
            text.ends_with("| speed, m/s | 2.00 (1.00–3.00) | – |\n"),
            "{text}"
        );
    }

    #[test]
    fn numbers_have_the_digits_that_count() {
        let shown = [0.0, 4.126, 41.26, 412.6, 1_234_567.8].map(number);

        assert_eq!(shown, ["0", "4.13", "41.3", "413", "1,234,568"]);
    }
}
