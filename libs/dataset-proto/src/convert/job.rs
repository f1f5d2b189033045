//! Jobs.

use super::{BadMessage, parse, simple};
use crate::catalog as proto;
use dataset_model::{Job, JobPhase, TaskCounts};

impl From<Job> for proto::Job {
    fn from(job: Job) -> Self {
        let phase = |p: JobPhase| proto::JobPhase {
            name: p.name,
            started_at: p.started_at.map(simple::timestamp),
            finished_at: p.finished_at.map(simple::timestamp),
            attempts: p.attempts,
            tries: p.tries,
        };
        Self {
            id: job.id.to_string(),
            kind: proto::JobKind::from(job.kind).into(),
            dataset_id: job.dataset_id.to_string(),
            tokenization_id: job.tokenization_id.map(|id| id.to_string()),
            state: proto::JobState::from(job.state).into(),
            progress: Some(job.progress.into()),
            tasks: Some(proto::TaskCounts {
                total: job.tasks.total,
                done: job.tasks.done,
                running: job.tasks.running,
                failed: job.tasks.failed,
            }),
            attempt: job.attempt,
            tries: job.tries,
            max_tries: job.max_tries,
            next_run_at: job.next_run_at.map(simple::timestamp),
            phases: job.phases.into_iter().map(phase).collect(),
            error: job.error.map(Into::into),
            created_at: Some(simple::timestamp(job.created_at)),
            finished_at: job.finished_at.map(simple::timestamp),
        }
    }
}

impl TryFrom<proto::Job> for Job {
    type Error = BadMessage;

    fn try_from(job: proto::Job) -> Result<Self, Self::Error> {
        let phase = |p: proto::JobPhase| {
            Ok(JobPhase {
                name: p.name,
                started_at: simple::optional_time(p.started_at, "started_at")?,
                finished_at: simple::optional_time(p.finished_at, "finished_at")?,
                attempts: p.attempts,
                tries: p.tries,
            })
        };
        let tasks = job.tasks.unwrap_or_default();
        Ok(Self {
            kind: job.kind().try_into()?,
            state: job.state().try_into()?,
            id: parse(&job.id, "id")?,
            dataset_id: parse(&job.dataset_id, "dataset_id")?,
            tokenization_id: job.tokenization_id.map(|id| parse(&id, "tokenization_id")).transpose()?,
            progress: job.progress.unwrap_or_default().into(),
            tasks: TaskCounts { total: tasks.total, done: tasks.done, running: tasks.running, failed: tasks.failed },
            attempt: job.attempt,
            tries: job.tries,
            max_tries: job.max_tries,
            next_run_at: simple::optional_time(job.next_run_at, "next_run_at")?,
            phases: job.phases.into_iter().map(phase).collect::<Result<_, BadMessage>>()?,
            error: job.error.map(TryInto::try_into).transpose()?,
            created_at: simple::time(job.created_at, "created_at")?,
            finished_at: simple::optional_time(job.finished_at, "finished_at")?,
        })
    }
}
