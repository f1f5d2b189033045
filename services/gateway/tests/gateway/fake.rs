//! A catalog that does what its test tells it: the real wire, the contract's replay rules, and handles.

use dataset_model::{Dataset, Job, Problem, Reason, Statistics, Tokenization};
use dataset_proto::{
    DESCRIPTORS,
    catalog::{
        self as proto, dataset_event::Body, dataset_service_server, job_service_server, tokenization_service_server,
        watch_dataset_response::Item, watch_datasets_response::Item as SummaryItem, watch_service_server,
    },
    status::to_status,
};
use service_kit::{Lifecycle, serve_grpc};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, service::Routes};

/// What a test may need to see of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Call {
    Create(proto::DatasetServiceCreateRequest),
    List(proto::DatasetServiceListRequest),
    StartIngest(proto::StartIngestRequest),
    Tokenize(Box<proto::TokenizationServiceCreateRequest>),
    Jobs(proto::JobServiceListRequest),
    Retry(proto::JobServiceRetryRequest),
    Statistics(proto::GetStatisticsRequest),
    Watch(proto::WatchDatasetRequest),
}

type Watcher<T> = mpsc::Sender<Result<T, Status>>;

#[derive(Default)]
pub(crate) struct Inner {
    pub dataset: Option<Dataset>,
    pub tokenizations: Vec<Tokenization>,
    pub job: Option<Job>,
    pub statistics: Option<Statistics>,
    /// Jobs that a cancel finds running.
    pub running: Vec<String>,
    pub calls: Vec<Call>,
    /// Of the last look at a dataset.
    pub traceparent: String,
    /// The answer to every call, when set.
    pub refusal: Option<Problem>,
    events: Vec<proto::DatasetEvent>,
    watchers: Vec<Watcher<proto::WatchDatasetResponse>>,
    summary_watchers: Vec<Watcher<proto::WatchDatasetsResponse>>,
}

/// The handles.
#[derive(Clone)]
pub(crate) struct Fake {
    inner: Arc<Mutex<Inner>>,
    opened: watch::Sender<usize>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self { inner: Arc::default(), opened: watch::Sender::new(0) }
    }

    /// Serves on a port of its own until the lifecycle ends.
    pub(crate) async fn start(&self, lifecycle: &Lifecycle) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let routes = Routes::new(dataset_service_server::DatasetServiceServer::new(self.clone()))
            .add_service(tokenization_service_server::TokenizationServiceServer::new(self.clone()))
            .add_service(job_service_server::JobServiceServer::new(self.clone()))
            .add_service(watch_service_server::WatchServiceServer::new(self.clone()));
        let own = lifecycle.clone();
        lifecycle.spawn("fake catalog", async move {
            serve_grpc(listener, routes, DESCRIPTORS, &own).await.expect("serves");
        });
        address
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no test panics while it holds this")
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.lock().calls)
    }

    /// Waits until so many watch streams were opened since the start.
    pub(crate) async fn opened(&self, count: usize) {
        self.opened.subscribe().wait_for(|opened| *opened >= count).await.expect("the fake lives");
    }

    /// Something happens; false when nobody watches any more.
    pub(crate) async fn emit(&self, body: Body) -> bool {
        let (event, watchers) = {
            let mut inner = self.lock();
            let numbered = !matches!(body, Body::DownloadProgress(_) | Body::TokenizationProgress(_));
            let dataset = inner.dataset.as_mut().expect("a dataset");
            if numbered {
                dataset.event_seq += 1;
            }
            let event = proto::DatasetEvent {
                dataset_id: dataset.id.to_string(),
                seq: numbered.then_some(dataset.event_seq),
                at: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
                body: Some(body),
            };
            if numbered {
                inner.events.push(event.clone());
            }
            inner.watchers.retain(|watcher| !watcher.is_closed());
            (event, inner.watchers.clone())
        };
        let mut any = false;
        for watcher in watchers {
            any |= watcher.send(Ok(item(Item::Event(event.clone())))).await.is_ok();
        }
        any
    }

    /// Waits until every watch stream of a dataset is closed.
    pub(crate) async fn unwatched(&self) {
        let watchers = std::mem::take(&mut self.lock().watchers);
        for watcher in watchers {
            watcher.closed().await;
        }
    }

    /// The lines of the panel change.
    pub(crate) async fn emit_summary(&self, item: SummaryItem) {
        let watchers = self.lock().summary_watchers.clone();
        for watcher in watchers {
            let response = proto::WatchDatasetsResponse { item: Some(item.clone()) };
            watcher.send(Ok(response)).await.expect("the watcher lives");
        }
    }

    /// Ends all watch streams as a restart of the catalog would.
    pub(crate) async fn break_streams(&self) {
        let watchers = std::mem::take(&mut self.lock().watchers);
        for watcher in watchers {
            let _ = watcher.send(Err(Status::unavailable("going away"))).await;
        }
    }

    fn note(&self, call: Call) -> Result<MutexGuard<'_, Inner>, Status> {
        let mut inner = self.lock();
        inner.calls.push(call);
        refused(inner)
    }

    fn dataset(&self, id: &str) -> Result<Dataset, Status> {
        let inner = refused(self.lock())?;
        inner.dataset.clone().filter(|dataset| dataset.id.to_string() == id).ok_or_else(not_found)
    }
}

