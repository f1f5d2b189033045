//! A platform of its own for a test, with short times: start, stop, crash, start again.

use crate::{api::Api, feed::Feed, feed::Item, repos};
use anyhow::{Context, Result, bail, ensure};
use catalog_client::{CatalogClient, request};
use dataset_model::{Dataset, DatasetId, Job, JobId, JobState, Tokenization, TokenizationId};
use dataset_proto::catalog::JobServiceGetRequest;
use reqwest::StatusCode;
use serde_json::{Value, json};
use service_kit::{Lifecycle, Telemetry};
use sqlx::{PgPool, postgres::PgPoolOptions};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tempfile::TempDir;
use test_kit::{
    TestDatabase, TestNats,
    fake_hub::{Control, FakeHub},
};
use tokenmill::{Addresses, Platform, Sockets};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Nothing in these tests takes longer, so a wait that long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// Platforms side by side would measure each other, also under a runner that uses threads.
static ALONE: LazyLock<Arc<AsyncMutex<()>>> = LazyLock::new(Arc::default);
/// Shown when a test fails.
static LOGS: OnceLock<Telemetry> = OnceLock::new();
/// In every setting where a Hub token goes; it may be seen nowhere else.
pub(crate) const CANARY: &str = "hf_canaryCANARYcanaryCANARYcanaryCA";

/// What a test wants other than usual.
#[derive(Debug, Default)]
pub struct Options {
    /// The folder that the Hub serves; none = the sample data.
    pub hub: Option<PathBuf>,
    /// Settings above the rig's own.
    pub settings: Value,
    /// Where shards lie; none = a fresh folder.
    pub data_dir: Option<PathBuf>,
}

/// Hub, servers and platform of one test.
#[derive(Debug)]
pub struct Rig {
    pub control: Control,
    pub database: TestDatabase,
    /// Straight into the catalog's database.
    pub pool: PgPool,
    pub nats: TestNats,
    pub data_dir: PathBuf,
    settings: Value,
    running: Option<Running>,
    acknowledged: Mutex<Vec<Acknowledged>>,
    has_doorbells: bool,
    _hub: FakeHub,
    hub_root: PathBuf,
    folder: TempDir,
    _alone: OwnedMutexGuard<()>,
}

/// A job that the platform answered for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Acknowledged {
    pub(crate) dataset: DatasetId,
    pub(crate) tokenization: Option<TokenizationId>,
    pub(crate) job: JobId,
}

#[derive(Debug)]
struct Running {
    /// None: the services are processes of their own.
    platform: Option<(Platform, Lifecycle)>,
    api: Api,
    catalog: CatalogClient,
    flight: String,
}

impl Rig {
    /// The sample data on the Hub.
    pub async fn start() -> Result<Self> {
        Self::with(Options::default()).await
    }

    /// A Hub of `acme/english` with these splits.
    pub async fn small(splits: &[&str]) -> Result<Self> {
        Self::small_with(splits, Value::Null).await
    }

    pub async fn small_with(splits: &[&str], settings: Value) -> Result<Self> {
        let mut rig = Self::unstarted(Options { settings, ..Options::default() }, Some(splits)).await?;
        rig.resume().await?;
        Ok(rig)
    }

    pub async fn with(options: Options) -> Result<Self> {
        let mut rig = Self::unstarted(options, None).await?;
        rig.resume().await?;
        Ok(rig)
    }

    /// Everything but the platform.
    pub async fn unstarted(options: Options, splits: Option<&[&str]>) -> Result<Self> {
        let alone = ALONE.clone().lock_owned().await;
        LOGS.get_or_init(|| Telemetry::install("e2e", &tokio::runtime::Handle::current()));
        let folder = tempfile::tempdir()?;
        let root = match (splits, options.hub) {
            (Some(splits), _) => repos::small_hub(&folder.path().join("hub"), splits)?,
            (None, Some(root)) => root,
            (None, None) => test_kit::sample_hub(),
        };
        let (hub, control) = FakeHub::start(&root).await?;
        let (database, nats) = (test_kit::postgres().await, test_kit::nats().await);
        let pool = PgPoolOptions::new().max_connections(4).connect(database.url()).await?;
        let data_dir = options.data_dir.unwrap_or_else(|| folder.path().join("data"));
        let mut settings = json!({
            "database": { "url": database.url() },
            "nats": { "url": nats.url() },
            "storage": { "data_dir": data_dir, "delete_grace_seconds": 0 },
            "jobs": {
                "lease_seconds": 3, "heartbeat_seconds": 0.2, "reconcile_seconds": 0.5, "max_tries": 3,
                "retry_seconds": 1, "poll_seconds": 1,
            },
            "limits": { "free_space_bytes": 0 },
            "hub": { "endpoint": hub.endpoint(), "token": CANARY, "offline": false },
        });
        lay(&mut settings, &options.settings);
        let acknowledged = Mutex::default();
        Ok(Self {
            control,
            database,
            pool,
            nats,
            data_dir,
            settings,
            running: None,
            acknowledged,
            has_doorbells: true,
            _hub: hub,
            hub_root: root,
            folder,
            _alone: alone,
        })
    }

