//! `DatasetService`.

use super::decode;
use crate::{
    catalog::Catalog,
    domain::{ingest::Asked, names::check_name, page::Page, tokenize::choose_split},
    error::{Failure, not_found},
    steps::{close, ingest, ingest::Registration, remove, tokenize::not_ready, upload},
    store::{
        datasets, shards,
        views::{self, datasets::Sort},
    },
};
use dataset_model::{
    DatasetId, DatasetStatus, Problem, Reason, RepoId, TokenizationId, TokenizationStatus, Upload, UploadedFile,
    check_revision,
};
use dataset_proto::{
    Required,
    catalog::{
        self as proto, DatasetServiceCancelRequest, DatasetServiceCancelResponse, DatasetServiceCreateRequest,
        DatasetServiceCreateResponse, DatasetServiceDeleteRequest, DatasetServiceDeleteResponse,
        DatasetServiceGetRequest, DatasetServiceGetResponse, DatasetServiceListRequest, DatasetServiceListResponse,
        ListShardsRequest, ListShardsResponse, RegisterUploadRequest, RegisterUploadResponse, StartIngestRequest,
        StartIngestResponse, dataset_service_server::DatasetService, list_shards_request::Owner,
    },
};
use tonic::{Request, Response, Status, async_trait};

/// The service over the shared state.
#[derive(Debug, Clone)]
pub struct Datasets(pub Catalog);

#[async_trait]
impl DatasetService for Datasets {
    async fn create(
        &self,
        request: Request<DatasetServiceCreateRequest>,
    ) -> Result<Response<DatasetServiceCreateResponse>, Status> {
        let mut message = request.into_inner();
        let keyed = decode::keyed(message.request_id.take(), &message).map_err(Failure::from)?;
        let registration = registration(message)?;
        let mut tx = self.0.begin().await?;
        let id = ingest::register(&mut tx, registration, keyed.as_ref()).await?;
        self.0.commit(tx).await?;
        Ok(Response::new(DatasetServiceCreateResponse { dataset: Some(self.view(id).await?.into()) }))
    }

    async fn get(
        &self,
        request: Request<DatasetServiceGetRequest>,
    ) -> Result<Response<DatasetServiceGetResponse>, Status> {
        let id = decode::id(&request.into_inner().id, "id").map_err(Failure::from)?;
        Ok(Response::new(DatasetServiceGetResponse { dataset: Some(self.view(id).await?.into()) }))
    }

    async fn list(
        &self,
        request: Request<DatasetServiceListRequest>,
    ) -> Result<Response<DatasetServiceListResponse>, Status> {
        let filter = filter(request.into_inner())?;
        let (mut db, retry) = (self.0.read().await?, self.0.policy().retry);
        let listed = views::datasets::list(&mut db, &filter, retry).await.map_err(Failure::from)?;
        let count = |(status, count)| proto::StatusCount { status: proto::DatasetStatus::from(status).into(), count };
        Ok(Response::new(DatasetServiceListResponse {
            datasets: listed.datasets.into_iter().map(Into::into).collect(),
            total: listed.total,
            next_page_token: filter.page.next(listed.total),
            counts: listed.counts.into_iter().map(count).collect(),
        }))
    }

    async fn start_ingest(
        &self,
        request: Request<StartIngestRequest>,
    ) -> Result<Response<StartIngestResponse>, Status> {
        let mut message = request.into_inner();
        // Taken out first: no digest of it is kept either.
        let token = message.hf_token.take().as_ref().map(decode::hub_token).transpose().map_err(Failure::from)?;
        let keyed = decode::keyed(message.request_id.take(), &message).map_err(Failure::from)?;
        let (id, asked) = asked(message)?;
        let vault = self.0.vault();
        let seal = token.map(|token| move |job| vault.seal(job, token.expose()).map_err(Problem::from));
        let mut tx = self.0.begin().await?;
        let job = ingest::start(&mut tx, id, asked, keyed.as_ref(), &service_kit::traceparent(), seal).await?;
        self.0.commit(tx).await?;
        Ok(Response::new(StartIngestResponse { job_id: job.to_string() }))
    }

