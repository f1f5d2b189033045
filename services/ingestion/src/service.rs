//! Read-only questions about a repository, and the way in for local files. None is offered yet.

use dataset_model::{Problem, Reason};
use dataset_proto::ingestion::{
    InspectRepoRequest, InspectRepoResponse, PreviewRowsRequest, PreviewRowsResponse, UploadRequest, UploadResponse,
    ingestion_service_server::IngestionService,
};
use dataset_proto::status::to_status;
use tonic::{Request, Response, Status, Streaming};

#[derive(Debug)]
pub(crate) struct Ingestion;

fn not_offered(what: &str) -> Status {
    to_status(&Problem::new(Reason::NotImplemented, format!("{what} is not offered yet")))
}

#[tonic::async_trait]
impl IngestionService for Ingestion {
    async fn inspect_repo(&self, _: Request<InspectRepoRequest>) -> Result<Response<InspectRepoResponse>, Status> {
        Err(not_offered("inspecting a repository"))
    }

    async fn preview_rows(&self, _: Request<PreviewRowsRequest>) -> Result<Response<PreviewRowsResponse>, Status> {
        Err(not_offered("a preview of rows"))
    }

    async fn upload(&self, _: Request<Streaming<UploadRequest>>) -> Result<Response<UploadResponse>, Status> {
        Err(not_offered("uploading files"))
    }
}
