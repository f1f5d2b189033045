//! A worker's hold on a task: the lease, the heartbeat, and the ways to end it.
//!
//! Every call carries the attempt, and the catalog refuses one that is not the current one. The worker also stops by
//! itself when its own monotonic deadline passes without an answer, so that a paused process never goes on as if
//! nothing had happened.

use crate::{CatalogClient, request, retry};
use dataset_model::{
    AttemptId, DatasetId, JobId, JobKind, LeftOutMembers, Problem, Progress, Reason, ReplacedShard, RepoId, Shard,
    SkippedRows, StagedFile, TaskId, TokenizationId, spec::TaskKind,
};
use dataset_proto::{
    Required,
    catalog::{
        self as proto, AddTasksRequest, ClaimAnyRequest, CommitRequest, FailRequest, FinishRequest, HeartbeatRequest,
        ListCommittedRequest, ReleaseRequest, StageFileRequest, Verdict,
    },
    status::from_status,
};
pub use proto::{FileKind, SourcePin};
use serde::de::DeserializeOwned;
use serde_json::Value;
use service_kit::Secret;
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How a task ends other than well.
#[derive(Debug)]
pub enum TaskError {
    /// Failed; tried again if the problem is retryable and tries are left.
    Problem(Problem),
    /// The memory budget was too small for so many documents; the next try has half of them.
    OutOfMemory(Problem, u32),
    /// Handed back without counting a try, to be claimed again after this time.
    Wait(Duration),
    /// Cancelled, taken over by another attempt, or the process drains.
    Stopped,
}

impl From<Problem> for TaskError {
    fn from(problem: Problem) -> Self {
        if problem.reason == Reason::StaleAttempt { Self::Stopped } else { Self::Problem(problem) }
    }
}

/// What was claimed.
#[derive(Debug, Clone)]
pub struct ClaimedTask {
    pub task_id: TaskId,
    pub job_id: JobId,
    pub job_kind: JobKind,
    pub kind: TaskKind,
    /// Position in the job: the order of the source.
    pub ordinal: u32,
    pub dataset_id: DatasetId,
    pub tokenization_id: Option<TokenizationId>,
    pub repo_id: RepoId,
    pub spec: Value,
    /// Documents per batch; 0 = the configured size.
    pub batch_rows: u32,
    pub attempt: u64,
    pub attempt_id: AttemptId,
    pub lease: Duration,
    /// Failed tries so far, of so many.
    pub failures: u32,
    pub max_tries: u32,
    /// W3C trace context of the request that queued the job; may be empty.
    pub traceparent: String,
    /// What the job was started with; none = the process's own.
    pub hf_token: Option<Secret>,
}

/// A task that a plan adds.
#[derive(Debug, Clone)]
pub struct NewTask {
    pub ordinal: u32,
    pub spec: Value,
    /// In the unit of `Progress::done`.
    pub total: u64,
}

/// The result of a plan or work task.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    pub shards: Vec<Shard>,
    pub files: Vec<StagedFile>,
    /// At most 64 KiB.
    pub summary: Value,
    /// Of an ingest's plan.
    pub pin: Option<SourcePin>,
}

/// What a work task committed.
#[derive(Debug, Clone)]
pub struct CommittedTask {
    pub ordinal: u32,
    pub shards: Vec<Shard>,
    pub files: Vec<StagedFile>,
    pub summary: Value,
}

/// The result of a finish task.
#[derive(Debug, Clone, Default)]
pub struct Finish {
    pub schema: Option<Value>,
    pub statistics: Option<Value>,
    pub metadata: Option<StagedFile>,
    pub files: Vec<StagedFile>,
    pub engine: Option<String>,
    pub skipped: SkippedRows,
    pub left_out_members: LeftOutMembers,
    /// Committed shards whose rows lie in other files now.
    pub replaced: Vec<ReplacedShard>,
}

/// A claimed task. The heartbeat runs beside the work; see [`Claim::heartbeat`].
#[derive(Debug)]
pub struct Claim {
    pub task: ClaimedTask,
    client: CatalogClient,
    progress: Mutex<Progress>,
    stop: CancellationToken,
    poke: Notify,
}

