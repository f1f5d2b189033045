//! Jobs as the catalog keeps them, and how they may end.

use dataset_model::{
    DatasetEvent, DatasetId, JobId, JobKind, JobState, Problem, Reason, TaskKind, TokenizationId, state::JobTransition,
};
use std::str::FromStr;

/// Kinds of jobs. Users see the first two; the third removes files of something deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ingest,
    Tokenize,
    Gc,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Tokenize => "tokenize",
            Self::Gc => "gc",
        }
    }

    /// Whose workers claim its tasks.
    pub const fn queue(self) -> JobKind {
        match self {
            Self::Ingest | Self::Gc => JobKind::Ingest,
            Self::Tokenize => JobKind::Tokenize,
        }
    }

    /// The task that a new job begins with.
    pub const fn first_task(self) -> TaskKind {
        match self {
            Self::Ingest | Self::Tokenize => TaskKind::Plan,
            Self::Gc => TaskKind::Gc,
        }
    }
}

impl From<JobKind> for Kind {
    fn from(kind: JobKind) -> Self {
        match kind {
            JobKind::Ingest => Self::Ingest,
            JobKind::Tokenize => Self::Tokenize,
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Ingest, Self::Tokenize, Self::Gc].into_iter().find(|k| k.as_str() == text).ok_or_else(|| text.to_owned())
    }
}

/// A job's row, as far as decisions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    pub id: JobId,
    pub kind: Kind,
    pub dataset_id: DatasetId,
    pub tokenization_id: Option<TokenizationId>,
    pub state: JobState,
}

/// How a job ends that does not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    Failed(Problem),
    Cancelled,
}

impl Ending {
    pub const fn transition(&self) -> JobTransition {
        match self {
            Self::Failed(_) => JobTransition::Fail,
            Self::Cancelled => JobTransition::Cancel,
        }
    }

    pub const fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Failed(problem) => Some(problem),
            Self::Cancelled => None,
        }
    }
}

/// Whether a job's work may be started again: only where it ended without success.
pub fn retry(job: &JobRow) -> Result<(), Problem> {
    match job.state {
        JobState::Failed | JobState::Cancelled => Ok(()),
        JobState::Queued | JobState::Running => {
            Err(Problem::new(Reason::JobAlreadyActive, format!("job `{}` is {}", job.id, job.state)))
        }
        JobState::Succeeded => {
            let detail = format!("job `{}` has succeeded: there is nothing to try again", job.id);
            Err(Problem::new(Reason::JobTerminal, detail))
        }
    }
}

/// The numbered event of an end without success; none for a job that no user sees.
pub fn ending_event(job: &JobRow, ending: &Ending) -> Option<DatasetEvent> {
    let job_id = job.id;
    match (job.kind, job.tokenization_id, ending) {
        (Kind::Gc, _, _) | (Kind::Tokenize, None, _) => None,
        (Kind::Ingest, _, Ending::Failed(error)) => Some(DatasetEvent::DownloadFailed { job_id, error: error.clone() }),
        (Kind::Ingest, _, Ending::Cancelled) => Some(DatasetEvent::DownloadCancelled { job_id }),
        (Kind::Tokenize, Some(tokenization_id), Ending::Failed(error)) => {
            Some(DatasetEvent::TokenizationFailed { job_id, tokenization_id, error: error.clone() })
        }
        (Kind::Tokenize, Some(tokenization_id), Ending::Cancelled) => {
            Some(DatasetEvent::TokenizationCancelled { job_id, tokenization_id })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ended_without_success_is_tried_again() {
        let of = |state| JobRow {
            id: JobId::new(),
            kind: Kind::Ingest,
            dataset_id: DatasetId::new(),
            tokenization_id: None,
            state,
        };
        let refused = |state| retry(&of(state)).err().map(|problem| problem.reason);
        assert_eq!((refused(JobState::Failed), refused(JobState::Cancelled)), (None, None));
        assert_eq!(refused(JobState::Queued), Some(Reason::JobAlreadyActive));
        assert_eq!(refused(JobState::Running), Some(Reason::JobAlreadyActive));
        assert_eq!(refused(JobState::Succeeded), Some(Reason::JobTerminal));
    }
}
