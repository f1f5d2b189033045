//! A failure as a user sees it: one reason, what happened and where, and the next step.

use crate::Reason;
use serde::{Deserialize, Serialize};

/// Why something failed. Its JSON is that of [`ProblemDetails`], wherever it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "ProblemDetails")]
pub struct Problem {
    pub reason: Reason,
    /// One sentence: what happened and where (file, row, column).
    pub detail: String,
    pub retryable: bool,
    /// Milliseconds to wait before the next try.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
    #[serde(default)]
    pub next_step: Option<String>,
    /// One entry per refused field.
    #[serde(default)]
    pub errors: Vec<FieldViolation>,
}

/// A problem as JSON (RFC 9457): the body of every error answer, and the `error` of a dataset, tokenization, job or
/// event. Only what answers a request has `instance` and `trace_id`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProblemDetails {
    /// Where the reason is explained; relative to the gateway.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// One sentence: what happened and where (file, row, column).
    pub detail: String,
    /// The path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    pub reason: Reason,
    /// Whether the same request may succeed later without a change.
    pub retryable: bool,
    /// Milliseconds to wait before the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// One entry per refused field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldViolation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl From<Problem> for ProblemDetails {
    fn from(problem: Problem) -> Self {
        let Problem { reason, detail, retryable, retry_after_ms, next_step, errors } = problem;
        Self {
            kind: format!("/api/docs#{reason}"),
            title: reason.title(),
            status: reason.http_status(),
            detail,
            instance: None,
            reason,
            retryable,
            retry_after_ms,
            errors,
            next_step,
            trace_id: None,
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Problem {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        ProblemDetails::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Problem {
    fn name() -> std::borrow::Cow<'static, str> {
        ProblemDetails::name()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        ProblemDetails::schemas(schemas);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_json_says_all_and_what_was_kept_before_is_still_read() {
        let problem = Problem::new(Reason::DownloadFailed, "file `a`: connection reset").next_step("try again");
        let json = serde_json::to_value(&problem).unwrap();
        let expected = serde_json::json!({
            "type": "/api/docs#DOWNLOAD_FAILED", "title": "The download failed", "status": 502,
            "detail": "file `a`: connection reset", "reason": "DOWNLOAD_FAILED", "retryable": true,
            "next_step": "try again",
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Problem>(json).unwrap(), problem);
        let short = r#"{"reason": "DOWNLOAD_FAILED", "detail": "file `a`: connection reset", "retryable": true,
            "next_step": "try again"}"#;
        assert_eq!(serde_json::from_str::<Problem>(short).unwrap(), problem);
    }
}
