//! A catalog over a real database, a user and workers: all of them speak through the services themselves.

use catalog::{
    Config,
    catalog::Catalog,
    service::{datasets::Datasets, jobs::Jobs, tasks::Tasks, tokenizations::Tokenizations},
    store,
};
use dataset_model::{AttemptId, Problem};
use dataset_proto::{
    catalog::{
        self as proto, dataset_service_server::DatasetService as _, job_service_server::JobService as _,
        task_service_server::TaskService as _,
    },
    status::from_status,
};
use serde_json::json;
use service_kit::Secret;
use sqlx::PgPool;
use test_kit::TestDatabase;
use tonic::{Request, Response, Status};

/// One catalog of the test's own.
pub(crate) struct Rig {
    pub(crate) catalog: Catalog,
    pub(crate) pool: PgPool,
    pub(crate) database: TestDatabase,
}

pub(crate) type Answer<T> = Result<T, Problem>;

pub(crate) fn answer<T>(result: Result<Response<T>, Status>) -> Answer<T> {
    result.map(Response::into_inner).map_err(|status| from_status(&status))
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let database = test_kit::postgres().await;
        let mut config = Config::default();
        config.database.url = Secret::new(database.url());
        config.database.max_connections = 8;
        config.jobs.retry_seconds = 0.0;
        change(&mut config);
        let pool = catalog::catalog::pool(&config).unwrap();
        store::migrate(&pool).await.unwrap();
        Self { catalog: Catalog::new(pool.clone(), None, &config), pool, database }
    }

    pub(crate) fn datasets(&self) -> Datasets {
        Datasets(self.catalog.clone())
    }

    /// Without tokenizers.
    pub(crate) fn jobs(&self) -> Jobs {
        Jobs { catalog: self.catalog.clone(), tokenizations: self.tokenizations("http://127.0.0.1:1") }
    }

    /// Starts the work of a job again.
    pub(crate) async fn retry(jobs: &Jobs, id: &str) -> Answer<String> {
        let request = proto::JobServiceRetryRequest { id: id.into() };
        answer(jobs.retry(Request::new(request)).await).map(|answer| answer.job_id)
    }

    pub(crate) fn tasks(&self) -> Tasks {
        Tasks(self.catalog.clone())
    }

    /// Tokenizers at `url`.
    pub(crate) fn tokenizations(&self, url: &str) -> Tokenizations {
        Tokenizations { catalog: self.catalog.clone(), tokenizers: service_kit::channel(url).unwrap() }
    }

    /// Registers a dataset of this repository.
    pub(crate) async fn create(&self, repo_id: &str) -> String {
        let request = proto::DatasetServiceCreateRequest { repo_id: repo_id.into(), ..Default::default() };
        answer(self.datasets().create(Request::new(request)).await).unwrap().dataset.unwrap().id
    }

    pub(crate) async fn get(&self, id: &str) -> Answer<proto::Dataset> {
        let request = proto::DatasetServiceGetRequest { id: id.into() };
        answer(self.datasets().get(Request::new(request)).await).map(|answer| answer.dataset.unwrap())
    }

    pub(crate) async fn start(&self, id: &str) -> Answer<String> {
        self.start_with(proto::StartIngestRequest { dataset_id: id.into(), ..Default::default() }).await
    }

    pub(crate) async fn start_with(&self, request: proto::StartIngestRequest) -> Answer<String> {
        answer(self.datasets().start_ingest(Request::new(request)).await).map(|answer| answer.job_id)
    }

    pub(crate) async fn cancel(&self, id: &str) -> Answer<Vec<String>> {
        let request = proto::DatasetServiceCancelRequest { id: id.into() };
        answer(self.datasets().cancel(Request::new(request)).await).map(|answer| answer.job_ids)
    }

    pub(crate) async fn delete(&self, id: &str) -> Answer<()> {
        let request = proto::DatasetServiceDeleteRequest { id: id.into() };
        answer(self.datasets().delete(Request::new(request)).await).map(drop)
    }

    pub(crate) async fn job(&self, id: &str) -> proto::Job {
        let request = proto::JobServiceGetRequest { id: id.into() };
        answer(self.jobs().get(Request::new(request)).await).unwrap().job.unwrap()
    }

    /// Claims the next ingest task.
    pub(crate) async fn claim(&self) -> Option<Worker> {
        self.claim_as(proto::JobKind::Ingest, AttemptId::new()).await
    }

    pub(crate) async fn claim_as(&self, kind: proto::JobKind, attempt: AttemptId) -> Option<Worker> {
        let request =
            proto::ClaimAnyRequest { kind: kind.into(), attempt_uuid: attempt.to_string(), worker: "test".to_owned() };
        let task = answer(self.tasks().claim_any(Request::new(request)).await).unwrap().task?;
        Some(Worker { tasks: self.tasks(), task })
    }

    /// The events of a dataset: (seq, type), by number.
    pub(crate) async fn events(&self, id: &str) -> Vec<(i64, String)> {
        sqlx::query_as("SELECT seq, type FROM events WHERE dataset_id = $1::uuid ORDER BY seq")
            .bind(id)
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    /// Panics unless the numbers are 1, 2, 3, … and the dataset knows the last.
    pub(crate) async fn assert_dense(&self, id: &str) {
        let numbers: Vec<i64> = self.events(id).await.into_iter().map(|(seq, _)| seq).collect();
        assert_eq!(numbers, (1..=i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    }

    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.pool).await.unwrap()
    }

    pub(crate) async fn run(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.pool).await.unwrap();
    }

    /// A dataset whose ingest is planned into `count` work tasks of one split.
    pub(crate) async fn planned(&self, repo_id: &str, count: u32) -> (String, String) {
        let id = self.create(repo_id).await;
        let job = self.start(&id).await.unwrap();
        let plan = self.claim().await.unwrap();
        plan.add_tasks(count).await.unwrap();
        plan.commit_plan(&["train"]).await.unwrap();
        (id, job)
    }

    /// A ready dataset with one shard for each of `rows`, in that order.
    pub(crate) async fn ready(&self, repo_id: &str, rows: &[u64]) -> (String, String) {
        let (id, job) = self.planned(repo_id, u32::try_from(rows.len()).unwrap()).await;
        while let Some(worker) = self.claim().await {
            if worker.task.kind() == proto::TaskKind::Finish {
                worker.finish_ingest().await.unwrap();
                break;
            }
            worker.commit(&[worker.shard(0, rows[worker.task.ordinal as usize])]).await.unwrap();
        }
        (id, job)
    }
}

