//! What a cell is: nothing, a truth value, a number or text; and the columns that such cells make.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, NullArray,
    builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, UInt64Builder},
};
use arrow_schema::DataType;

use super::rules::Rules;
use crate::convert::conform::is_exact;

/// The type that a cell or all cells of a column have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Int {
        negative: bool,
        /// Whether a float holds all of them.
        exact: bool,
    },
    /// A whole number that only an unsigned one holds.
    UInt {
        exact: bool,
    },
    Float,
    Text,
}

impl Kind {
    pub(super) fn of(cell: &str, rules: &Rules) -> Self {
        if rules.is_null(cell) {
            return Self::Null;
        }
        let number = rules.whole(cell);
        if let Ok(whole) = number.parse::<i64>() {
            // Also a negative zero, which no unsigned number is read from.
            return Self::Int { negative: number.starts_with('-'), exact: is_exact(whole.into()) };
        }
        if let Ok(whole) = number.parse::<u64>() {
            return Self::UInt { exact: is_exact(whole.into()) };
        }
        if rules.boolean(cell).is_some() {
            return Self::Bool;
        }
        // A longer whole number would lose its last digits in a float.
        let is_whole = number.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
        if !is_whole && rules.float(cell).is_some() { Self::Float } else { Self::Text }
    }

    /// The type that holds both.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (same, other) if same == other => same,
            (Self::Int { negative: n, exact: e }, Self::Int { negative, exact }) => {
                Self::Int { negative: n || negative, exact: e && exact }
            }
            (Self::Null, kind) | (kind, Self::Null) => kind,
            (Self::UInt { exact: e }, Self::UInt { exact } | Self::Int { negative: false, exact })
            | (Self::Int { negative: false, exact: e }, Self::UInt { exact }) => Self::UInt { exact: e && exact },
            (Self::Float, Self::Int { .. } | Self::UInt { .. })
            | (Self::Int { .. } | Self::UInt { .. }, Self::Float) => Self::Float,
            _ => Self::Text,
        }
    }

    /// Whether a column of floats would lose a digit of it.
    pub(super) fn is_inexact(self) -> bool {
        matches!(self, Self::Int { exact: false, .. } | Self::UInt { exact: false })
    }

    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Null => DataType::Null,
            Self::Bool => DataType::Boolean,
            Self::Int { .. } => DataType::Int64,
            Self::UInt { .. } => DataType::UInt64,
            Self::Float => DataType::Float64,
            Self::Text => DataType::Utf8,
        }
    }
}

/// A column in the making.
pub(super) enum Cells {
    Null(usize),
    Bool(BooleanBuilder),
    Int(Int64Builder),
    UInt(UInt64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
}

impl Cells {
    /// With room for some more than so many bytes of text.
    pub(super) fn of(data_type: &DataType, text_bytes: usize) -> Self {
        match data_type {
            DataType::Null => Self::Null(0),
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Int64 => Self::Int(Int64Builder::new()),
            DataType::UInt64 => Self::UInt(UInt64Builder::new()),
            DataType::Float64 => Self::Float(Float64Builder::new()),
            _ => Self::Text(StringBuilder::with_capacity(0, text_bytes + text_bytes / 8)),
        }
    }

    /// How many bytes of text there are.
    pub(super) fn text_bytes(&self) -> usize {
        if let Self::Text(builder) = self { builder.values_slice().len() } else { 0 }
    }

    /// Whether a first pass that had seen this cell too would have found the same type of column.
    pub(super) fn fits(&self, cell: &str, rules: &Rules) -> bool {
        match (self, || Kind::of(cell, rules)) {
            (Self::Text(_), _) => true,
            (Self::Null(_), _) => rules.is_null(cell),
            (Self::Bool(_), kind) => matches!(kind(), Kind::Null | Kind::Bool),
            (Self::Int(_), kind) => matches!(kind(), Kind::Null | Kind::Int { .. }),
            (Self::UInt(_), kind) => {
                matches!(kind(), Kind::Null | Kind::UInt { .. } | Kind::Int { negative: false, .. })
            }
            (Self::Float(_), kind) => match kind() {
                Kind::Bool | Kind::Text => false,
                number => !number.is_inexact(),
            },
        }
    }

    /// A cell that fits, as each does after a first pass over all of them.
    pub(super) fn push(&mut self, cell: &str, rules: &Rules) {
        let cell = Some(cell).filter(|cell| !rules.is_null(cell));
        match self {
            Self::Null(count) => *count += 1,
            Self::Bool(builder) => builder.append_option(cell.and_then(|cell| rules.boolean(cell))),
            Self::Int(builder) => builder.append_option(cell.and_then(|cell| rules.whole(cell).parse().ok())),
            Self::UInt(builder) => builder.append_option(cell.and_then(|cell| rules.whole(cell).parse().ok())),
            Self::Float(builder) => {
                let number = cell.and_then(|cell| rules.float(cell).or_else(|| rules.whole(cell).parse().ok()));
                builder.append_option(number.filter(|number| !rules.is_null_number(*number)));
            }
            Self::Text(builder) => builder.append_option(cell),
        }
    }

    pub(super) fn finish(self) -> ArrayRef {
        match self {
            Self::Null(count) => Arc::new(NullArray::new(count)),
            Self::Bool(mut builder) => Arc::new(builder.finish()),
            Self::Int(mut builder) => Arc::new(builder.finish()),
            Self::UInt(mut builder) => Arc::new(builder.finish()),
            Self::Float(mut builder) => Arc::new(builder.finish()),
            Self::Text(mut builder) => Arc::new(builder.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cell_is() {
        let int = |negative| Kind::Int { negative, exact: true };
        for (cell, kind) in [
            ("", Kind::Null),
            ("NA", Kind::Null),
            ("na", Kind::Text),
            ("NAN", Kind::Text),
            ("TRUE", Kind::Bool),
            ("tRue", Kind::Text),
            ("007", int(false)),
            (" -7 ", int(true)),
            ("-0", int(true)),
            ("9007199254740993", Kind::Int { negative: false, exact: false }),
            ("9223372036854775808", Kind::UInt { exact: true }),
            ("9223372036854775809", Kind::UInt { exact: false }),
            ("18446744073709551616", Kind::Text),
            ("-9223372036854775809", Kind::Text),
            ("1e3", Kind::Float),
            ("-inf", Kind::Float),
            ("1,5", Kind::Text),
            ("1_000", Kind::Text),
            ("-", Kind::Text),
        ] {
            assert_eq!(Kind::of(cell, &Rules::default()), kind, "`{cell}`");
        }
    }

    #[test]
    fn a_column_holds_all_its_cells() {
        let of = |cells: &[&str]| {
            cells.iter().map(|cell| Kind::of(cell, &Rules::default())).fold(Kind::Null, Kind::join).data_type()
        };
        assert_eq!(of(&["1", "", "-2"]), DataType::Int64);
        assert_eq!(of(&["1", "2.5"]), DataType::Float64);
        assert_eq!(of(&["1", "9223372036854775808"]), DataType::UInt64);
        assert_eq!(of(&["-1", "9223372036854775808"]), DataType::Utf8);
        assert_eq!(of(&["true", "1"]), DataType::Utf8);
        assert_eq!(of(&["", "NaN"]), DataType::Null);
    }
}