    async fn register_upload(
        &self,
        request: Request<RegisterUploadRequest>,
    ) -> Result<Response<RegisterUploadResponse>, Status> {
        let message = request.into_inner();
        let validate_only = message.validate_only;
        let registration = upload_registration(message)?;
        let mut tx = self.0.begin().await?;
        if validate_only {
            upload::check(&mut tx, &registration).await?;
            return Ok(Response::new(RegisterUploadResponse::default()));
        }
        let id = registration.id;
        let job = upload::register(&mut tx, registration, &service_kit::traceparent()).await?;
        self.0.commit(tx).await?;
        let dataset = Some(self.view(id).await?.into());
        Ok(Response::new(RegisterUploadResponse { dataset, job_id: job.to_string() }))
    }

    async fn cancel(
        &self,
        request: Request<DatasetServiceCancelRequest>,
    ) -> Result<Response<DatasetServiceCancelResponse>, Status> {
        let id = decode::id(&request.into_inner().id, "id").map_err(Failure::from)?;
        let mut tx = self.0.begin().await?;
        let closed = close::cancel(&mut tx, id, None, self.0.policy().lease).await?;
        self.0.commit(tx).await?;
        self.0.hint(&closed).await;
        let job_ids = closed.jobs.iter().map(ToString::to_string).collect();
        Ok(Response::new(DatasetServiceCancelResponse { job_ids }))
    }

    async fn delete(
        &self,
        request: Request<DatasetServiceDeleteRequest>,
    ) -> Result<Response<DatasetServiceDeleteResponse>, Status> {
        let id = decode::id(&request.into_inner().id, "id").map_err(Failure::from)?;
        let mut tx = self.0.begin().await?;
        let closed = remove::dataset(&mut tx, id, self.0.grace()).await?;
        self.0.commit(tx).await?;
        self.0.hint(&closed).await;
        Ok(Response::new(DatasetServiceDeleteResponse {}))
    }

    async fn list_shards(&self, request: Request<ListShardsRequest>) -> Result<Response<ListShardsResponse>, Status> {
        let message = request.into_inner();
        let page = Page::parse(&message.page_token, message.page_size, 100, 500).map_err(Failure::from)?;
        let (owner, splits) = match message.owner.required("owner").map_err(Failure::from)? {
            Owner::DatasetId(id) => self.raw(&id, message.split.as_deref()).await?,
            Owner::TokenizationId(id) => self.tokenized(&id).await?,
        };
        let mut db = self.0.read().await?;
        let mut found = shards::list(&mut db, owner, &splits, page.offset(), page.size).await.map_err(Failure::from)?;
        let end = page.offset() + found.len() as u64;
        found.truncate(page.size as usize);
        let shards = found.into_iter().map(Into::into).collect();
        Ok(Response::new(ListShardsResponse { shards, next_page_token: page.next(end) }))
    }
}

impl Datasets {
    async fn view(&self, id: DatasetId) -> Result<dataset_model::Dataset, Failure> {
        let (mut db, retry) = (self.0.read().await?, self.0.policy().retry);
        views::datasets::get(&mut db, id, retry).await?.ok_or_else(|| not_found("dataset", id))
    }

    async fn raw(&self, id: &str, split: Option<&str>) -> Result<(shards::Owner, Vec<String>), Failure> {
        let id = decode::id(id, "dataset_id")?;
        let offer = datasets::offer(&mut *self.0.read().await?, id).await?.ok_or_else(|| not_found("dataset", id))?;
        if offer.status != DatasetStatus::Ready {
            return Err(not_ready(id, offer.status).into());
        }
        let splits = match split {
            Some(_) => vec![choose_split(&offer.splits, split)?],
            None => offer.splits.into_iter().map(|split| split.name).collect(),
        };
        Ok((shards::Owner { dataset_id: id, tokenization_id: None }, splits))
    }

