//! A catalog of which only the reading half answers, from a table that the test holds.

use std::sync::{Arc, Mutex, MutexGuard};

use dataset_model::{Problem, Reason, Shard};
use dataset_proto::catalog::{
    self as proto, dataset_service_server::DatasetService, list_shards_request::Owner,
    tokenization_service_server::TokenizationService,
};
use dataset_proto::status::to_status;
use tonic::{Request, Response, Status, async_trait};

/// What the catalog knows. Owners are ids, for raw shards with the split behind a `/`.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) datasets: Vec<proto::Dataset>,
    pub(crate) tokenizations: Vec<proto::Tokenization>,
    pub(crate) shards: Vec<(String, Vec<Shard>)>,
    /// Owners that exist and are not ready.
    pub(crate) unfinished: Vec<String>,
    /// Calls of `ListShards`, by page size.
    pub(crate) listed: Vec<u32>,
}

/// The fake and the test's handle on it.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakeCatalog(Arc<Mutex<Table>>);

impl FakeCatalog {
    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().expect("no test panics while it holds the table")
    }
}

fn refused(reason: Reason) -> Status {
    to_status(&Problem::new(reason, "says the catalog"))
}

fn unused<T>() -> Result<Response<T>, Status> {
    Err(refused(Reason::NotImplemented))
}

#[async_trait]
impl DatasetService for FakeCatalog {
    async fn list_shards(
        &self,
        request: Request<proto::ListShardsRequest>,
    ) -> Result<Response<proto::ListShardsResponse>, Status> {
        let request = request.into_inner();
        let owner = match (request.owner, request.split) {
            (Some(Owner::TokenizationId(id)), None) => id,
            (Some(Owner::DatasetId(id)), Some(split)) => format!("{id}/{split}"),
            _ => return Err(refused(Reason::InvalidField)),
        };
        let mut table = self.table();
        table.listed.push(request.page_size);
        if table.unfinished.contains(&owner) {
            return Err(refused(Reason::DatasetNotReady));
        }
        let found = table.shards.iter().find(|(known, _)| *known == owner);
        let (_, shards) = found.ok_or_else(|| refused(Reason::NotFound))?;
        // Pages of two, whatever is asked for, so that every test turns pages.
        let start: usize = request.page_token.parse().unwrap_or(0);
        let end = (start + 2.min(request.page_size as usize)).min(shards.len());
        let next_page_token = if end < shards.len() { end.to_string() } else { String::new() };
        let page = shards[start..end].iter().cloned().map(Into::into).collect();
        Ok(Response::new(proto::ListShardsResponse { shards: page, next_page_token }))
    }

    async fn get(
        &self,
        request: Request<proto::DatasetServiceGetRequest>,
    ) -> Result<Response<proto::DatasetServiceGetResponse>, Status> {
        let id = request.into_inner().id;
        let dataset = self.table().datasets.iter().find(|d| d.id == id).cloned();
        let dataset = dataset.ok_or_else(|| refused(Reason::NotFound))?;
        Ok(Response::new(proto::DatasetServiceGetResponse { dataset: Some(dataset) }))
    }

    async fn list(
        &self,
        _: Request<proto::DatasetServiceListRequest>,
    ) -> Result<Response<proto::DatasetServiceListResponse>, Status> {
        let datasets = self.table().datasets.clone();
        let total = datasets.len() as u64;
        Ok(Response::new(proto::DatasetServiceListResponse {
            datasets,
            total,
            next_page_token: String::new(),
            counts: Vec::new(),
        }))
    }

    async fn create(
        &self,
        _: Request<proto::DatasetServiceCreateRequest>,
    ) -> Result<Response<proto::DatasetServiceCreateResponse>, Status> {
        unused()
    }

    async fn register_upload(
        &self,
        _: Request<proto::RegisterUploadRequest>,
    ) -> Result<Response<proto::RegisterUploadResponse>, Status> {
        unused()
    }

    async fn start_ingest(
        &self,
        _: Request<proto::StartIngestRequest>,
    ) -> Result<Response<proto::StartIngestResponse>, Status> {
        unused()
    }

    async fn cancel(
        &self,
        _: Request<proto::DatasetServiceCancelRequest>,
    ) -> Result<Response<proto::DatasetServiceCancelResponse>, Status> {
        unused()
    }

    async fn delete(
        &self,
        _: Request<proto::DatasetServiceDeleteRequest>,
    ) -> Result<Response<proto::DatasetServiceDeleteResponse>, Status> {
        unused()
    }
}

#[async_trait]
impl TokenizationService for FakeCatalog {
    async fn list(
        &self,
        request: Request<proto::TokenizationServiceListRequest>,
    ) -> Result<Response<proto::TokenizationServiceListResponse>, Status> {
        let id = request.into_inner().dataset_id;
        let tokenizations = self.table().tokenizations.iter().filter(|t| t.dataset_id == id).cloned().collect();
        Ok(Response::new(proto::TokenizationServiceListResponse { tokenizations }))
    }

    async fn get(
        &self,
        request: Request<proto::TokenizationServiceGetRequest>,
    ) -> Result<Response<proto::TokenizationServiceGetResponse>, Status> {
        let id = request.into_inner().id;
        let tokenization = self.table().tokenizations.iter().find(|t| t.id == id).cloned();
        let tokenization = tokenization.ok_or_else(|| refused(Reason::NotFound))?;
        Ok(Response::new(proto::TokenizationServiceGetResponse { tokenization: Some(tokenization) }))
    }

    async fn create(
        &self,
        _: Request<proto::TokenizationServiceCreateRequest>,
    ) -> Result<Response<proto::TokenizationServiceCreateResponse>, Status> {
        unused()
    }

    async fn get_statistics(
        &self,
        _: Request<proto::GetStatisticsRequest>,
    ) -> Result<Response<proto::GetStatisticsResponse>, Status> {
        unused()
    }

    async fn cancel(
        &self,
        _: Request<proto::TokenizationServiceCancelRequest>,
    ) -> Result<Response<proto::TokenizationServiceCancelResponse>, Status> {
        unused()
    }

    async fn delete(
        &self,
        _: Request<proto::TokenizationServiceDeleteRequest>,
    ) -> Result<Response<proto::TokenizationServiceDeleteResponse>, Status> {
        unused()
    }
}