impl Claim {
    /// Claims the next due task of `kind`; none when nothing is due. Asked again with the same `attempt`, the catalog
    /// gives the same task, so a lost answer loses nothing.
    pub async fn any(
        client: &CatalogClient,
        kind: JobKind,
        attempt: AttemptId,
        worker: &str,
    ) -> Result<Option<Self>, Problem> {
        let message = ClaimAnyRequest {
            kind: proto::JobKind::from(kind).into(),
            attempt_uuid: attempt.to_string(),
            worker: worker.to_owned(),
        };
        let answer = client.tasks().claim_any(request(message)).await;
        let Some(task) = answer.map_err(|status| from_status(&status))?.into_inner().task else { return Ok(None) };
        let task = claimed(task, attempt)?;
        Ok(Some(Self {
            task,
            client: client.clone(),
            progress: Mutex::default(),
            stop: CancellationToken::new(),
            poke: Notify::new(),
        }))
    }

    /// The specification as the type that the planner wrote.
    pub fn spec<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_value(self.task.spec.clone()).map_err(|error| {
            tracing::error!(task.id = %self.task.task_id, %error, "the task's specification cannot be read");
            Problem::internal()
        })
    }

    /// Cancelled when all work on the task must stop: it was cancelled, taken over, or is handed back.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Changes the counters that the next heartbeat carries.
    pub fn progress(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Asks the catalog at once whether the task still stands.
    pub fn poke(&self) {
        self.poke.notify_one();
    }

    /// Keeps the lease until `stop` is cancelled, and cancels it when the catalog says so or does not answer in time.
    pub async fn heartbeat(&self, every: Duration) {
        // The catalog renews a lease when half of it is gone, so half is what an answer guarantees.
        let patience = self.task.lease / 2;
        let mut answered = Instant::now();
        while !self.stop.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = self.poke.notified() => {}
                () = self.stop.cancelled() => return,
            }
            let asked = Instant::now();
            let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let message = HeartbeatRequest { task: Some(self.task_ref()), progress: Some(progress.into()) };
            let mut call = tonic::Request::new(message);
            call.set_timeout(patience);
            match self.client.tasks().heartbeat(call).await.map(|answer| answer.into_inner().verdict()) {
                Ok(Verdict::Continue | Verdict::Unspecified) => answered = asked,
                Ok(Verdict::Cancelled | Verdict::Stale) => self.stop.cancel(),
                Err(status) if from_status(&status).reason == Reason::StaleAttempt => self.stop.cancel(),
                Err(status) => tracing::debug!(%status, "heartbeat"),
            }
            if answered.elapsed() > patience {
                tracing::warn!(task.id = %self.task.task_id, "the lease was not renewed in time: stopping");
                self.stop.cancel();
            }
        }
    }

    /// Adds the tasks of the job, in calls of at most 500.
    pub async fn add_tasks(&self, tasks: Vec<NewTask>) -> Result<(), TaskError> {
        for chunk in tasks.chunks(500) {
            let tasks = chunk.iter().map(|task| proto::NewTask {
                ordinal: task.ordinal,
                spec_json: task.spec.to_string(),
                total: task.total,
            });
            let message = AddTasksRequest { task: Some(self.task_ref()), tasks: tasks.collect() };
            retry::until_answered(&self.stop, || {
                let (mut client, message) = (self.client.tasks(), message.clone());
                async move { client.add_tasks(request(message)).await }
            })
            .await?;
        }
        Ok(())
    }

    /// Announces a file before its first byte is written.
    pub async fn stage_file(&self, key: &str, kind: FileKind) -> Result<(), TaskError> {
        let message = StageFileRequest { task: Some(self.task_ref()), key: key.to_owned(), kind: kind.into() };
        retry::until_answered(&self.stop, || {
            let (mut client, message) = (self.client.tasks(), message.clone());
            async move { client.stage_file(request(message)).await }
        })
        .await?;
        Ok(())
    }

    /// Ends a plan, work or gc task well.
    pub async fn commit(&self, commit: Commit) -> Result<(), TaskError> {
        let message = CommitRequest {
            task: Some(self.task_ref()),
            shards: commit.shards.into_iter().map(Into::into).collect(),
            files: commit.files.into_iter().map(Into::into).collect(),
            summary_json: commit.summary.to_string(),
            pin: commit.pin,
        };
        retry::until_answered(&self.stop, || {
            let (mut client, message) = (self.client.tasks(), message.clone());
            async move { client.commit(request(message)).await }
        })
        .await?;
        Ok(())
    }

    /// What the work tasks of the job committed, by ordinal.
    pub async fn list_committed(&self) -> Result<Vec<CommittedTask>, TaskError> {
        let mut tasks = Vec::new();
        let mut page_token = String::new();
        loop {
            let message = ListCommittedRequest { task: Some(self.task_ref()), page_size: 50, page_token };
            let page = retry::until_answered(&self.stop, || {
                let (mut client, message) = (self.client.tasks(), message.clone());
                async move { client.list_committed(request(message)).await }
            })
            .await?;
            for task in page.tasks {
                tasks.push(committed(task)?);
            }
            if page.next_page_token.is_empty() {
                return Ok(tasks);
            }
            page_token = page.next_page_token;
        }
    }

    /// Ends a finish task, and with it the job.
    pub async fn finish(&self, finish: Finish) -> Result<(), TaskError> {
        let message = FinishRequest {
            task: Some(self.task_ref()),
            schema_json: finish.schema.map(|schema| schema.to_string()),
            statistics_json: finish.statistics.map(|statistics| statistics.to_string()),
            metadata: finish.metadata.map(Into::into),
            files: finish.files.into_iter().map(Into::into).collect(),
            engine: finish.engine,
            skipped_rows: Some(finish.skipped).filter(|skipped| !skipped.is_empty()).map(Into::into),
            left_out_members: Some(finish.left_out_members).filter(|members| !members.is_empty()).map(Into::into),
            replaced_shards: finish.replaced.into_iter().map(Into::into).collect(),
        };
        retry::until_answered(&self.stop, || {
            let (mut client, message) = (self.client.tasks(), message.clone());
            async move { client.finish(request(message)).await }
        })
        .await?;
        Ok(())
    }

    /// Reports a failure, and how many documents were too many if that was it; the catalog decides whether there is another
    /// try.
    pub async fn fail(&self, problem: Problem, documents_too_many: Option<u32>) -> Result<(), Problem> {
        let message = FailRequest { task: Some(self.task_ref()), problem: Some(problem.into()), documents_too_many };
        retry::until_answered(&self.stop, || {
            let (mut client, message) = (self.client.tasks(), message.clone());
            async move { client.fail(request(message)).await }
        })
        .await?;
        Ok(())
    }

    /// Hands the task back without counting a try.
    pub async fn release(&self, not_before: Option<Duration>) -> Result<(), Problem> {
        let not_before = not_before.and_then(|wait| prost_types::Duration::try_from(wait).ok());
        let message = ReleaseRequest { task: Some(self.task_ref()), not_before };
        // One try: the lease ends by itself if it is lost, and a draining process has no time.
        self.client.tasks().release(request(message)).await.map_err(|status| from_status(&status))?;
        Ok(())
    }

    fn task_ref(&self) -> proto::TaskRef {
        proto::TaskRef {
            task_id: self.task.task_id.to_string(),
            attempt: self.task.attempt,
            attempt_uuid: self.task.attempt_id.to_string(),
        }
    }
}

