//! `TaskService`: the workers' side.

use super::decode;
use crate::{
    catalog::Catalog,
    domain::page::Page,
    error::Failure,
    steps::{
        claim,
        commit::{self, Outcome},
        fail::{self, Report},
        finish::{self, Merged},
    },
    store::{datasets::Pin, files, plans, secrets, tasks},
};
use dataset_model::{AttemptId, JobKind, Problem, TaskKind as ModelTaskKind, problem::shortened};
use dataset_proto::catalog::{
    AddTasksRequest, AddTasksResponse, ClaimAnyRequest, ClaimAnyResponse, ClaimedTask, CommitRequest, CommitResponse,
    CommittedTask, FailRequest, FailResponse, FileKind, FinishRequest, FinishResponse, HeartbeatRequest,
    HeartbeatResponse, HubToken, LeftOutMember, LeftOutMembers, ListCommittedRequest, ListCommittedResponse,
    ListUnknownFilesRequest, ListUnknownFilesResponse, NewTask, ReleaseRequest, ReleaseResponse, SkippedRow,
    SkippedRows, SourcePin, StageFileRequest, StageFileResponse, TaskKind, TaskRef, Verdict,
    task_service_server::TaskService,
};
use std::time::Duration;
use tonic::{Request, Response, Status, async_trait};

/// Tasks in one call, and the longest summary of a work task, as the contract says.
const MOST_TASKS: usize = 500;
/// Keys in one question.
const MOST_KEYS: usize = 1000;
const LONGEST_SUMMARY: usize = 64 << 10;
/// The longest a worker may put its task off.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The service over the shared state.
#[derive(Debug, Clone)]
pub struct Tasks(pub Catalog);

#[async_trait]
impl TaskService for Tasks {
    async fn claim_any(&self, request: Request<ClaimAnyRequest>) -> Result<Response<ClaimAnyResponse>, Status> {
        let message = request.into_inner();
        let kind = JobKind::try_from(message.kind()).map_err(Failure::from)?;
        let attempt = decode::id(&message.attempt_uuid, "attempt_uuid").map_err(Failure::from)?;
        let worker = decode::without_nul(shortened(&message.worker));
        let claimed = self.claim(kind, attempt, &worker).await?;
        let Some(task) = claimed else { return Ok(Response::new(ClaimAnyResponse::default())) };
        let hf_token = self.token(&task).await?;
        Ok(Response::new(ClaimAnyResponse { task: Some(ClaimedTask { hf_token, ..self.encode(attempt, task) }) }))
    }

    async fn heartbeat(&self, request: Request<HeartbeatRequest>) -> Result<Response<HeartbeatResponse>, Status> {
        let message = request.into_inner();
        let (caller, progress) = (decode::caller(message.task)?, decode::progress(message.progress));
        let mut db = self.0.read().await?;
        let verdict = claim::heartbeat(&mut db, caller, &progress, self.0.policy().lease).await?;
        Ok(Response::new(HeartbeatResponse { verdict: encode_verdict(verdict).into() }))
    }

    async fn add_tasks(&self, request: Request<AddTasksRequest>) -> Result<Response<AddTasksResponse>, Status> {
        let message = request.into_inner();
        let (caller, new) = (decode::caller(message.task)?, new_tasks(message.tasks)?);
        let mut tx = self.0.begin().await?;
        claim::add_tasks(&mut tx, caller, &new).await?;
        self.0.commit(tx).await?;
        Ok(Response::new(AddTasksResponse {}))
    }

    async fn stage_file(&self, request: Request<StageFileRequest>) -> Result<Response<StageFileResponse>, Status> {
        let message = request.into_inner();
        let kind = file_kind(message.kind())?;
        decode::key(&message.key).map_err(Failure::from)?;
        let caller = decode::caller(message.task)?;
        let mut tx = self.0.begin().await?;
        claim::stage_file(&mut tx, caller, &message.key, kind).await?;
        self.0.commit(tx).await?;
        Ok(Response::new(StageFileResponse {}))
    }

    async fn list_unknown_files(
        &self,
        request: Request<ListUnknownFilesRequest>,
    ) -> Result<Response<ListUnknownFilesResponse>, Status> {
        let keys = request.into_inner().keys;
        if keys.len() > MOST_KEYS {
            let problem = Problem::field("keys", format!("at most {MOST_KEYS} keys, not {}", keys.len()));
            return Err(Failure::from(problem).into());
        }
        let keys = files::unknown(&mut *self.0.read().await?, &keys).await.map_err(Failure::from)?;
        Ok(Response::new(ListUnknownFilesResponse { keys }))
    }