    /// Starts the platform on the data that is there, and waits until it is ready.
    pub async fn resume(&mut self) -> Result<()> {
        let doors = Lifecycle::new();
        let sockets = Sockets::bind(Addresses::any()).await?;
        let mut platform = Platform::start(sockets, None, &self.settings, doors.clone())?;
        let [catalog, gateway, flight] = ["catalog", "gateway", "flight"].map(|name| platform.url(name).to_owned());
        self.connect(&catalog, &gateway, &flight)?;
        tokio::select! {
            ended = platform.ended() => bail!("the platform ended at once: {ended:?}"),
            () = self.ready() => {}
        }
        self.running_mut()?.platform = Some((platform, doors));
        Ok(())
    }

    /// Speaks to services that were started elsewhere.
    pub(crate) fn connect(&mut self, catalog: &str, gateway: &str, flight: &str) -> Result<()> {
        let (api, catalog) = (Api::new(gateway)?, CatalogClient::new(service_kit::channel(catalog)?));
        self.running = Some(Running { platform: None, api, catalog, flight: flight.replace("http://", "grpc://") });
        Ok(())
    }

    pub async fn ready(&self) {
        let is_ready = async || self.api().is_ready().await;
        test_kit::wait_until(Duration::from_secs(30), "the gateway is ready", is_ready).await;
    }

    /// Stops in good order, as SIGTERM does. Must be quick: nothing waits for work to end.
    pub async fn stop(&mut self) -> Result<()> {
        let running = self.running.take().context("nothing runs")?;
        if let Some((platform, _)) = running.platform {
            tokio::time::timeout(Duration::from_secs(25), platform.stop()).await.context("a graceful stop hangs")?;
        }
        Ok(())
    }

