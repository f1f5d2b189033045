//! A failure as a user sees it: one reason, what happened and where, and the next step.

use crate::Reason;
use serde::{Deserialize, Serialize};

/// The `error` of a dataset, tokenization or job, and the core of every error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    pub reason: Reason,
    /// One sentence: what happened and where (file, row, column).
    pub detail: String,
    pub retryable: bool,
    /// Milliseconds to wait before the next try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// One entry per refused field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldViolation>,
}

/// A field that was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldViolation {
    pub field: String,
    pub description: String,
}

impl Problem {
    /// A problem with the reason's own default for `retryable`.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            retryable: reason.is_retryable(),
            retry_after_ms: None,
            next_step: None,
            errors: Vec::new(),
        }
    }

    /// `INTERNAL`, which never shows its cause: log that where it is handled.
    pub fn internal() -> Self {
        Self::new(Reason::Internal, "internal error")
    }

    /// A single refused field.
    pub fn field(field: &str, description: impl Into<String>) -> Self {
        Self::fields(vec![FieldViolation { field: field.to_owned(), description: description.into() }])
    }

    /// All refused fields of a request at once.
    pub fn fields(errors: Vec<FieldViolation>) -> Self {
        let detail = errors.iter().map(|e| format!("`{}`: {}", e.field, e.description)).collect::<Vec<_>>().join("; ");
        Self { errors, ..Self::new(Reason::InvalidField, detail) }
    }

    #[must_use]
    pub fn next_step(mut self, text: impl Into<String>) -> Self {
        self.next_step = Some(text.into());
        self
    }

    #[must_use]
    pub fn retry_after(mut self, wait: std::time::Duration) -> Self {
        self.retry_after_ms = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        self
    }
}

/// A text from a request, short enough for a message: at most 80 characters.
pub fn shortened(text: &str) -> String {
    if text.chars().count() <= 80 { text.to_owned() } else { text.chars().take(80).chain(['…']).collect() }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

impl std::error::Error for Problem {}
