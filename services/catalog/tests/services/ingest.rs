//! From a registration to a ready dataset, and what may be asked on the way.

use crate::support::{Rig, answer};
use dataset_model::Reason;
use dataset_proto::catalog as proto;
use dataset_proto::catalog::dataset_service_server::DatasetService as _;
use tonic::Request;

fn reason<T: std::fmt::Debug>(answer: crate::support::Answer<T>) -> Reason {
    answer.unwrap_err().reason
}

#[tokio::test]
async fn a_dataset_becomes_ready_with_its_shards_in_the_order_of_the_source() {
    let rig = Rig::new().await;
    let (id, job) = rig.planned("owner/name", 3).await;
    let mut workers = vec![rig.claim().await.unwrap(), rig.claim().await.unwrap(), rig.claim().await.unwrap()];
    workers.reverse();
    for worker in &workers {
        let ordinal = u64::from(worker.task.ordinal);
        worker.commit(&[worker.shard(0, 10 + ordinal), worker.shard(1, ordinal)]).await.unwrap();
    }
    let finish = rig.claim().await.unwrap();
    assert_eq!(finish.task.kind(), proto::TaskKind::Finish);
    let ordinals: Vec<u32> = finish.committed().await.unwrap().iter().map(|task| task.ordinal).collect();
    assert_eq!(ordinals, [0, 1, 2]);
    finish.finish_ingest().await.unwrap();

    let dataset = rig.get(&id).await.unwrap();
    assert_eq!(dataset.status(), proto::DatasetStatus::Ready);
    assert_eq!((dataset.row_count, dataset.size_bytes), (Some(36), Some(360)));
    assert_eq!(dataset.file_path.as_deref(), Some(format!("datasets/owner__name/{id}").as_str()));
    assert_eq!(dataset.splits, [proto::Split { name: "train".into(), row_count: 36, size_bytes: 360 }]);
    assert_eq!((dataset.commit_sha.as_deref(), dataset.config.as_deref()), (Some("c0ffee"), Some("default")));
    let shown = rig.job(&job).await;
    assert_eq!(shown.state(), proto::JobState::Succeeded);
    assert_eq!(shown.phases.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["plan", "work", "finish"]);
    let progress = shown.progress.unwrap();
    assert_eq!((progress.done, progress.total), (300, 300));

    let owner = Some(proto::list_shards_request::Owner::DatasetId(id.clone()));
    let request = proto::ListShardsRequest { owner, page_size: 4, ..Default::default() };
    let first = answer(rig.datasets().list_shards(Request::new(request.clone())).await).unwrap();
    let next = proto::ListShardsRequest { page_token: first.next_page_token.clone(), ..request };
    let second = answer(rig.datasets().list_shards(Request::new(next)).await).unwrap();
    assert_eq!((first.shards.len(), second.shards.len(), second.next_page_token.as_str()), (4, 2, ""));
    let places: Vec<_> =
        first.shards.iter().chain(&second.shards).map(|s| (s.ordinal, s.row_start, s.row_count)).collect();
    let expected = [(0, 0, 10), (1, 10, 0), (2, 10, 11), (3, 21, 1), (4, 22, 12), (5, 34, 2)];
    assert_eq!(places, expected.map(|(ordinal, start, rows)| (Some(ordinal), Some(start), rows)));

    rig.assert_dense(&id).await;
    let kinds: Vec<String> = rig.events(&id).await.into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, ["dataset_updated", "dataset_updated", "download_completed"]);
    assert_eq!(rig.count("SELECT count(*) FROM leases").await, 0);
    assert!(rig.claim().await.is_none());
}

