//! What a card says of cells: which words are null, true or false, and how numbers are written.

use std::borrow::Cow;

use crate::plan::options::CellOptions;

/// The words that pandas takes for a missing value (`STR_NA_VALUES` in `pandas/_libs/parsers.pyx`).
const NULLS: &[&str] = &[
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// The rules for the cells of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    options: CellOptions,
    /// Floats that are null, however they are written.
    null_numbers: Vec<f64>,
}

impl Rules {
    pub(super) fn new(options: &CellOptions) -> Self {
        let null_numbers = options.nulls.iter().filter_map(|word| word.parse().ok()).collect();
        Self { options: options.clone(), null_numbers }
    }

    pub(super) fn is_null(&self, cell: &str) -> bool {
        let CellOptions { have_nulls, default_nulls, nulls, .. } = &self.options;
        // The longest of the usual ones has 9 characters.
        let is_usual = || *default_nulls && cell.len() <= 9 && NULLS.contains(&cell);
        *have_nulls && (is_usual() || nulls.iter().any(|null| null == cell))
    }

    pub(super) fn boolean(&self, cell: &str) -> Option<bool> {
        let is_among = |words: &[String]| words.iter().any(|word| word == cell);
        match cell {
            "True" | "TRUE" | "true" => Some(true),
            "False" | "FALSE" | "false" => Some(false),
            _ if is_among(&self.options.trues) => Some(true),
            _ if is_among(&self.options.falses) => Some(false),
            _ => None,
        }
    }

    /// The digits of a whole number, if the cell is one.
    pub(super) fn whole<'a>(&self, cell: &'a str) -> Cow<'a, str> {
        let number = trim(cell);
        match self.options.thousands {
            Some(sign) if has_digit_before(number, sign) => number.replace(char::from(sign), "").into(),
            _ => number.into(),
        }
    }

    pub(super) fn float(&self, cell: &str) -> Option<f64> {
        let CellOptions { thousands, decimal, .. } = self.options;
        let number = trim(cell);
        let number = if thousands.is_none() && decimal == b'.' { number.into() } else { self.plain(number)? };
        // `nan` in any other case than those of the list is a word.
        number.parse::<f64>().ok().filter(|value| !value.is_nan())
    }

    /// Whether a float of the file is null.
    pub(super) fn is_null_number(&self, value: f64) -> bool {
        self.options.have_nulls && self.null_numbers.contains(&value)
    }

    /// A number as most write it: between thousands stands at most one sign, and none behind the decimal one.
    fn plain(&self, number: &str) -> Option<Cow<'static, str>> {
        let CellOptions { thousands, decimal, .. } = self.options;
        let (mut plain, mut is_whole, mut before) = (String::with_capacity(number.len()), true, '\0');
        for sign in number.chars() {
            if is_whole && before.is_ascii_digit() && thousands.map(char::from) == Some(sign) {
                before = '\0';
                continue;
            }
            let is_decimal = sign == char::from(decimal);
            is_whole &= !is_decimal && !matches!(sign, 'e' | 'E');
            if sign == '.' && !is_decimal {
                return None;
            }
            plain.push(if is_decimal { '.' } else { sign });
            before = sign;
        }
        Some(plain.into())
    }
}

/// Signs before the first digit part nothing.
fn has_digit_before(number: &str, sign: u8) -> bool {
    let digits = number.trim_start_matches(['+', '-']).as_bytes();
    digits.first().is_some_and(u8::is_ascii_digit) && digits.contains(&sign)
}

fn trim(cell: &str) -> &str {
    cell.trim_matches([' ', '\t'])
}
