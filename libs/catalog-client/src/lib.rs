//! The gRPC client of the catalog: deadlines, trace context, failures as [`Problem`], and [`Claim`], the worker's hold
//! on a task.

mod claim;
mod retry;

pub use claim::{Claim, ClaimedTask, Commit, CommittedTask, FileKind, Finish, NewTask, SourcePin, TaskError};

use dataset_model::{Dataset, DatasetId, Problem, Reason, Shard, Tokenization, TokenizationId};
use dataset_proto::{
    Required,
    catalog::{
        DatasetServiceGetRequest, ListShardsRequest, ListUnknownFilesRequest, RegisterUploadRequest,
        RegisterUploadResponse, TokenizationServiceGetRequest, dataset_service_client::DatasetServiceClient,
        job_service_client::JobServiceClient, list_shards_request::Owner, task_service_client::TaskServiceClient,
        tokenization_service_client::TokenizationServiceClient, watch_service_client::WatchServiceClient,
    },
    status::from_status,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, service::Interceptor, service::interceptor::InterceptedService, transport::Channel};

/// How long a unary call may take.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How long an answer is worth asking for that somebody waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A channel that carries the current span's trace context.
pub type Traced = InterceptedService<Channel, TraceContext>;

/// Writes the W3C `traceparent` of the current span into the metadata.
#[derive(Debug, Clone, Copy)]
pub struct TraceContext;

impl Interceptor for TraceContext {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let parent = service_kit::traceparent();
        if !parent.is_empty()
            && let Ok(value) = parent.parse()
        {
            request.metadata_mut().insert("traceparent", value);
        }
        Ok(request)
    }
}

/// A message with the deadline of a unary call.
pub fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    request
}

/// Whose shards.
#[derive(Debug, Clone, Copy)]
pub enum ShardOwner {
    Dataset(DatasetId),
    Tokenization(TokenizationId),
}

/// The catalog's services over one channel. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CatalogClient {
    channel: Channel,
}

impl CatalogClient {
    pub fn new(channel: Channel) -> Self {
        Self { channel }
    }

    pub fn datasets(&self) -> DatasetServiceClient<Traced> {
        DatasetServiceClient::with_interceptor(self.channel.clone(), TraceContext)
    }

    pub fn tokenizations(&self) -> TokenizationServiceClient<Traced> {
        TokenizationServiceClient::with_interceptor(self.channel.clone(), TraceContext)
    }

    pub fn jobs(&self) -> JobServiceClient<Traced> {
        JobServiceClient::with_interceptor(self.channel.clone(), TraceContext)
    }

    pub fn tasks(&self) -> TaskServiceClient<Traced> {
        TaskServiceClient::with_interceptor(self.channel.clone(), TraceContext)
    }

    pub fn watch(&self) -> WatchServiceClient<Traced> {
        WatchServiceClient::with_interceptor(self.channel.clone(), TraceContext)
    }

    pub async fn get_dataset(&self, id: DatasetId) -> Result<Dataset, Problem> {
        let answer = self.datasets().get(request(DatasetServiceGetRequest { id: id.to_string() })).await;
        let message = answer.map_err(|status| from_status(&status))?.into_inner();
        Ok(message.dataset.required("dataset")?.try_into()?)
    }

    pub async fn get_tokenization(&self, id: TokenizationId) -> Result<Tokenization, Problem> {
        let answer = self.tokenizations().get(request(TokenizationServiceGetRequest { id: id.to_string() })).await;
        let message = answer.map_err(|status| from_status(&status))?.into_inner();
        Ok(message.tokenization.required("tokenization")?.try_into()?)
    }

    /// Registers uploaded files and starts their ingest, or only checks what can be checked before. Asked again while
    /// the catalog does not answer: a retryable problem means that it may have taken them.
    pub async fn register_upload(&self, message: RegisterUploadRequest) -> Result<RegisterUploadResponse, Problem> {
        let never = CancellationToken::new();
        let asked = retry::until_answered(&never, || {
            let (mut client, message) = (self.datasets(), message.clone());
            async move { client.register_upload(request(message)).await }
        });
        let late = |_| Err(Problem::new(Reason::Overloaded, "the catalog does not answer"));
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(late)
    }

    /// Those of at most 1000 storage keys that nothing in the catalog knows.
    pub async fn list_unknown_files(&self, keys: Vec<String>) -> Result<Vec<String>, Problem> {
        let answer = self.tasks().list_unknown_files(request(ListUnknownFilesRequest { keys })).await;
        Ok(answer.map_err(|status| from_status(&status))?.into_inner().keys)
    }

    /// All committed shards in order; of a dataset, those of one split or of all.
    pub async fn list_shards(&self, owner: ShardOwner, split: Option<&str>) -> Result<Vec<Shard>, Problem> {
        let owner = match owner {
            ShardOwner::Dataset(id) => Owner::DatasetId(id.to_string()),
            ShardOwner::Tokenization(id) => Owner::TokenizationId(id.to_string()),
        };
        let mut shards = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = ListShardsRequest {
                owner: Some(owner.clone()),
                split: split.map(str::to_owned),
                page_size: 100,
                page_token,
            };
            let answer = self.datasets().list_shards(request(page)).await;
            let message = answer.map_err(|status| from_status(&status))?.into_inner();
            for shard in message.shards {
                shards.push(shard.try_into()?);
            }
            if message.next_page_token.is_empty() {
                return Ok(shards);
            }
            page_token = message.next_page_token;
        }
    }
}