    /// Drops the workers where they are: they neither finish nor say goodbye.
    pub async fn crash(&mut self) -> Result<()> {
        if let Some((_, doors)) = &self.running_mut()?.platform {
            doors.hard().cancel();
        }
        self.stop().await
    }

    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.resume().await
    }

    /// Changes settings for the next start.
    pub fn set(&mut self, over: &Value) {
        lay(&mut self.settings, over);
    }

    /// Says that NATS is out of reach for the whole test, so that doorbells stay where they are.
    pub fn no_doorbells(&mut self) {
        self.has_doorbells = false;
    }

    pub(crate) fn has_doorbells(&self) -> bool {
        self.has_doorbells
    }

    /// A folder that goes with the test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder that the Hub serves.
    pub fn hub_root(&self) -> &Path {
        &self.hub_root
    }

    pub fn settings(&self) -> &Value {
        &self.settings
    }

    pub fn api(&self) -> &Api {
        &self.running().api
    }

    pub fn catalog(&self) -> &CatalogClient {
        &self.running().catalog
    }

    /// Where pyarrow reads.
    pub fn flight(&self) -> String {
        self.running().flight.clone()
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap_or_else(|| panic!("the test stopped the platform"))
    }

    fn running_mut(&mut self) -> Result<&mut Running> {
        self.running.as_mut().context("nothing runs")
    }

    /// Registers a repository over REST.
    pub async fn create(&self, repo: &str) -> Result<DatasetId> {
        let answer = self.api().post("/datasets", &json!({ "repo_id": repo })).await?.expect(StatusCode::CREATED)?;
        id(&answer["id"])
    }

    /// Starts the download over REST.
    pub async fn download(&self, dataset: DatasetId) -> Result<JobId> {
        let path = format!("/datasets/{dataset}/download");
        let answer = self.api().post(&path, &json!({})).await?.expect(StatusCode::ACCEPTED)?;
        let job = id(&answer["job_id"])?;
        self.acknowledge(dataset, job);
        Ok(job)
    }

    /// Starts a tokenization over REST.
    pub async fn tokenize(&self, dataset: DatasetId, config: &Value) -> Result<(TokenizationId, JobId)> {
        let path = format!("/datasets/{dataset}/tokenize");
        let answer = self.api().post(&path, config).await?.expect(StatusCode::ACCEPTED)?;
        let job = id(&answer["job_id"])?;
        let tokenization = id(&answer["tokenization_id"])?;
        self.remember(Acknowledged { dataset, tokenization: Some(tokenization), job });
        Ok((tokenization, job))
    }

    /// Remembers a job that the platform answered for: it must reach an end.
    pub fn acknowledge(&self, dataset: DatasetId, job: JobId) {
        self.remember(Acknowledged { dataset, tokenization: None, job });
    }

    fn remember(&self, acknowledged: Acknowledged) {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).push(acknowledged);
    }

    pub(crate) fn acknowledged(&self) -> Vec<Acknowledged> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Registers, downloads and waits until it is ready.
    pub async fn ingest(&self, repo: &str) -> Result<Dataset> {
        let dataset = self.create(repo).await?;
        let job = self.download(dataset).await?;
        self.succeeded(dataset, job).await?;
        self.dataset(dataset).await
    }

    pub async fn dataset(&self, id: DatasetId) -> Result<Dataset> {
        Ok(self.catalog().get_dataset(id).await?)
    }

    pub async fn tokenization(&self, id: TokenizationId) -> Result<Tokenization> {
        Ok(self.catalog().get_tokenization(id).await?)
    }

    pub async fn job(&self, id: JobId) -> Result<Job> {
        let message = JobServiceGetRequest { id: id.to_string() };
        let answer = self.catalog().jobs().get(request(message)).await?.into_inner();
        Ok(answer.job.context("no job")?.try_into()?)
    }

    pub async fn watch(&self, dataset: DatasetId) -> Result<Feed> {
        Feed::open(self.catalog(), dataset, None).await
    }

    /// Follows the feed until the job has ended.
    pub async fn ended(&self, dataset: DatasetId, job: JobId) -> Result<Job> {
        let follow = async {
            let mut feed = self.watch(dataset).await?;
            loop {
                // Read afresh at each sign of change; a snapshot comes first, so that an end before it is seen too.
                let seen = match feed.next().await? {
                    Item::Snapshot { .. } => true,
                    Item::Event { event, .. } => event.is_terminal(),
                };
                if seen {
                    let job = self.job(job).await?;
                    if job.state.is_terminal() {
                        return Ok(job);
                    }
                }
            }
        };
        match tokio::time::timeout(PATIENCE, follow).await {
            Ok(job) => job,
            Err(_) => bail!("the job has not ended after {PATIENCE:?}:\n{}", self.tasks(job).await?),
        }
    }

    pub async fn succeeded(&self, dataset: DatasetId, job: JobId) -> Result<Job> {
        let job = self.ended(dataset, job).await?;
        ensure!(job.state == JobState::Succeeded, "{job:#?}");
        Ok(job)
    }

    /// The state of a job's tasks, for a person.
    async fn tasks(&self, job: JobId) -> Result<String> {
        let lines: Vec<String> = sqlx::query_scalar(
            "SELECT concat_ws(' ', kind, ordinal, state, 'attempt', attempt, 'failures', failures, 'crashes', crashes,
                 'held_by', held_by, 'due in', next_run_at - clock_timestamp(), progress)
             FROM tasks WHERE job_id = $1 ORDER BY id",
        )
        .bind(job.0)
        .fetch_all(&self.pool)
        .await?;
        Ok(lines.join("\n"))
    }
}

/// An id out of an answer.
pub(crate) fn id<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(value: &Value) -> Result<T> {
    Ok(value.as_str().context("no id")?.parse()?)
}

/// Lays `over` on top of `base`, section by section.
fn lay(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                lay(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (base, over) => *base = over.clone(),
    }
}
