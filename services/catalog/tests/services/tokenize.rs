//! Tokenizations: what is refused at once, what is reused, and what a ready one shows. The tokenization service is
//! played by a server that answers one question.

use crate::support::{Answer, Rig, Worker, answer};
use catalog::service::{jobs::Jobs, tokenizations::Tokenizations};
use dataset_model::{
    AttemptId, Problem, Reason, Statistics,
    statistics::{DropRule, DroppedByRule, DroppedToken, LengthPercentiles, VocabCount},
};
use dataset_proto::{
    catalog::{self as proto, tokenization_service_server::TokenizationService as _},
    status::to_status,
    tokenization::{
        DecodeRequest, DecodeResponse, InspectTokenizerRequest, InspectTokenizerResponse, PreviewRequest,
        PreviewResponse,
        tokenization_query_service_server::{TokenizationQueryService, TokenizationQueryServiceServer},
    },
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// Knows every tokenizer but `nobody/nothing`; each adds two special tokens.
struct Tokenizers;

#[tonic::async_trait]
impl TokenizationQueryService for Tokenizers {
    async fn inspect_tokenizer(
        &self,
        request: Request<InspectTokenizerRequest>,
    ) -> Result<Response<InspectTokenizerResponse>, Status> {
        let name = request.into_inner().tokenizer_name;
        if name == "nobody/nothing" {
            return Err(to_status(
                &Problem::new(Reason::HubRepoNotFound, "no such repository").next_step("look it up"),
            ));
        }
        let sha256 = format!("sha of {name}");
        Ok(Response::new(InspectTokenizerResponse {
            commit_sha: "c1".into(),
            sha256,
            vocab_size: 30522,
            special_token_count: 2,
            ..Default::default()
        }))
    }

    async fn preview(&self, _: Request<PreviewRequest>) -> Result<Response<PreviewResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn decode(&self, _: Request<DecodeRequest>) -> Result<Response<DecodeResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// Serves until the test ends.
#[expect(clippy::disallowed_methods, reason = "a server of the test, which ends with its runtime")]
async fn tokenizers() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::builder()
        .add_service(TokenizationQueryServiceServer::new(Tokenizers))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    url
}

async fn create(
    service: &Tokenizations,
    dataset: &str,
    config: proto::TokenizeConfig,
) -> Answer<proto::TokenizationServiceCreateResponse> {
    let request = proto::TokenizationServiceCreateRequest { dataset_id: dataset.into(), config: Some(config) };
    answer(service.create(Request::new(request)).await)
}

fn config(tokenizer_name: &str) -> proto::TokenizeConfig {
    proto::TokenizeConfig { tokenizer_name: tokenizer_name.into(), ..Default::default() }
}

async fn claim(rig: &Rig) -> Worker {
    rig.claim_as(proto::JobKind::Tokenize, AttemptId::new()).await.unwrap()
}

fn statistics() -> Statistics {
    let count = |token_id| VocabCount { token_id, token: "a\0".into(), count: 4, fraction: 0.5 };
    Statistics {
        total_tokens: 8,
        unique_tokens: 2,
        total_sequences: 5,
        vocab_distribution: vec![count(1), count(2)],
        length_distribution: vec![5],
        length_bin_width: 16,
        length_percentiles: LengthPercentiles::default(),
        truncated_fraction: 0.0,
        dropped_by_rule: DroppedByRule::default(),
        dropped_examples: vec![DroppedToken { rule: DropRule::StopWord, token_id: 3, token: "the".into(), count: 2 }],
        documents_in: 5,
        documents_empty: 0,
        vocab_size: 30522,
        unused_tokens: 30520,
        text_bytes: 40,
        tokens_per_byte: Some(0.25),
        computed_at: service_kit::now(),
    }
}

/// Plans two shards, commits them in reverse, and finishes.
async fn run(rig: &Rig) {
    let plan = claim(rig).await;
    plan.add_tasks(2).await.unwrap();
    plan.commit(&[]).await.unwrap();
    let (a, b) = (claim(rig).await, claim(rig).await);
    b.commit(&[b.shard(0, 3)]).await.unwrap();
    a.commit(&[a.shard(0, 2)]).await.unwrap();
    let statistics_json = Some(serde_json::to_string(&statistics()).unwrap());
    let finish = claim(rig).await;
    finish
        .finish(proto::FinishRequest { statistics_json, engine: Some("e".into()), ..Default::default() })
        .await
        .unwrap();
}

#[tokio::test]
async fn the_same_request_is_served_once() {
    let rig = Rig::new().await;
    let service = rig.tokenizations(&tokenizers().await);
    let (id, _) = rig.ready("o/n", &[2, 3]).await;
    let first = create(&service, &id, config("bert")).await.unwrap();
    let tokenization = first.tokenization.unwrap();
    assert!(!first.reused);
    let filled = tokenization.config.unwrap();
    assert_eq!((filled.split.as_deref(), filled.text_column.as_deref()), (Some("train"), Some("text")));
    // While it runs, and with an option that does not change the result.
    let same = proto::TokenizeConfig { batch_size: Some(7), split: Some("train".into()), ..config("bert") };
    let again = create(&service, &id, same).await.unwrap();
    assert_eq!(
        (again.reused, again.job_id, again.tokenization.unwrap().id),
        (true, first.job_id.clone(), tokenization.id.clone())
    );
    run(&rig).await;
    let get = proto::TokenizationServiceGetRequest { id: tokenization.id.clone() };
    let ready = answer(service.get(Request::new(get)).await).unwrap().tokenization.unwrap();
    assert_eq!(ready.status(), proto::TokenizationStatus::Ready);
    assert_eq!((ready.num_tokens, ready.num_sequences, ready.engine.as_deref()), (Some(8), Some(5), Some("e")));
    assert_eq!(ready.token_file_path, Some(format!("datasets/o__n/{id}/tokenized/{}", tokenization.id)));
    assert!(create(&service, &id, config("bert")).await.unwrap().reused);

    let other = proto::TokenizeConfig { stride: Some(8), ..config("bert") };
    assert_ne!(create(&service, &id, other).await.unwrap().tokenization.unwrap().id, tokenization.id);

    let top = proto::GetStatisticsRequest { dataset_id: id.clone(), top: Some(1), ..Default::default() };
    let shown = answer(service.get_statistics(Request::new(top)).await).unwrap();
    assert_eq!(
        (shown.tokenization_id, shown.statistics.unwrap().vocab_distribution.len()),
        (tokenization.id.clone(), 1)
    );
    assert_eq!(rig.get(&id).await.unwrap().tokenizations.len(), 2);
    rig.assert_dense(&id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn identical_requests_at_once_start_one_job() {
    let rig = Rig::new().await;
    let service = rig.tokenizations(&tokenizers().await);
    let (id, _) = rig.ready("a", &[2]).await;
    let created = futures::future::join_all((0..10).map(|_| create(&service, &id, config("bert")))).await;
    let created: Vec<_> = created.into_iter().map(Result::unwrap).collect();
    assert_eq!(created.iter().filter(|answer| !answer.reused).count(), 1);
    assert!(created.iter().all(|answer| answer.job_id == created[0].job_id));
    assert_eq!(rig.count("SELECT count(*) FROM tokenizations").await, 1);
}

#[tokio::test]
async fn a_cancelled_one_is_started_again_in_the_same_row() {
    let rig = Rig::new().await;
    let service = rig.tokenizations(&tokenizers().await);
    let (id, _) = rig.ready("a", &[2, 3]).await;
    let first = create(&service, &id, config("bert")).await.unwrap();
    let tokenization = first.tokenization.unwrap().id;
    let plan = claim(&rig).await;
    let cancel = proto::TokenizationServiceCancelRequest { id: tokenization.clone() };
    let cancelled = answer(service.cancel(Request::new(cancel.clone())).await).unwrap();
    assert_eq!(cancelled.job_id, first.job_id);
    assert_eq!(plan.beat(proto::Progress::default()).await, proto::Verdict::Cancelled);
    assert_eq!(answer(service.cancel(Request::new(cancel)).await).unwrap_err().reason, Reason::JobTerminal);
    assert_eq!(rig.get(&id).await.unwrap().status(), proto::DatasetStatus::Ready);

    // A retry of the job is the same request again.
    let jobs = Jobs { catalog: rig.catalog.clone(), tokenizations: service.clone() };
    let retried = Rig::retry(&jobs, &first.job_id).await.unwrap();
    assert_ne!(retried, first.job_id);
    let second = create(&service, &id, config("bert")).await.unwrap();
    assert_eq!((second.reused, second.tokenization.unwrap().id), (true, tokenization.clone()));
    assert_eq!(second.job_id, retried);
    run(&rig).await;

    let delete = proto::TokenizationServiceDeleteRequest { id: tokenization.clone() };
    answer(service.delete(Request::new(delete)).await).unwrap();
    let get = proto::TokenizationServiceGetRequest { id: tokenization };
    assert_eq!(answer(service.get(Request::new(get)).await).unwrap_err().reason, Reason::NotFound);
    assert!(!create(&service, &id, config("bert")).await.unwrap().reused, "a fresh one beside what is being removed");
    let gc = rig.claim().await.unwrap();
    gc.commit(&[]).await.unwrap();
    assert_eq!(rig.count("SELECT count(*) FROM tokenizations").await, 1);
    rig.assert_dense(&id).await;
}

#[tokio::test]
async fn out_of_memory_halves_the_batch() {
    let rig = Rig::new().await;
    let service = rig.tokenizations(&tokenizers().await);
    let (id, _) = rig.ready("a", &[2]).await;
    let job = create(&service, &id, config("bert")).await.unwrap().job_id;
    let problem = || Problem::new(Reason::TokenizeOom, "a batch needs 2 GiB");
    let mut sizes = Vec::new();
    while let Some(plan) = rig.claim_as(proto::JobKind::Tokenize, AttemptId::new()).await {
        sizes.push(plan.task.batch_rows);
        // Of the 40 that it would take a batch had 26.
        let documents = if plan.task.batch_rows == 0 { 26 } else { plan.task.batch_rows };
        plan.fail_with(problem(), Some(documents)).await.unwrap();
    }
    assert_eq!(sizes, [0, 13, 6, 3, 1]);
    assert_eq!(rig.job(&job).await.error.unwrap().reason, "TOKENIZE_OOM");
    assert_eq!(rig.events(&id).await.last().unwrap().1, "tokenization_failed");
}

#[tokio::test]
async fn what_is_refused_at_once() {
    let rig = Rig::new().await;
    let service = rig.tokenizations(&tokenizers().await);
    let (id, _) = rig.ready("a", &[2]).await;
    let refused = async |config| create(&service, &id, config).await.unwrap_err();
    let unknown = refused(config("nobody/nothing")).await;
    assert_eq!((unknown.reason, unknown.next_step.as_deref()), (Reason::HubRepoNotFound, Some("look it up")));
    let split = refused(proto::TokenizeConfig { split: Some("test".into()), ..config("bert") }).await;
    assert!(split.reason == Reason::InvalidField && split.detail.contains("`train`"), "{split}");
    let column = refused(proto::TokenizeConfig { text_column: Some("body".into()), ..config("bert") }).await;
    assert_eq!(column.reason, Reason::NoTextColumn);
    let room = proto::TokenizeConfig { max_length: Some(128), stride: Some(126), ..config("bert") };
    let room = refused(proto::TokenizeConfig { filter_special_tokens: Some(false), ..room }).await;
    assert_eq!(room.errors[0].field, "stride");
    let packing =
        refused(proto::TokenizeConfig { packing: Some(proto::Packing::Concat.into()), ..config("bert") }).await;
    assert_eq!(packing.errors[0].field, "append_eos", "the tokenizer names no end token");
    let pending = rig.create("b").await;
    assert_eq!(create(&service, &pending, config("bert")).await.unwrap_err().reason, Reason::DatasetNotReady);
    let none = proto::GetStatisticsRequest { dataset_id: id.clone(), ..Default::default() };
    assert_eq!(answer(service.get_statistics(Request::new(none)).await).unwrap_err().reason, Reason::DatasetNotReady);
    let down = rig.tokenizations("http://127.0.0.1:1");
    assert_eq!(create(&down, &id, config("bert")).await.unwrap_err().reason, Reason::Overloaded);
    assert_eq!(rig.count("SELECT count(*) FROM jobs WHERE kind = 'tokenize'").await, 0);
}