fn refused(inner: MutexGuard<'_, Inner>) -> Result<MutexGuard<'_, Inner>, Status> {
    if let Some(problem) = &inner.refusal {
        return Err(to_status(problem));
    }
    Ok(inner)
}

fn not_found() -> Status {
    to_status(&Problem::new(Reason::NotFound, "no such thing"))
}

fn item(item: Item) -> proto::WatchDatasetResponse {
    proto::WatchDatasetResponse { item: Some(item) }
}

/// A line of the panel.
pub(crate) fn summary(dataset: &Dataset) -> proto::DatasetSummary {
    proto::DatasetSummary {
        id: dataset.id.to_string(),
        name: dataset.name.clone(),
        repo_id: dataset.repo_id.to_string(),
        status: proto::DatasetStatus::from(dataset.status).into(),
        seq: dataset.event_seq,
        ..Default::default()
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl dataset_service_server::DatasetService for Fake {
    async fn create(
        &self,
        r: Request<proto::DatasetServiceCreateRequest>,
    ) -> Answer<proto::DatasetServiceCreateResponse> {
        let inner = self.note(Call::Create(r.into_inner()))?;
        Ok(Response::new(proto::DatasetServiceCreateResponse { dataset: inner.dataset.clone().map(Into::into) }))
    }

    async fn get(&self, r: Request<proto::DatasetServiceGetRequest>) -> Answer<proto::DatasetServiceGetResponse> {
        let traceparent = r.metadata().get("traceparent").map(|value| value.to_str().expect("ASCII").to_owned());
        self.lock().traceparent = traceparent.unwrap_or_default();
        let dataset = self.dataset(&r.into_inner().id)?;
        Ok(Response::new(proto::DatasetServiceGetResponse { dataset: Some(dataset.into()) }))
    }

    async fn list(&self, r: Request<proto::DatasetServiceListRequest>) -> Answer<proto::DatasetServiceListResponse> {
        let inner = self.note(Call::List(r.into_inner()))?;
        let datasets: Vec<proto::Dataset> = inner.dataset.iter().cloned().map(Into::into).collect();
        let total = datasets.len() as u64;
        let count = |status: proto::DatasetStatus, count| proto::StatusCount { status: status.into(), count };
        let counts = vec![count(proto::DatasetStatus::Ready, 1), count(proto::DatasetStatus::Failed, 2)];
        let next_page_token = String::new();
        Ok(Response::new(proto::DatasetServiceListResponse { datasets, total, next_page_token, counts }))
    }

    async fn start_ingest(&self, r: Request<proto::StartIngestRequest>) -> Answer<proto::StartIngestResponse> {
        let inner = self.note(Call::StartIngest(r.into_inner()))?;
        let job_id = inner.job.as_ref().expect("a job").id.to_string();
        Ok(Response::new(proto::StartIngestResponse { job_id }))
    }

    async fn cancel(
        &self,
        r: Request<proto::DatasetServiceCancelRequest>,
    ) -> Answer<proto::DatasetServiceCancelResponse> {
        self.dataset(&r.into_inner().id)?;
        Ok(Response::new(proto::DatasetServiceCancelResponse { job_ids: std::mem::take(&mut self.lock().running) }))
    }

    async fn delete(
        &self,
        r: Request<proto::DatasetServiceDeleteRequest>,
    ) -> Answer<proto::DatasetServiceDeleteResponse> {
        self.dataset(&r.into_inner().id)?;
        self.lock().dataset = None;
        Ok(Response::new(proto::DatasetServiceDeleteResponse {}))
    }

    async fn register_upload(&self, _: Request<proto::RegisterUploadRequest>) -> Answer<proto::RegisterUploadResponse> {
        Err(Status::unimplemented("the gateway registers no files"))
    }

    async fn list_shards(&self, _: Request<proto::ListShardsRequest>) -> Answer<proto::ListShardsResponse> {
        Err(Status::unimplemented("the gateway reads no shards"))
    }
}

#[tonic::async_trait]
impl tokenization_service_server::TokenizationService for Fake {
    async fn create(
        &self,
        r: Request<proto::TokenizationServiceCreateRequest>,
    ) -> Answer<proto::TokenizationServiceCreateResponse> {
        let inner = self.note(Call::Tokenize(Box::new(r.into_inner())))?;
        let tokenization = inner.tokenizations[0].clone();
        let job_id = tokenization.job_id.to_string();
        let tokenization = Some(tokenization.into());
        Ok(Response::new(proto::TokenizationServiceCreateResponse { tokenization, job_id, reused: true }))
    }

    async fn get(
        &self,
        r: Request<proto::TokenizationServiceGetRequest>,
    ) -> Answer<proto::TokenizationServiceGetResponse> {
        let (inner, id) = (refused(self.lock())?, r.into_inner().id);
        let found = inner.tokenizations.iter().find(|tokenization| tokenization.id.to_string() == id).cloned();
        let tokenization = Some(found.ok_or_else(not_found)?.into());
        Ok(Response::new(proto::TokenizationServiceGetResponse { tokenization }))
    }

    async fn list(
        &self,
        _: Request<proto::TokenizationServiceListRequest>,
    ) -> Answer<proto::TokenizationServiceListResponse> {
        let tokenizations = refused(self.lock())?.tokenizations.iter().cloned().map(Into::into).collect();
        Ok(Response::new(proto::TokenizationServiceListResponse { tokenizations }))
    }

    async fn get_statistics(&self, r: Request<proto::GetStatisticsRequest>) -> Answer<proto::GetStatisticsResponse> {
        let inner = self.note(Call::Statistics(r.into_inner()))?;
        let statistics = inner.statistics.clone().map(Into::into);
        Ok(Response::new(proto::GetStatisticsResponse { tokenization_id: String::new(), statistics }))
    }

    async fn cancel(
        &self,
        _: Request<proto::TokenizationServiceCancelRequest>,
    ) -> Answer<proto::TokenizationServiceCancelResponse> {
        drop(refused(self.lock())?);
        Ok(Response::new(proto::TokenizationServiceCancelResponse { job_id: String::new() }))
    }

    async fn delete(
        &self,
        _: Request<proto::TokenizationServiceDeleteRequest>,
    ) -> Answer<proto::TokenizationServiceDeleteResponse> {
        drop(refused(self.lock())?);
        Ok(Response::new(proto::TokenizationServiceDeleteResponse {}))
    }
}

#[tonic::async_trait]
impl job_service_server::JobService for Fake {
    async fn get(&self, _: Request<proto::JobServiceGetRequest>) -> Answer<proto::JobServiceGetResponse> {
        Ok(Response::new(proto::JobServiceGetResponse { job: refused(self.lock())?.job.clone().map(Into::into) }))
    }

    async fn list(&self, r: Request<proto::JobServiceListRequest>) -> Answer<proto::JobServiceListResponse> {
        let inner = self.note(Call::Jobs(r.into_inner()))?;
        let jobs = inner.job.iter().cloned().map(Into::into).collect();
        Ok(Response::new(proto::JobServiceListResponse { jobs, total: 1, next_page_token: String::new() }))
    }

    async fn cancel(&self, _: Request<proto::JobServiceCancelRequest>) -> Answer<proto::JobServiceCancelResponse> {
        Err(Status::unimplemented("not part of the REST surface"))
    }

    async fn retry(&self, r: Request<proto::JobServiceRetryRequest>) -> Answer<proto::JobServiceRetryResponse> {
        let inner = self.note(Call::Retry(r.into_inner()))?;
        let job_id = inner.job.as_ref().expect("a job").id.to_string();
        Ok(Response::new(proto::JobServiceRetryResponse { job_id }))
    }
}

#[tonic::async_trait]
impl watch_service_server::WatchService for Fake {
    type WatchDatasetStream = ReceiverStream<Result<proto::WatchDatasetResponse, Status>>;
    type WatchDatasetsStream = ReceiverStream<Result<proto::WatchDatasetsResponse, Status>>;

    /// As the contract says: what was missed, a snapshot, then what happens.
    async fn watch_dataset(&self, r: Request<proto::WatchDatasetRequest>) -> Answer<Self::WatchDatasetStream> {
        let request = r.into_inner();
        let dataset = self.dataset(&request.dataset_id)?;
        let mut inner = self.note(Call::Watch(request.clone()))?;
        let (sender, receiver) = mpsc::channel(4096);
        let missed = inner.events.iter().filter(|event| request.since_seq.is_some_and(|since| event.seq > Some(since)));
        let snapshot = proto::DatasetSnapshot {
            seq: dataset.event_seq,
            reset: false,
            last_terminal: inner.events.last().filter(|_| request.since_seq.is_none()).cloned(),
            dataset: Some(dataset.into()),
        };
        for first in missed.cloned().map(Item::Event).chain([Item::Snapshot(snapshot)]) {
            sender.try_send(Ok(item(first))).expect("room for the replay");
        }
        inner.watchers.retain(|watcher| !watcher.is_closed());
        inner.watchers.push(sender);
        self.opened.send_modify(|opened| *opened += 1);
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn watch_datasets(&self, _: Request<proto::WatchDatasetsRequest>) -> Answer<Self::WatchDatasetsStream> {
        let mut inner = refused(self.lock())?;
        let (sender, receiver) = mpsc::channel(4096);
        let lines = inner.dataset.iter().map(|dataset| SummaryItem::Summary(summary(dataset)));
        for first in lines.chain([SummaryItem::Synchronized(true)]) {
            sender.try_send(Ok(proto::WatchDatasetsResponse { item: Some(first) })).expect("room for all lines");
        }
        inner.summary_watchers.push(sender);
        self.opened.send_modify(|opened| *opened += 1);
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}
