//! `JobService`.

use super::decode;
use crate::{
    catalog::Catalog,
    domain::page::Page,
    error::{Failure, not_found},
    steps::close,
    store::views,
};
use dataset_model::JobId;
use dataset_proto::catalog::{
    JobServiceCancelRequest, JobServiceCancelResponse, JobServiceGetRequest, JobServiceGetResponse,
    JobServiceListRequest, JobServiceListResponse, job_service_server::JobService,
};
use tonic::{Request, Response, Status, async_trait};

/// The service over the shared state.
#[derive(Debug, Clone)]
pub struct Jobs(pub Catalog);

#[async_trait]
impl JobService for Jobs {
    async fn get(&self, request: Request<JobServiceGetRequest>) -> Result<Response<JobServiceGetResponse>, Status> {
        let id: JobId = decode::id(&request.into_inner().id, "id").map_err(Failure::from)?;
        let job = views::jobs::get(&mut *self.0.read().await?, id).await.map_err(Failure::from)?;
        let job = job.ok_or_else(|| not_found("job", id))?;
        Ok(Response::new(JobServiceGetResponse { job: Some(job.into()) }))
    }

    async fn list(&self, request: Request<JobServiceListRequest>) -> Result<Response<JobServiceListResponse>, Status> {
        let filter = filter(&request.into_inner())?;
        let (jobs, total) = views::jobs::list(&mut *self.0.read().await?, filter).await.map_err(Failure::from)?;
        let jobs = jobs.into_iter().map(Into::into).collect();
        Ok(Response::new(JobServiceListResponse { jobs, total, next_page_token: filter.page.next(total) }))
    }

    async fn cancel(
        &self,
        request: Request<JobServiceCancelRequest>,
    ) -> Result<Response<JobServiceCancelResponse>, Status> {
        let id = decode::id(&request.into_inner().id, "id").map_err(Failure::from)?;
        let mut tx = self.0.begin().await?;
        let closed = close::cancel_job(&mut tx, id, self.0.policy().lease).await?;
        self.0.commit(tx).await?;
        self.0.hint(&closed).await;
        Ok(Response::new(JobServiceCancelResponse {}))
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