    async fn commit(&self, request: Request<CommitRequest>) -> Result<Response<CommitResponse>, Status> {
        let mut message = request.into_inner();
        let caller = decode::caller(message.task.take())?;
        let outcome = outcome(message)?;
        let mut tx = self.0.begin().await?;
        commit::commit(&mut tx, caller, outcome).await?;
        self.0.commit(tx).await?;
        Ok(Response::new(CommitResponse {}))
    }

    async fn list_committed(
        &self,
        request: Request<ListCommittedRequest>,
    ) -> Result<Response<ListCommittedResponse>, Status> {
        let message = request.into_inner();
        let page = Page::parse(&message.page_token, message.page_size, 50, 100).map_err(Failure::from)?;
        let caller = decode::caller(message.task)?;
        let mut tx = self.0.begin().await?;
        let (committed, more) = finish::list_committed(&mut tx, caller, page.offset(), page.size).await?;
        self.0.commit(tx).await?;
        let next_page_token = if more { (page.number + 1).to_string() } else { String::new() };
        Ok(Response::new(ListCommittedResponse {
            tasks: committed.into_iter().map(encode_committed).collect(),
            next_page_token,
        }))
    }

    async fn finish(&self, request: Request<FinishRequest>) -> Result<Response<FinishResponse>, Status> {
        let mut message = request.into_inner();
        let caller = decode::caller(message.task.take())?;
        let merged = merged(message)?;
        let mut tx = self.0.begin().await?;
        finish::finish(&mut tx, caller, merged).await?;
        self.0.commit(tx).await?;
        Ok(Response::new(FinishResponse {}))
    }

    async fn fail(&self, request: Request<FailRequest>) -> Result<Response<FailResponse>, Status> {
        let message = request.into_inner();
        let caller = decode::caller(message.task)?;
        let documents_too_many = message.documents_too_many;
        let report = Report { problem: decode::problem(message.problem), documents_too_many };
        let mut tx = self.0.begin().await?;
        let closed = fail::fail(&mut tx, caller, report, self.0.policy(), rand::random()).await?;
        self.0.commit(tx).await?;
        self.0.hint(&closed).await;
        Ok(Response::new(FailResponse {}))
    }

    async fn release(&self, request: Request<ReleaseRequest>) -> Result<Response<ReleaseResponse>, Status> {
        let message = request.into_inner();
        let caller = decode::caller(message.task)?;
        let wait = message.not_before.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or_default();
        let mut tx = self.0.begin().await?;
        fail::release(&mut tx, caller, wait.min(LONGEST_WAIT)).await?;
        self.0.commit(tx).await?;
        Ok(Response::new(ReleaseResponse {}))
    }
}

impl Tasks {
    async fn claim(&self, kind: JobKind, attempt: AttemptId, worker: &str) -> Result<Option<tasks::Claimed>, Failure> {
        let mut tx = self.0.begin().await?;
        match claim::claim_any(&mut tx, kind, attempt, worker, self.0.policy().lease).await {
            Ok(claimed) => {
                self.0.commit(tx).await?;
                Ok(claimed)
            }
            // The same claim, asked twice at once: the other one won, and gives the answer to both.
            Err(Failure::Store(error)) if error.violates("tasks_attempt_uuid_key") => {
                drop(tx);
                Ok(tasks::claimed(&mut *self.0.read().await?, attempt).await?)
            }
            Err(failure) => Err(failure),
        }
    }

    fn encode(&self, attempt: AttemptId, task: tasks::Claimed) -> ClaimedTask {
        let policy = self.0.policy();
        ClaimedTask {
            task: Some(TaskRef {
                task_id: task.id.to_string(),
                attempt: task.attempt,
                attempt_uuid: attempt.to_string(),
            }),
            job_id: task.job_id.to_string(),
            job_kind: dataset_proto::catalog::JobKind::from(task.queue).into(),
            kind: TaskKind::from(task.kind).into(),
            ordinal: task.ordinal,
            dataset_id: task.dataset_id.to_string(),
            tokenization_id: task.tokenization_id.map(|id| id.to_string()),
            repo_id: task.repo_id.into(),
            spec_json: task.spec.to_string(),
            batch_rows: task.tries.batch_rows,
            lease: prost_types::Duration::try_from(policy.lease).ok(),
            failures: task.tries.failures,
            max_tries: policy.retry.max_tries,
            traceparent: task.traceparent,
            hf_token: None,
        }
    }

    /// What the job was started with, for who asks the Hub: read after the claim, by whoever holds the task then.
    async fn token(&self, task: &tasks::Claimed) -> Result<Option<HubToken>, Failure> {
        if task.queue != JobKind::Ingest || !matches!(task.kind, ModelTaskKind::Plan | ModelTaskKind::Work) {
            return Ok(None);
        }
        let sealed = secrets::of_claim(&mut *self.0.read().await?, task.id, task.attempt).await?;
        let opened = sealed.map(|sealed| self.0.vault().open(task.job_id, &sealed)).transpose();
        Ok(opened.map_err(Problem::from)?.map(|text| HubToken { text }))
    }
}

