//! `JobService`.

use super::{decode, tokenizations::Tokenizations};
use crate::{
    catalog::Catalog,
    domain::{
        ingest::Asked,
        job::{Kind, retry},
        page::Page,
    },
    error::{Failure, not_found},
    steps::{close, ingest},
    store::{jobs, views},
};
use dataset_model::{DatasetId, IngestSpec, JobId, Problem, TokenizeSpec};
use dataset_proto::catalog::{
    JobServiceCancelRequest, JobServiceCancelResponse, JobServiceGetRequest, JobServiceGetResponse,
    JobServiceListRequest, JobServiceListResponse, JobServiceRetryRequest, JobServiceRetryResponse,
    job_service_server::JobService,
};
use tonic::{Request, Response, Status, async_trait};

/// The service over the shared state, and what starts tokenizations.
#[derive(Debug, Clone)]
pub struct Jobs {
    pub catalog: Catalog,
    pub tokenizations: Tokenizations,
}

#[async_trait]
impl JobService for Jobs {
    async fn get(&self, request: Request<JobServiceGetRequest>) -> Result<Response<JobServiceGetResponse>, Status> {
        let id: JobId = decode::id(&request.into_inner().id, "id").map_err(Failure::from)?;
        let retry = self.catalog.policy().retry;
        let job = views::jobs::get(&mut *self.catalog.read().await?, id, retry).await.map_err(Failure::from)?;
        let job = job.ok_or_else(|| not_found("job", id))?;
        Ok(Response::new(JobServiceGetResponse { job: Some(job.into()) }))
    }

    async fn list(&self, request: Request<JobServiceListRequest>) -> Result<Response<JobServiceListResponse>, Status> {
        let filter = filter(&request.into_inner())?;
        let (mut db, retry) = (self.catalog.read().await?, self.catalog.policy().retry);
        let (jobs, total) = views::jobs::list(&mut db, filter, retry).await.map_err(Failure::from)?;
        let jobs = jobs.into_iter().map(Into::into).collect();
        Ok(Response::new(JobServiceListResponse { jobs, total, next_page_token: filter.page.next(total) }))
    }

    async fn cancel(
        &self,
        request: Request<JobServiceCancelRequest>,
    ) -> Result<Response<JobServiceCancelResponse>, Status> {
        let id = decode::id(&request.into_inner().id, "id").map_err(Failure::from)?;
        let mut tx = self.catalog.begin().await?;
        let closed = close::cancel_job(&mut tx, id, self.catalog.policy().lease).await?;
        self.catalog.commit(tx).await?;
        self.catalog.hint(&closed).await;
        Ok(Response::new(JobServiceCancelResponse {}))
    }

    async fn retry(
        &self,
        request: Request<JobServiceRetryRequest>,
    ) -> Result<Response<JobServiceRetryResponse>, Status> {
        let id = decode::id(&request.into_inner().id, "id").map_err(Failure::from)?;
        let job_id = self.start_again(id).await?.to_string();
        Ok(Response::new(JobServiceRetryResponse { job_id }))
    }
}

impl Jobs {
    /// Asks once more for what a job was to do; whoever asked for the same meanwhile is found by that.
    async fn start_again(&self, id: JobId) -> Result<JobId, Failure> {
        let mut db = self.catalog.read().await?;
        let job = jobs::find(&mut db, id).await?.ok_or_else(|| not_found("job", id))?;
        retry(&job)?;
        match job.kind {
            Kind::Ingest => {
                let spec: IngestSpec = jobs::spec(&mut db, id).await?;
                drop(db);
                self.ingest(job.dataset_id, spec).await
            }
            Kind::Tokenize => {
                let spec: TokenizeSpec = jobs::spec(&mut db, id).await?;
                drop(db);
                Ok(self.tokenizations.start(job.dataset_id, spec.config).await?.job_id)
            }
            Kind::Gc => Err(not_found("job", id)),
        }
    }

    async fn ingest(&self, id: DatasetId, spec: IngestSpec) -> Result<JobId, Failure> {
        let IngestSpec { revision, config, split, max_samples, on_bad_rows, .. } = spec;
        let asked = Asked { revision, config, split, max_samples, on_bad_rows };
        // The token of the job is gone with its end: what it opened may be closed now.
        let token = None::<fn(JobId) -> Result<Vec<u8>, Problem>>;
        let mut tx = self.catalog.begin().await?;
        let job = ingest::start(&mut tx, id, asked, None, &service_kit::traceparent(), token).await?;
        self.catalog.commit(tx).await?;
        Ok(job)
    }
}

fn filter(message: &JobServiceListRequest) -> Result<views::jobs::Filter, Failure> {
    Ok(views::jobs::Filter {
        dataset_id: message.dataset_id.as_deref().map(|id| decode::id(id, "dataset_id")).transpose()?,
        state: decode::job_state(message.state()),
        kind: decode::job_kind(message.kind()),
        page: Page::parse(&message.page_token, message.page_size, 20, 200)?,
    })
}
