//! Messages into the domain. Text that Postgres cannot hold (NUL) is refused or replaced here, at the door.

use crate::{domain::task::Caller, error::Failure, steps::ingest::Keyed};
use dataset_model::{FieldViolation, JobKind, JobState, Problem, Progress, problem::shortened};
use dataset_proto::{Required, catalog as proto};
use prost::Message;
use serde_json::Value;
use service_kit::Secret;
use sha2::{Digest, Sha256};
use std::str::FromStr;

/// Files of a running task that its progress may name.
const PROGRESS_FILES: usize = 16;
/// Longest idempotency key.
const LONGEST_KEY: usize = 255;
const LONGEST_TOKEN: usize = 512;

/// An id of ours.
pub(super) fn id<T: FromStr>(text: &str, field: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::field(field, format!("`{}` is not a UUID", shortened(text))))
}

pub(super) fn caller(task: Option<proto::TaskRef>) -> Result<Caller, Failure> {
    let task = task.required("task")?;
    Ok(Caller {
        task_id: id(&task.task_id, "task_id")?,
        attempt: task.attempt,
        attempt_id: id(&task.attempt_uuid, "attempt_uuid")?,
    })
}

/// JSON from a worker; absent = null.
pub(super) fn json(text: &str, field: &str) -> Result<Value, Problem> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let mut value = serde_json::from_str(text).map_err(|error| Problem::field(field, error.to_string()))?;
    scrub(&mut value);
    Ok(value)
}

/// Replaces NUL, which a `jsonb` cannot hold.
fn scrub(value: &mut Value) {
    match value {
        Value::String(text) => *text = without_nul(std::mem::take(text)),
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::Object(fields) => {
            let old = std::mem::take(fields);
            fields.extend(old.into_iter().map(|(key, mut value)| {
                scrub(&mut value);
                (without_nul(key), value)
            }));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

pub(super) fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// Refuses a storage key that is not a plain relative path.
pub(super) fn key(key: &str) -> Result<(), Problem> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(char::is_control);
    if key.len() <= 1024 && !key.contains('\\') && key.split('/').all(plain) {
        return Ok(());
    }
    Err(Problem::field("key", "is not a storage key"))
}

/// A worker's failure; a reason that this version does not know is its own fault, not the user's.
pub(super) fn problem(problem: Option<proto::Problem>) -> Problem {
    let Some(problem) = problem else { return Problem::internal() };
    let mut problem = Problem::try_from(problem).unwrap_or_else(|_| Problem::internal());
    problem.detail = without_nul(problem.detail);
    problem.next_step = problem.next_step.map(without_nul);
    let clean =
        |v: FieldViolation| FieldViolation { field: without_nul(v.field), description: without_nul(v.description) };
    problem.errors = problem.errors.into_iter().map(clean).collect();
    problem
}

pub(super) fn progress(progress: Option<proto::Progress>) -> Progress {
    let mut progress: Progress = progress.unwrap_or_default().into();
    progress.phase = without_nul(progress.phase);
    progress.files.truncate(PROGRESS_FILES);
    for file in &mut progress.files {
        file.path = without_nul(std::mem::take(&mut file.path));
    }
    progress
}

/// The idempotency key of a request with the digest of everything else in it.
pub(super) fn keyed<M: Message>(request_id: Option<String>, rest: &M) -> Result<Option<Keyed>, Problem> {
    let Some(key) = request_id else { return Ok(None) };
    if key.is_empty() || key.len() > LONGEST_KEY || key.contains(char::is_control) {
        return Err(Problem::field(
            "request_id",
            format!("must be 1 to {LONGEST_KEY} bytes without control characters"),
        ));
    }
    Ok(Some(Keyed { key, hash: Sha256::digest(rest.encode_to_vec()).into() }))
}

/// A Hub token, which goes into a header later.
pub(super) fn hub_token(token: &proto::HubToken) -> Result<Secret, Problem> {
    let text = token.text.trim();
    if (1..=LONGEST_TOKEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Secret::new(text));
    }
    Err(Problem::field("hf_token", format!("must be 1 to {LONGEST_TOKEN} visible ASCII characters")))
}

/// Unspecified = all.
pub(super) fn job_state(state: proto::JobState) -> Option<JobState> {
    JobState::try_from(state).ok()
}

/// Unspecified = all.
pub(super) fn job_kind(kind: proto::JobKind) -> Option<JobKind> {
    JobKind::try_from(kind).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nul_never_reaches_the_database() {
        let value = json(r#"{"a\u0000": ["b\u0000", 1, {"c": "\u0000"}]}"#, "x").unwrap();
        assert_eq!(value, json!({"a\u{fffd}": ["b\u{fffd}", 1, {"c": "\u{fffd}"}]}));
    }

    #[test]
    fn keys() {
        assert!(key("datasets/a__b/0/raw/0-0-0.abc.arrow").is_ok());
        for bad in ["", "/etc/passwd", "a/../b", "a//b", "a/", "a\\b", "a\0b"] {
            assert!(key(bad).is_err(), "`{bad}`");
        }
    }
}