const fn encode_verdict(verdict: claim::Verdict) -> Verdict {
    match verdict {
        claim::Verdict::Continue => Verdict::Continue,
        claim::Verdict::Cancelled => Verdict::Cancelled,
        claim::Verdict::Stale => Verdict::Stale,
    }
}

fn encode_committed(task: finish::CommittedTask) -> CommittedTask {
    CommittedTask {
        ordinal: task.ordinal,
        shards: task.shards.into_iter().map(Into::into).collect(),
        files: task.files.into_iter().map(Into::into).collect(),
        summary_json: task.summary.to_string(),
    }
}

fn new_tasks(tasks: Vec<NewTask>) -> Result<Vec<plans::NewTask>, Failure> {
    if tasks.len() > MOST_TASKS {
        return Err(Problem::field("tasks", format!("at most {MOST_TASKS} in a call")).into());
    }
    let decode = |task: NewTask| {
        Ok(plans::NewTask {
            ordinal: task.ordinal,
            spec: decode::json(&task.spec_json, "spec_json")?,
            total: task.total,
        })
    };
    tasks.into_iter().map(decode).collect()
}

fn file_kind(kind: FileKind) -> Result<files::Kind, Failure> {
    match kind {
        FileKind::Shard => Ok(files::Kind::Shard),
        FileKind::Side => Ok(files::Kind::Side),
        FileKind::Partial => Ok(files::Kind::Partial),
        FileKind::Unspecified => Err(Problem::field("kind", "is unspecified").into()),
    }
}

fn outcome(message: CommitRequest) -> Result<Outcome, Failure> {
    if message.summary_json.len() > LONGEST_SUMMARY {
        return Err(Problem::field("summary_json", format!("must be at most {LONGEST_SUMMARY} bytes")).into());
    }
    let mut keys = message.shards.iter().map(|s| &s.key).chain(message.files.iter().map(|f| &f.key));
    keys.try_for_each(|key| decode::key(key))?;
    Ok(Outcome {
        shards: message.shards.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        files: message.files.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        summary: decode::json(&message.summary_json, "summary_json")?,
        pin: message.pin.map(pin).transpose()?,
    })
}

fn pin(pin: SourcePin) -> Result<Pin, Failure> {
    Ok(Pin {
        metadata: decode::json(&pin.metadata_json, "metadata_json")?,
        commit_sha: decode::without_nul(pin.commit_sha),
        config: decode::without_nul(pin.config),
        splits: pin.splits.into_iter().map(decode::without_nul).collect(),
        source_bytes: pin.source_bytes,
    })
}

fn skipped(message: SkippedRows) -> Result<dataset_model::SkippedRows, Failure> {
    let clean =
        |row: SkippedRow| SkippedRow { file: decode::without_nul(row.file), why: decode::without_nul(row.why), ..row };
    if message.first.len() > dataset_model::SkippedRows::SHOWN {
        let most = dataset_model::SkippedRows::SHOWN;
        return Err(Problem::field("skipped_rows.first", format!("at most {most} rows")).into());
    }
    Ok(SkippedRows { first: message.first.into_iter().map(clean).collect(), ..message }.into())
}

fn left_out(message: LeftOutMembers) -> Result<dataset_model::LeftOutMembers, Failure> {
    let clean = |member: LeftOutMember| LeftOutMember { path: decode::without_nul(member.path), ..member };
    if message.first.len() > dataset_model::LeftOutMembers::SHOWN {
        let most = dataset_model::LeftOutMembers::SHOWN;
        return Err(Problem::field("left_out_members.first", format!("at most {most} members")).into());
    }
    Ok(LeftOutMembers { first: message.first.into_iter().map(clean).collect(), ..message }.into())
}

fn merged(message: FinishRequest) -> Result<Merged, Failure> {
    for shard in &message.replaced_shards {
        let new_key = shard.file.iter().map(|file| &file.key);
        new_key.chain([&shard.old_key]).try_for_each(|key| decode::key(key))?;
    }
    let statistics = message.statistics_json.map(|text| decode::json(&text, "statistics_json")).transpose()?;
    let statistics = statistics.map(serde_json::from_value).transpose();
    Ok(Merged {
        schema: message.schema_json.map(|text| decode::json(&text, "schema_json")).transpose()?,
        statistics: statistics.map_err(|error| Problem::field("statistics_json", error.to_string()))?,
        metadata: message.metadata.map(TryInto::try_into).transpose()?,
        files: message.files.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        engine: message.engine,
        skipped: message.skipped_rows.map(skipped).transpose()?.unwrap_or_default(),
        left_out_members: message.left_out_members.map(left_out).transpose()?.unwrap_or_default(),
        replaced: message.replaced_shards.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
    })
}