#[tokio::test]
async fn a_source_without_rows_is_ready_at_once() {
    let rig = Rig::new().await;
    let (id, _) = rig.planned("a", 0).await;
    let finish = rig.claim().await.unwrap();
    assert_eq!(finish.task.kind(), proto::TaskKind::Finish);
    finish.finish_ingest().await.unwrap();
    assert_eq!(rig.get(&id).await.unwrap().row_count, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_identical_starts_give_one_job() {
    let rig = Rig::new().await;
    let id = rig.create("a").await;
    let starts = futures::future::join_all((0..20).map(|_| rig.start(&id))).await;
    let ids: Vec<String> = starts.into_iter().map(Result::unwrap).collect();
    assert!(ids.iter().all(|job| *job == ids[0]), "{ids:?}");
    assert_eq!(rig.count("SELECT count(*) FROM jobs").await, 1);
    assert_eq!(rig.count("SELECT count(*) FROM tasks").await, 1);
    assert_eq!(rig.count("SELECT count(*) FROM outbox").await, 1);
    rig.assert_dense(&id).await;
}

#[tokio::test]
async fn another_selection_is_refused_while_one_runs_and_when_it_is_ready() {
    let rig = Rig::new().await;
    let (id, job) = rig.ready("a", &[5]).await;
    assert_eq!(rig.start(&id).await.unwrap(), job);
    let other = proto::StartIngestRequest { dataset_id: id, split: Some("test".into()), ..Default::default() };
    assert_eq!(reason(rig.start_with(other).await), Reason::DatasetReady);
    let id = rig.create("b").await;
    let job = rig.start(&id).await.unwrap();
    let same = proto::StartIngestRequest { dataset_id: id.clone(), ..Default::default() };
    assert_eq!(rig.start_with(same.clone()).await.unwrap(), job);
    let other = proto::StartIngestRequest { revision: Some("dev".into()), ..same };
    assert_eq!(reason(rig.start_with(other).await), Reason::JobAlreadyActive);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_answers_the_same_request_and_refuses_another() {
    let rig = Rig::new().await;
    let id = rig.create("a").await;
    let request =
        proto::StartIngestRequest { dataset_id: id.clone(), request_id: Some("k".into()), ..Default::default() };
    let starts = futures::future::join_all((0..8).map(|_| rig.start_with(request.clone()))).await;
    let job = starts[0].clone().unwrap();
    assert!(starts.into_iter().all(|start| start.unwrap() == job));
    rig.cancel(&id).await.unwrap();
    // The answer is remembered, although that job is over.
    assert_eq!(rig.start_with(request.clone()).await.unwrap(), job);
    let other = proto::StartIngestRequest { split: Some("train".into()), ..request };
    assert_eq!(reason(rig.start_with(other).await), Reason::IdempotencyKeyReused);

    let create =
        proto::DatasetServiceCreateRequest { repo_id: "b".into(), request_id: Some("k".into()), ..Default::default() };
    let first = answer(rig.datasets().create(Request::new(create.clone())).await).unwrap();
    let again = answer(rig.datasets().create(Request::new(create)).await).unwrap();
    assert_eq!(first.dataset.unwrap().id, again.dataset.unwrap().id);
}

#[tokio::test]
async fn names_and_syntax() {
    let rig = Rig::new().await;
    let create =
        |request| async { answer(rig.datasets().create(Request::new(request)).await).map(|a| a.dataset.unwrap().name) };
    let of = |repo: &str| proto::DatasetServiceCreateRequest { repo_id: repo.into(), ..Default::default() };
    assert_eq!(create(of("o/n")).await.unwrap(), "o/n");
    assert_eq!(create(of("o/n")).await.unwrap(), "o/n (2)");
    let named = proto::DatasetServiceCreateRequest { name: Some("o/n".into()), ..of("x") };
    assert_eq!(reason(create(named).await), Reason::NameTaken);
    assert_eq!(reason(create(of("o/n/x")).await), Reason::InvalidRepoId);
    let revision = proto::DatasetServiceCreateRequest { revision: Some("a b".into()), ..of("x") };
    assert_eq!(reason(create(revision).await), Reason::InvalidRevision);
    let config = proto::DatasetServiceCreateRequest { config: Some("a\0".into()), ..of("x") };
    assert_eq!(reason(create(config).await), Reason::InvalidField);
    assert_eq!(reason(rig.get("nonsense").await), Reason::InvalidField);
    assert_eq!(reason(rig.get(&dataset_model::DatasetId::new().to_string()).await), Reason::NotFound);
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let rig = Rig::new().await;
    for name in ["Alpha", "beta", "gamma"] {
        rig.create(name).await;
    }
    let (id, _) = rig.ready("alphabet", &[3]).await;
    let list = |request| async { answer(rig.datasets().list(Request::new(request)).await) };
    let all = list(proto::DatasetServiceListRequest { page_size: 3, ..Default::default() }).await.unwrap();
    assert_eq!((all.total, all.datasets.len(), all.next_page_token.as_str()), (4, 3, "2"));
    assert_eq!(all.datasets[0].id, id);
    let names = |answer: &proto::DatasetServiceListResponse| -> Vec<String> {
        answer.datasets.iter().map(|d| d.name.clone()).collect()
    };
    let found =
        list(proto::DatasetServiceListRequest { query: "alpha".into(), sort: "name".into(), ..Default::default() })
            .await
            .unwrap();
    assert_eq!(names(&found), ["Alpha", "alphabet"]);
    let ready = proto::DatasetServiceListRequest {
        status: proto::DatasetStatus::Ready.into(),
        sort: "-row_count".into(),
        ..Default::default()
    };
    let ready = list(ready).await.unwrap();
    assert_eq!((names(&ready), ready.total), (vec!["alphabet".to_owned()], 1));
    // The counts are of all that match the query, whatever status is shown.
    let counts = |answer: &proto::DatasetServiceListResponse| {
        let mut counts: Vec<_> = answer.counts.iter().map(|one| (one.status(), one.count)).collect();
        counts.sort_unstable();
        counts
    };
    assert_eq!(counts(&ready), [(proto::DatasetStatus::Pending, 3), (proto::DatasetStatus::Ready, 1)]);
    assert_eq!(counts(&found), [(proto::DatasetStatus::Pending, 1), (proto::DatasetStatus::Ready, 1)]);
    let nul = list(proto::DatasetServiceListRequest { query: "\0".into(), ..Default::default() }).await.unwrap();
    assert_eq!(nul.total, 0);
    let bad = list(proto::DatasetServiceListRequest { sort: "id; DROP".into(), ..Default::default() }).await;
    assert_eq!(reason(bad), Reason::InvalidField);
}
