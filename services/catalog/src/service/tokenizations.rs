//! `TokenizationService`.

use super::decode;
use crate::{
    catalog::Catalog,
    domain::{
        text_column::choose_text_column,
        tokenize::{Tokenizer, chat_spec, check_rows, choose_split, filled},
    },
    error::{Failure, not_found},
    steps::{
        close, remove,
        tokenize::{self, Created, Wanted, not_ready},
    },
    store::{datasets, tokenizations, views},
};
use dataset_model::{
    DatasetId, DatasetStatus, Problem, Reason, Tokenization, TokenizationId, TokenizeConfig, TokenizeRequest,
};
use dataset_proto::{
    Required,
    catalog::{
        GetStatisticsRequest, GetStatisticsResponse, TokenizationServiceCancelRequest,
        TokenizationServiceCancelResponse, TokenizationServiceCreateRequest, TokenizationServiceCreateResponse,
        TokenizationServiceDeleteRequest, TokenizationServiceDeleteResponse, TokenizationServiceGetRequest,
        TokenizationServiceGetResponse, TokenizationServiceListRequest, TokenizationServiceListResponse,
        tokenization_service_server::TokenizationService,
    },
    status::from_status,
    tokenization::{InspectTokenizerRequest, tokenization_query_service_client::TokenizationQueryServiceClient},
};
use std::time::Duration;
use tonic::{Request, Response, Status, async_trait, transport::Channel};

/// How long the tokenization service may take to load a tokenizer.
const INSPECT: Duration = Duration::from_secs(10);

/// The service over the shared state, and its way to the tokenization service.
#[derive(Debug, Clone)]
pub struct Tokenizations {
    pub catalog: Catalog,
    pub tokenizers: Channel,
}

#[async_trait]
impl TokenizationService for Tokenizations {
    async fn create(
        &self,
        request: Request<TokenizationServiceCreateRequest>,
    ) -> Result<Response<TokenizationServiceCreateResponse>, Status> {
        let (id, asked) = asked(request.into_inner())?;
        let created = self.start(id, asked).await?;
        Ok(Response::new(TokenizationServiceCreateResponse {
            tokenization: Some(self.view(created.id).await?.into()),
            job_id: created.job_id.to_string(),
            reused: created.reused,
        }))
    }

    async fn get(
        &self,
        request: Request<TokenizationServiceGetRequest>,
    ) -> Result<Response<TokenizationServiceGetResponse>, Status> {
        let id = decode::id(&request.into_inner().id, "id").map_err(Failure::from)?;
        Ok(Response::new(TokenizationServiceGetResponse { tokenization: Some(self.view(id).await?.into()) }))
    }

    async fn list(
        &self,
        request: Request<TokenizationServiceListRequest>,
    ) -> Result<Response<TokenizationServiceListResponse>, Status> {
        let id = decode::id(&request.into_inner().dataset_id, "dataset_id").map_err(Failure::from)?;
        let found = self.of_dataset(id).await?;
        let tokenizations = found.into_iter().map(Into::into).collect();
        Ok(Response::new(TokenizationServiceListResponse { tokenizations }))
    }

    async fn get_statistics(
        &self,
        request: Request<GetStatisticsRequest>,
    ) -> Result<Response<GetStatisticsResponse>, Status> {
        let message = request.into_inner();
        let asked = message.tokenization_id.as_deref().map(|id| decode::id(id, "tokenization_id")).transpose();
        let id = decode::id(&message.dataset_id, "dataset_id").map_err(Failure::from)?;
        let top = message.top.unwrap_or(100).min(1000);
        Ok(Response::new(self.statistics(id, asked.map_err(Failure::from)?, top).await?))
    }

    async fn cancel(
        &self,
        request: Request<TokenizationServiceCancelRequest>,
    ) -> Result<Response<TokenizationServiceCancelResponse>, Status> {
        let id: TokenizationId = decode::id(&request.into_inner().id, "id").map_err(Failure::from)?;
        let mut tx = self.catalog.begin().await?;
        let dataset = tokenizations::dataset_of(&mut tx, id).await.map_err(Failure::from)?;
        let dataset = dataset.ok_or_else(|| not_found("tokenization", id))?;
        let closed = close::cancel(&mut tx, dataset, Some(id), self.catalog.policy().lease).await?;
        self.catalog.commit(tx).await?;
        self.catalog.hint(&closed).await;
        let job_id = closed.jobs.first().map(ToString::to_string).unwrap_or_default();
        Ok(Response::new(TokenizationServiceCancelResponse { job_id }))
    }

    async fn delete(
        &self,
        request: Request<TokenizationServiceDeleteRequest>,
    ) -> Result<Response<TokenizationServiceDeleteResponse>, Status> {
        let id = decode::id(&request.into_inner().id, "id").map_err(Failure::from)?;
        let mut tx = self.catalog.begin().await?;
        let closed = remove::tokenization(&mut tx, id, self.catalog.grace()).await?;
        self.catalog.commit(tx).await?;
        self.catalog.hint(&closed).await;
        Ok(Response::new(TokenizationServiceDeleteResponse {}))
    }
}

