//! Rows that bring nothing new, as most of a file do: these need not be observed.

use super::{Inference, Shape};
use crate::convert::{
    conform::is_exact,
    jsonl::flat::{self, Value},
};

impl Inference {
    /// Whether a row is a flat object that changes nothing. What its texts hold is not looked at.
    pub(in super::super) fn knows(&self, row: &[u8]) -> bool {
        let row = row.trim_ascii();
        let mut slots = self.row.fields.iter();
        let known = flat::read(row, |key, rest| {
            let slot = slots.find(|slot| slot.name.as_bytes() == key)?;
            slot.shape.covers(rest.skim()?).then_some(())
        });
        known.is_some()
    }
}

impl Shape {
    /// Whether a value leaves it as it is.
    fn covers(&self, value: Value) -> bool {
        match (self, value) {
            (_, Value::Null)
            | (Self::Bool, Value::Bool(_))
            | (Self::Int { exact: false }, Value::Int(_))
            | (Self::Float, Value::Float(_))
            | (Self::Text, Value::Text) => true,
            (Self::Int { exact: true } | Self::Float, Value::Int(value)) => is_exact(value.into()),
            _ => false,
        }
    }
}
