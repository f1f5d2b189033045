//! `Problem` ⇄ `tonic::Status`: the only code that builds a status.
//!
//! The reason travels as `google.rpc.ErrorInfo`, refused fields as `BadRequest`, the wait as `RetryInfo`; clients
//! rebuild the problem from those and never from text.

use dataset_model::{FieldViolation, Problem, Reason, reason::GrpcCode};
use std::{collections::HashMap, time::Duration};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `domain` of every `ErrorInfo`.
pub const DOMAIN: &str = "tokenmill.v1";

/// The status of a problem.
pub fn to_status(problem: &Problem) -> Status {
    let mut details = ErrorDetails::new();
    let mut metadata = HashMap::new();
    if let Some(step) = &problem.next_step {
        metadata.insert("next_step".to_owned(), step.clone());
    }
    metadata.insert("retryable".to_owned(), problem.retryable.to_string());
    details.set_error_info(problem.reason.as_str(), DOMAIN, metadata);
    if !problem.errors.is_empty() {
        for violation in &problem.errors {
            details.add_bad_request_violation(&violation.field, &violation.description);
        }
    }
    if let Some(wait) = problem.retry_after_ms {
        details.set_retry_info(Some(Duration::from_millis(wait)));
    }
    Status::with_error_details(code(problem.reason.grpc_code()), problem.detail.clone(), details)
}

/// The problem in a status; one that carries no reason of ours is told from its code.
pub fn from_status(status: &Status) -> Problem {
    let details = status.get_error_details();
    let info = details.error_info();
    let named = info.filter(|info| info.domain == DOMAIN).and_then(|info| info.reason.parse().ok());
    if named.is_none() && is_of_transport(status) {
        return Problem::new(Reason::Overloaded, UNREACHABLE).retry_after(Duration::from_secs(1));
    }
    let reason = named.unwrap_or_else(|| reason_of(status.code()));
    let mut problem = Problem::new(reason, status.message());
    if reason == Reason::Internal {
        return Problem::internal();
    }
    if let Some(info) = info {
        problem.next_step = info.metadata.get("next_step").cloned();
        if let Some(retryable) = info.metadata.get("retryable") {
            problem.retryable = retryable == "true";
        }
    }
    if let Some(retry) = details.retry_info() {
        problem.retry_after_ms = retry.retry_delay.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    }
    if let Some(bad) = details.bad_request() {
        let field = |v: &tonic_types::FieldViolation| FieldViolation {
            field: v.field.clone(),
            description: v.description.clone(),
        };
        problem.errors = bad.field_violations.iter().map(field).collect();
    }
    problem
}

const fn code(code: GrpcCode) -> Code {
    match code {
        GrpcCode::InvalidArgument => Code::InvalidArgument,
        GrpcCode::Unauthenticated => Code::Unauthenticated,
        GrpcCode::PermissionDenied => Code::PermissionDenied,
        GrpcCode::NotFound => Code::NotFound,
        GrpcCode::AlreadyExists => Code::AlreadyExists,
        GrpcCode::FailedPrecondition => Code::FailedPrecondition,
        GrpcCode::Aborted => Code::Aborted,
        GrpcCode::Unavailable => Code::Unavailable,
        GrpcCode::DataLoss => Code::DataLoss,
        GrpcCode::ResourceExhausted => Code::ResourceExhausted,
        GrpcCode::DeadlineExceeded => Code::DeadlineExceeded,
        GrpcCode::Unimplemented => Code::Unimplemented,
        GrpcCode::Internal => Code::Internal,
    }
}

/// What is told of a connection that could not be made or broke: its own words are about sockets.
const UNREACHABLE: &str = "a service that the answer depends on is not reachable";

/// Whether no service answered at all. A connection that breaks in the middle of a call has no code of its own, but a
/// cause.
fn is_of_transport(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::Cancelled => true,
        Code::Unknown => std::error::Error::source(status).is_some(),
        _ => false,
    }
}

/// What a bare code means: answers of the transport itself, or of something that is not ours.
const fn reason_of(code: Code) -> Reason {
    match code {
        Code::InvalidArgument | Code::OutOfRange => Reason::InvalidField,
        Code::Unauthenticated => Reason::Unauthenticated,
        Code::PermissionDenied => Reason::Forbidden,
        Code::NotFound => Reason::NotFound,
        Code::AlreadyExists => Reason::NameTaken,
        Code::FailedPrecondition => Reason::DatasetNotReady,
        Code::Aborted => Reason::StaleAttempt,
        Code::Unavailable | Code::Cancelled => Reason::Overloaded,
        Code::DataLoss => Reason::ShardCorrupt,
        Code::ResourceExhausted => Reason::RateLimited,
        Code::DeadlineExceeded => Reason::DeadlineExceeded,
        Code::Unimplemented => Reason::NotImplemented,
        Code::Ok | Code::Unknown | Code::Internal => Reason::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_the_wire() {
        for &reason in Reason::ALL.iter().filter(|&&r| r != Reason::Internal) {
            let problem = Problem { retryable: !reason.is_retryable(), ..Problem::new(reason, "file `a`, row 3") }
                .next_step("do this")
                .retry_after(Duration::from_millis(1500));
            assert_eq!(from_status(&to_status(&problem)), problem);
        }
    }

    #[test]
    fn a_broken_connection_is_passing_and_shows_no_sockets() {
        let broken = Status::from_error(Box::new(std::io::Error::from(std::io::ErrorKind::BrokenPipe)));
        for status in [Status::unavailable("tcp connect error"), Status::cancelled("Timeout expired"), broken] {
            let problem = from_status(&status);
            assert_eq!((problem.reason, problem.retry_after_ms), (Reason::Overloaded, Some(1000)), "{status:?}");
            assert_eq!(problem.detail, UNREACHABLE);
        }
        assert_eq!(from_status(&Status::unknown("what")), Problem::internal());
    }

    #[test]
    fn fields_survive_and_internal_shows_nothing() {
        let problem = Problem::field("stride", "too large");
        assert_eq!(from_status(&to_status(&problem)), problem);
        assert_eq!(from_status(&Status::internal("panicked at /secret")), Problem::internal());
    }
}