    async fn tokenized(&self, id: &str) -> Result<(shards::Owner, Vec<String>), Failure> {
        let id: TokenizationId = decode::id(id, "tokenization_id")?;
        let found = views::tokenizations::get(&mut *self.0.read().await?, id).await?;
        let found = found.ok_or_else(|| not_found("tokenization", id))?;
        if found.status != TokenizationStatus::Ready {
            let detail = format!("tokenization `{id}` is {}, not ready", found.status);
            return Err(Problem::new(Reason::DatasetNotReady, detail).into());
        }
        let owner = shards::Owner { dataset_id: found.dataset_id, tokenization_id: Some(id) };
        Ok((owner, found.config.split.into_iter().collect()))
    }
}

fn registration(message: DatasetServiceCreateRequest) -> Result<Registration, Failure> {
    let repo_id =
        RepoId::parse(&message.repo_id).map_err(|error| Problem::new(Reason::InvalidRepoId, error.to_string()))?;
    message.revision.as_deref().map(check_revision).transpose()?;
    check_names(&[("name", message.name.as_ref()), ("config", message.config.as_ref())])?;
    Ok(Registration { repo_id, name: message.name, revision: message.revision, config: message.config })
}

fn asked(message: StartIngestRequest) -> Result<(DatasetId, Asked), Failure> {
    let id = decode::id(&message.dataset_id, "dataset_id")?;
    message.revision.as_deref().map(check_revision).transpose()?;
    check_names(&[("split", message.split.as_ref()), ("config", message.config.as_ref())])?;
    // The database counts with a sign.
    let most = i64::MAX.cast_unsigned();
    if let Some(rows) = message.max_samples.filter(|rows| !(1..=most).contains(rows)) {
        return Err(Problem::field("max_samples", format!("must be at least 1, not {rows}")).into());
    }
    let on_bad_rows = message.on_bad_rows().into();
    let StartIngestRequest { revision, config, split, max_samples, .. } = message;
    Ok((id, Asked { revision, config, split, max_samples, on_bad_rows }))
}

fn upload_registration(message: RegisterUploadRequest) -> Result<upload::Registration, Failure> {
    let id = decode::id(&message.dataset_id, "dataset_id")?;
    check_names(&[("name", Some(&message.name)), ("text_column", message.text_column.as_ref())])?;
    let file = |file: proto::UploadedFile| UploadedFile {
        name: file.name,
        key: file.key,
        size_bytes: file.size_bytes,
        sha256: hex::encode(file.sha256),
    };
    let on_bad_rows = message.on_bad_rows().into();
    let upload = Upload { text_column: message.text_column, files: message.files.into_iter().map(file).collect() };
    Ok(upload::Registration { id, name: message.name, upload, on_bad_rows })
}

fn check_names(names: &[(&str, Option<&String>)]) -> Result<(), Problem> {
    let given = names.iter().filter_map(|(field, name)| name.map(|name| (*field, name)));
    let refused: Vec<_> = given.filter_map(|(field, name)| check_name(field, name).err()).collect();
    if refused.is_empty() { Ok(()) } else { Err(Problem::fields(refused)) }
}

fn filter(message: DatasetServiceListRequest) -> Result<views::datasets::Filter, Failure> {
    let page = Page::parse(&message.page_token, message.page_size, 20, 200)?;
    let status = DatasetStatus::try_from(message.status()).ok();
    let sort = if message.sort.is_empty() { "-created_at" } else { message.sort.as_str() };
    let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    let by = Sort::COLUMNS.into_iter().find(|column| *column == name);
    let by = by.ok_or_else(|| {
        Problem::field(
            "sort",
            format!("must be one of {}, with `-` before it for descending", Sort::COLUMNS.join(", ")),
        )
    })?;
    Ok(views::datasets::Filter {
        status,
        query: decode::without_nul(message.query),
        sort: Sort { by, descending },
        page,
    })
}
