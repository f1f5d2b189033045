//! Everything that can keep a call from its answer, and what of it leaves the process.

use crate::store::StoreError;
use dataset_model::{Problem, Reason, state::InvalidTransition};
use dataset_proto::{BadMessage, status::to_status};
use std::time::Duration;
use tonic::Status;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// For the caller to see.
    #[error("refused")]
    Refused(#[from] Problem),
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// The rows contradict each other.
    #[error("the state does not allow it")]
    Transition(#[from] InvalidTransition),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<BadMessage> for Failure {
    fn from(error: BadMessage) -> Self {
        Self::Refused(error.into())
    }
}

impl Failure {
    /// What the caller is told. What is not for the caller is logged here, once, with its causes.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Refused(problem) => problem,
            Self::Store(StoreError::Unavailable(error)) => {
                tracing::warn!(error = %chain(&error), "the database is not reachable");
                let problem = Problem::new(Reason::DbUnavailable, "the database is not reachable");
                problem.retry_after(Duration::from_secs(1))
            }
            Self::Store(_) | Self::Transition(_) => {
                tracing::error!(error = %chain(&self), "a call failed");
                Problem::internal()
            }
        }
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        to_status(&failure.into_problem())
    }
}

/// An error and its causes on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The answer for something unknown, and for everything that is being deleted.
pub fn not_found(what: &str, id: impl std::fmt::Display) -> Failure {
    Problem::new(Reason::NotFound, format!("there is no {what} `{id}`")).into()
}
