//! A catalog that only hands out the tasks of one job and remembers what it was told.

mod setup;

pub(crate) use setup::{Setup, compare, lines, problem, spec};

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use catalog_client::{CatalogClient, Claim};
use dataset_model::{AttemptId, DatasetId, JobId, JobKind, TaskId};
use dataset_proto::catalog::{
    self as proto, AddTasksRequest, AddTasksResponse, ClaimAnyRequest, ClaimAnyResponse, ClaimedTask, CommitRequest,
    CommitResponse, CommittedTask, FailRequest, FailResponse, FinishRequest, FinishResponse, HeartbeatRequest,
    HeartbeatResponse, ListCommittedRequest, ListCommittedResponse, ListUnknownFilesRequest, ListUnknownFilesResponse,
    NewTask, ReleaseRequest, ReleaseResponse, StageFileRequest, StageFileResponse, TaskKind, TaskRef,
    task_service_server::{TaskService, TaskServiceServer},
};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

/// What the job's worker told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) queue: VecDeque<(TaskKind, NewTask)>,
    pub(crate) added: Vec<NewTask>,
    pub(crate) staged: Vec<String>,
    pub(crate) plan: Option<CommitRequest>,
    pub(crate) committed: Vec<CommittedTask>,
    pub(crate) finish: Option<FinishRequest>,
    claimed: HashMap<String, NewTask>,
    attempts: u64,
}

#[derive(Clone)]
pub(crate) struct Catalog {
    pub(crate) dataset_id: DatasetId,
    repo_id: String,
    told: Arc<Mutex<Told>>,
    client: CatalogClient,
}

impl Catalog {
    /// A catalog with one job, whose plan task has this specification.
    pub(crate) async fn start(repo_id: &str, spec: serde_json::Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let first = NewTask { ordinal: 0, spec_json: spec.to_string(), total: 0 };
        let told = Told { queue: VecDeque::from([(TaskKind::Plan, first)]), ..Told::default() };
        let catalog = Self {
            dataset_id: DatasetId::new(),
            repo_id: repo_id.to_owned(),
            told: Arc::new(Mutex::new(told)),
            client: CatalogClient::new(service_kit::channel(&url).unwrap()),
        };
        let server = tonic::transport::Server::builder().add_service(TaskServiceServer::new(catalog.clone()));
        #[expect(clippy::disallowed_methods, reason = "the test's runtime ends it; it has no Lifecycle to belong to")]
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        catalog
    }

    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    /// Claims the next task, if there is one.
    pub(crate) async fn claim(&self) -> Option<Claim> {
        Claim::any(&self.client, JobKind::Ingest, AttemptId::new(), "test").await.unwrap()
    }

    /// Puts a claimed task back, as after a crash of its worker.
    pub(crate) fn requeue(&self, claim: &Claim) {
        let mut told = self.told();
        let task = told.claimed[&claim.task.task_id.to_string()].clone();
        told.queue.push_front((proto::TaskKind::from(claim.task.kind), task));
    }
}

#[tonic::async_trait]
impl TaskService for Catalog {
    async fn claim_any(&self, request: Request<ClaimAnyRequest>) -> Result<Response<ClaimAnyResponse>, Status> {
        let mut told = self.told();
        let Some((kind, task)) = told.queue.pop_front() else { return Ok(Response::new(ClaimAnyResponse::default())) };
        told.attempts += 1;
        let task_id = TaskId::new().to_string();
        told.claimed.insert(task_id.clone(), task.clone());
        let claimed = ClaimedTask {
            task: Some(TaskRef { task_id, attempt: told.attempts, attempt_uuid: request.into_inner().attempt_uuid }),
            job_id: JobId::new().to_string(),
            job_kind: proto::JobKind::Ingest.into(),
            kind: kind.into(),
            ordinal: task.ordinal,
            dataset_id: self.dataset_id.to_string(),
            repo_id: self.repo_id.clone(),
            spec_json: task.spec_json,
            lease: Some(Duration::from_secs(3).try_into().unwrap()),
            max_tries: 3,
            ..ClaimedTask::default()
        };
        Ok(Response::new(ClaimAnyResponse { task: Some(claimed) }))
    }

    async fn list_unknown_files(
        &self,
        _: Request<ListUnknownFilesRequest>,
    ) -> Result<Response<ListUnknownFilesResponse>, Status> {
        Ok(Response::new(ListUnknownFilesResponse::default()))
    }

    async fn heartbeat(&self, _: Request<HeartbeatRequest>) -> Result<Response<HeartbeatResponse>, Status> {
        Ok(Response::new(HeartbeatResponse { verdict: proto::Verdict::Continue.into() }))
    }

    async fn add_tasks(&self, request: Request<AddTasksRequest>) -> Result<Response<AddTasksResponse>, Status> {
        let tasks = request.into_inner().tasks;
        assert!(tasks.len() <= 500);
        self.told().added.extend(tasks);
        Ok(Response::new(AddTasksResponse::default()))
    }

    async fn stage_file(&self, request: Request<StageFileRequest>) -> Result<Response<StageFileResponse>, Status> {
        self.told().staged.push(request.into_inner().key);
        Ok(Response::new(StageFileResponse::default()))
    }

    async fn commit(&self, request: Request<CommitRequest>) -> Result<Response<CommitResponse>, Status> {
        let commit = request.into_inner();
        let mut told = self.told();
        if commit.pin.is_some() {
            told.plan = Some(commit);
            let added = told.added.clone();
            told.queue.extend(added.into_iter().map(|task| (TaskKind::Work, task)));
            return Ok(Response::new(CommitResponse::default()));
        }
        assert!(commit.summary_json.len() <= 64 << 10);
        let ordinal = told.claimed[&commit.task.unwrap().task_id].ordinal;
        let CommitRequest { shards, files, summary_json, .. } = commit;
        told.committed.push(CommittedTask { ordinal, shards, files, summary_json });
        told.committed.sort_by_key(|task| task.ordinal);
        if told.committed.len() == told.added.len() {
            told.queue.push_back((TaskKind::Finish, NewTask { spec_json: "{}".into(), ..NewTask::default() }));
        }
        Ok(Response::new(CommitResponse::default()))
    }

    async fn list_committed(
        &self,
        _: Request<ListCommittedRequest>,
    ) -> Result<Response<ListCommittedResponse>, Status> {
        let tasks = self.told().committed.clone();
        Ok(Response::new(ListCommittedResponse { tasks, next_page_token: String::new() }))
    }

    async fn finish(&self, request: Request<FinishRequest>) -> Result<Response<FinishResponse>, Status> {
        self.told().finish = Some(request.into_inner());
        Ok(Response::new(FinishResponse::default()))
    }

    async fn fail(&self, _: Request<FailRequest>) -> Result<Response<FailResponse>, Status> {
        Err(Status::unimplemented("the tests look at the worker's error itself"))
    }

    async fn release(&self, _: Request<ReleaseRequest>) -> Result<Response<ReleaseResponse>, Status> {
        Err(Status::unimplemented("the tests look at the worker's error itself"))
    }
}