fn id<T: std::str::FromStr>(text: &str, field: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::field(field, format!("`{text}` is not an id")))
}

fn json(text: &str, field: &str) -> Result<Value, Problem> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).map_err(|error| Problem::field(field, error.to_string()))
}

fn claimed(task: proto::ClaimedTask, attempt_id: AttemptId) -> Result<ClaimedTask, Problem> {
    let (job_kind, kind) = (task.job_kind(), task.kind());
    let reference = task.task.required("task")?;
    let lease = task.lease.required("lease")?;
    Ok(ClaimedTask {
        task_id: id(&reference.task_id, "task_id")?,
        job_id: id(&task.job_id, "job_id")?,
        job_kind: job_kind.try_into()?,
        kind: kind.try_into()?,
        ordinal: task.ordinal,
        dataset_id: id(&task.dataset_id, "dataset_id")?,
        tokenization_id: task.tokenization_id.map(|text| id(&text, "tokenization_id")).transpose()?,
        repo_id: RepoId::parse(&task.repo_id).map_err(|e| Problem::field("repo_id", e.to_string()))?,
        spec: json(&task.spec_json, "spec_json")?,
        batch_rows: task.batch_rows,
        attempt: reference.attempt,
        attempt_id,
        lease: lease.try_into().map_err(|_| Problem::field("lease", "is negative"))?,
        failures: task.failures,
        max_tries: task.max_tries,
        traceparent: task.traceparent,
        hf_token: task.hf_token.map(|token| Secret::new(token.text)),
    })
}

fn committed(task: proto::CommittedTask) -> Result<CommittedTask, Problem> {
    Ok(CommittedTask {
        ordinal: task.ordinal,
        shards: task.shards.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        files: task.files.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        summary: json(&task.summary_json, "summary_json")?,
    })
}
