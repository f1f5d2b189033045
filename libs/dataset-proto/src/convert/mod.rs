//! Proto ⇄ domain. Into the domain a message is checked, all violations at once where it is a request; out of the
//! domain nothing can fail.

mod event;
mod hub_dataset;
mod job;
mod preview;
mod record;
mod shard;
mod simple;
mod tokenize;

pub use simple::timestamp;

use dataset_model::Problem;

/// A message that breaks the contract: a field that must be there is absent, or a value is out of its range.
#[derive(Debug, thiserror::Error)]
#[error("field `{field}`: {what}")]
pub struct BadMessage {
    pub field: &'static str,
    pub what: String,
}

impl BadMessage {
    pub fn new(field: &'static str, what: impl Into<String>) -> Self {
        Self { field, what: what.into() }
    }
}

impl From<BadMessage> for Problem {
    fn from(error: BadMessage) -> Self {
        Self::field(error.field, error.what)
    }
}

/// `message.field.required("field")?` and `text.parse_field("field")?` for message fields.
pub trait Required<T> {
    fn required(self, field: &'static str) -> Result<T, BadMessage>;
}

impl<T> Required<T> for Option<T> {
    fn required(self, field: &'static str) -> Result<T, BadMessage> {
        self.ok_or_else(|| BadMessage::new(field, "is required"))
    }
}

/// Parses a text field.
pub(crate) fn parse<T: std::str::FromStr<Err: ToString>>(text: &str, field: &'static str) -> Result<T, BadMessage> {
    text.parse().map_err(|error: T::Err| BadMessage::new(field, error.to_string()))
}

pub(crate) fn json(text: &str, field: &'static str) -> Result<serde_json::Value, BadMessage> {
    if text.is_empty() {
        return Ok(serde_json::Value::Null);
    }
    serde_json::from_str(text).map_err(|error| BadMessage::new(field, error.to_string()))
}