impl Tokenizations {
    /// Starts a tokenization, or finds the one of the same identity.
    pub(super) async fn start(&self, id: DatasetId, asked: TokenizeConfig) -> Result<Created, Failure> {
        let (config, is_chat) = self.resolved(id, asked).await?;
        // Asked before the transaction: identity, stride and unknown tokenizers are answered at once.
        let tokenizer = self.inspect(&config, is_chat).await?;
        check_rows(&config, &tokenizer, is_chat)?;
        let chat = chat_spec(&config, &tokenizer, is_chat, service_kit::now())?;
        let wanted = Wanted { config: &config, tokenizer: &tokenizer, chat };
        let mut tx = self.catalog.begin().await?;
        let created = tokenize::create(&mut tx, id, &wanted, &service_kit::traceparent()).await?;
        self.catalog.commit(tx).await?;
        Ok(created)
    }

    async fn view(&self, id: TokenizationId) -> Result<Tokenization, Failure> {
        let found = views::tokenizations::get(&mut *self.catalog.read().await?, id).await?;
        found.ok_or_else(|| not_found("tokenization", id))
    }

    async fn of_dataset(&self, id: DatasetId) -> Result<Vec<Tokenization>, Failure> {
        let mut db = self.catalog.read().await?;
        if !views::datasets::exists(&mut db, id).await? {
            return Err(not_found("dataset", id));
        }
        Ok(views::tokenizations::of_datasets(&mut db, &[id.0]).await?.remove(&id).unwrap_or_default())
    }

    /// The configuration with its split and text column chosen, and whether that column holds conversations.
    async fn resolved(&self, id: DatasetId, config: TokenizeConfig) -> Result<(TokenizeConfig, bool), Failure> {
        let offer = datasets::offer(&mut *self.catalog.read().await?, id).await?;
        let offer = offer.ok_or_else(|| not_found("dataset", id))?;
        if offer.status != DatasetStatus::Ready {
            return Err(not_ready(id, offer.status).into());
        }
        let split = choose_split(&offer.splits, config.split.as_deref())?;
        let asked = config.text_column.as_deref().or(offer.text_column.as_deref());
        let has_template = config.chat_template.is_some();
        let column = choose_text_column(&offer.schema.unwrap_or_default(), asked, has_template)?;
        Ok((TokenizeConfig { split: Some(split), text_column: Some(column.name), ..config }, column.is_chat))
    }

    /// Asks the tokenization service; what it refuses goes through as it is.
    async fn inspect(&self, config: &TokenizeConfig, is_chat: bool) -> Result<Tokenizer, Failure> {
        let mut request = Request::new(InspectTokenizerRequest {
            tokenizer_name: config.tokenizer_name.clone(),
            tokenizer_revision: config.tokenizer_revision.clone(),
            config: Some(config.clone().into()),
            is_chat,
        });
        request.set_timeout(INSPECT);
        let mut client = TokenizationQueryServiceClient::new(self.tokenizers.clone());
        let answer = tokio::time::timeout(INSPECT, client.inspect_tokenizer(request)).await;
        let late = |_| Problem::new(Reason::DeadlineExceeded, "the tokenizer was not loaded within 10 seconds");
        let found = answer.map_err(late)?.map_err(|status| from_status(&status))?.into_inner();
        Ok(Tokenizer {
            commit_sha: found.commit_sha,
            sha256: found.sha256,
            vocab_size: found.vocab_size,
            special_token_count: found.special_token_count,
            eos_id: found.eos_id,
            pad_id: found.pad_id,
            chat_template_sha256: found.chat_template_sha256,
            names_sha256: found.names_sha256,
            is_dated: found.chat_template_is_dated,
        })
    }

    async fn statistics(
        &self,
        id: DatasetId,
        asked: Option<TokenizationId>,
        top: u32,
    ) -> Result<GetStatisticsResponse, Failure> {
        let mut db = self.catalog.read().await?;
        if !views::datasets::exists(&mut db, id).await? {
            return Err(not_found("dataset", id));
        }
        if let Some(asked) = asked
            && tokenizations::dataset_of(&mut db, asked).await? != Some(id)
        {
            return Err(not_found("tokenization", asked));
        }
        let found = tokenizations::statistics(&mut db, id, asked).await?;
        let (tokenization, mut statistics) = found.ok_or_else(|| {
            Problem::new(Reason::DatasetNotReady, "no tokenization is ready").next_step("tokenize the dataset first")
        })?;
        statistics.vocab_distribution.truncate(top as usize);
        Ok(GetStatisticsResponse { tokenization_id: tokenization.to_string(), statistics: Some(statistics.into()) })
    }
}

fn asked(message: TokenizationServiceCreateRequest) -> Result<(DatasetId, TokenizeConfig), Failure> {
    let id = decode::id(&message.dataset_id, "dataset_id")?;
    let config = filled(TokenizeRequest::try_from(message.config.required("config")?)?)?;
    Ok((id, config))
}