/// A worker with a claimed task.
#[derive(Clone)]
pub(crate) struct Worker {
    tasks: Tasks,
    pub(crate) task: proto::ClaimedTask,
}

impl Worker {
    pub(crate) fn reference(&self) -> Option<proto::TaskRef> {
        self.task.task.clone()
    }

    /// The n-th shard of this attempt; its digest depends on the attempt, as a name does.
    pub(crate) fn shard(&self, n: u32, row_count: u64) -> proto::Shard {
        let reference = self.reference().unwrap();
        let mut sha256 = vec![u8::try_from(self.task.ordinal).unwrap(); 32];
        sha256[0] = u8::try_from(n).unwrap();
        proto::Shard {
            key: format!(
                "datasets/t/{}/raw/0-{}-{n}.{}.arrow",
                self.task.dataset_id,
                self.task.ordinal,
                &reference.attempt_uuid[28..]
            ),
            split: "train".into(),
            n,
            row_count,
            size_bytes: row_count * 10,
            sha256,
            batch_digests: vec![7; 16].into(),
            ..Default::default()
        }
    }

    pub(crate) async fn add_tasks(&self, count: u32) -> Answer<()> {
        let task = |ordinal| proto::NewTask { ordinal, spec_json: json!({"file": ordinal}).to_string(), total: 100 };
        let request = proto::AddTasksRequest { task: self.reference(), tasks: (0..count).map(task).collect() };
        answer(self.tasks.add_tasks(Request::new(request)).await).map(drop)
    }

    pub(crate) async fn commit_plan(&self, splits: &[&str]) -> Answer<()> {
        let pin = proto::SourcePin {
            commit_sha: "c0ffee".into(),
            config: "default".into(),
            splits: splits.iter().map(ToString::to_string).collect(),
            source_bytes: 1000,
            metadata_json: r#"{"files": 2}"#.into(),
        };
        let request = proto::CommitRequest { task: self.reference(), pin: Some(pin), ..Default::default() };
        answer(self.tasks.commit(Request::new(request)).await).map(drop)
    }

    pub(crate) async fn commit(&self, shards: &[proto::Shard]) -> Answer<()> {
        let request = proto::CommitRequest { task: self.reference(), shards: shards.to_vec(), ..Default::default() };
        answer(self.tasks.commit(Request::new(request)).await).map(drop)
    }

    pub(crate) async fn stage(&self, key: &str, kind: proto::FileKind) -> Answer<()> {
        let request = proto::StageFileRequest { task: self.reference(), key: key.into(), kind: kind.into() };
        answer(self.tasks.stage_file(Request::new(request)).await).map(drop)
    }

    pub(crate) async fn committed(&self) -> Answer<Vec<proto::CommittedTask>> {
        let request = proto::ListCommittedRequest { task: self.reference(), ..Default::default() };
        answer(self.tasks.list_committed(Request::new(request)).await).map(|answer| answer.tasks)
    }

    pub(crate) async fn finish_ingest(&self) -> Answer<()> {
        let schema = json!({"fields": [{"name": "text", "data_type": "Utf8"}], "metadata": {}});
        let request = proto::FinishRequest {
            task: self.reference(),
            schema_json: Some(schema.to_string()),
            ..Default::default()
        };
        answer(self.tasks.finish(Request::new(request)).await).map(drop)
    }

    pub(crate) async fn finish(&self, request: proto::FinishRequest) -> Answer<()> {
        let request = proto::FinishRequest { task: self.reference(), ..request };
        answer(self.tasks.finish(Request::new(request)).await).map(drop)
    }

    pub(crate) async fn fail(&self, problem: Problem) -> Answer<()> {
        self.fail_with(problem, None).await
    }

    pub(crate) async fn fail_with(&self, problem: Problem, documents_too_many: Option<u32>) -> Answer<()> {
        let request = proto::FailRequest { task: self.reference(), problem: Some(problem.into()), documents_too_many };
        answer(self.tasks.fail(Request::new(request)).await).map(drop)
    }

    pub(crate) async fn release(&self) -> Answer<()> {
        let request = proto::ReleaseRequest { task: self.reference(), not_before: None };
        answer(self.tasks.release(Request::new(request)).await).map(drop)
    }

    pub(crate) async fn beat(&self, progress: proto::Progress) -> proto::Verdict {
        let request = proto::HeartbeatRequest { task: self.reference(), progress: Some(progress) };
        answer(self.tasks.heartbeat(Request::new(request)).await).unwrap().verdict()
    }
}
