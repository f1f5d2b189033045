//! How a command fails: what it says on stderr, and its exit code.

use dataset_model::{Problem, reason::GrpcCode};
use dataset_proto::{BadMessage, status::from_status};
use std::process::ExitCode;

/// 1 failed, 2 usage, 3 not found, 4 refused, 5 cancelled.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    problem: Option<Box<Problem>>,
    text: String,
}

impl Failure {
    pub(crate) fn other(text: impl Into<String>) -> Self {
        Self { code: 1, problem: None, text: text.into() }
    }

    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { code: 2, ..Self::other(text) }
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self { code: 3, ..Self::other(text) }
    }

    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self { code: 4, ..Self::other(text) }
    }

    pub(crate) fn cancelled(text: impl Into<String>) -> Self {
        Self { code: 5, ..Self::other(text) }
    }

    /// A job that failed: the request was fine, its outcome was not.
    pub(crate) fn of_job(problem: Problem) -> Self {
        Self { code: 1, ..Self::from(problem) }
    }

    /// Says why, and gives the exit code.
    #[expect(clippy::print_stderr, reason = "this is a command line")]
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        match &self.problem {
            Some(problem) if json => eprintln!("{}", serde_json::to_string(problem).unwrap_or_default()),
            _ => eprintln!("error: {}", self.text),
        }
        ExitCode::from(self.code)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let code = match problem.reason.grpc_code() {
            GrpcCode::InvalidArgument => 2,
            GrpcCode::NotFound => 3,
            GrpcCode::FailedPrecondition
            | GrpcCode::AlreadyExists
            | GrpcCode::PermissionDenied
            | GrpcCode::Unauthenticated => 4,
            GrpcCode::Aborted
            | GrpcCode::Unavailable
            | GrpcCode::DataLoss
            | GrpcCode::ResourceExhausted
            | GrpcCode::DeadlineExceeded
            | GrpcCode::Unimplemented
            | GrpcCode::Internal => 1,
        };
        let mut text = problem.to_string();
        if let Some(step) = &problem.next_step {
            text.push_str("\n  next: ");
            text.push_str(step);
        }
        Self { code, text, problem: Some(Box::new(problem)) }
    }
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        from_status(&status).into()
    }
}

impl From<BadMessage> for Failure {
    fn from(error: BadMessage) -> Self {
        Self::other(format!("the catalog's answer cannot be read: {error}"))
    }
}
