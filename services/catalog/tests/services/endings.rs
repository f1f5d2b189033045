//! Cancel, delete, start again: which end wins, and what is left.

use crate::support::{Rig, answer};
use dataset_model::{Problem, Reason};
use dataset_proto::catalog as proto;
use dataset_proto::catalog::dataset_service_server::DatasetService as _;
use serde_json::{Value, json};
use tonic::Request;

#[tokio::test]
async fn a_cancel_is_seen_at_once_and_told_to_the_worker() {
    let rig = Rig::new().await;
    let (id, job) = rig.planned("a", 2).await;
    let worker = rig.claim().await.unwrap();
    worker.stage("datasets/a/x/raw/0-0-0.0.arrow", proto::FileKind::Shard).await.unwrap();
    worker.stage("staging/abc.part", proto::FileKind::Partial).await.unwrap();
    assert_eq!(rig.cancel(&id).await.unwrap(), std::slice::from_ref(&job));
    assert_eq!(rig.job(&job).await.state(), proto::JobState::Cancelled);
    assert_eq!(rig.get(&id).await.unwrap().status(), proto::DatasetStatus::Pending);
    assert_eq!(worker.beat(proto::Progress::default()).await, proto::Verdict::Cancelled);
    assert_eq!(worker.commit(&[worker.shard(0, 1)]).await.unwrap_err().reason, Reason::StaleAttempt);
    assert_eq!(rig.cancel(&id).await.unwrap_err().reason, Reason::JobTerminal);
    // The unfinished shard goes once the worker has surely stopped; the partial download stays.
    let spec: Value = sqlx::query_scalar("SELECT spec FROM jobs WHERE kind = 'gc'").fetch_one(&rig.pool).await.unwrap();
    assert_eq!(spec, json!({"keys": ["datasets/a/x/raw/0-0-0.0.arrow"]}));
    assert!(rig.claim().await.is_none());
    rig.run("UPDATE tasks SET next_run_at = clock_timestamp() WHERE kind = 'gc'").await;
    let gc = rig.claim().await.unwrap();
    assert_eq!(gc.task.kind(), proto::TaskKind::Gc);
    gc.commit(&[]).await.unwrap();
    assert_eq!(rig.count("SELECT count(*) FROM files").await, 1);
    rig.assert_dense(&id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_cancel_and_finish_the_first_wins_and_there_is_one_end() {
    let rig = Rig::new().await;
    for round in 0..16 {
        let (id, job) = rig.planned(&format!("r{round}"), 0).await;
        let finish = rig.claim().await.unwrap();
        let (finished, cancelled) = if round % 2 == 0 {
            tokio::join!(finish.finish_ingest(), rig.cancel(&id))
        } else {
            let (cancelled, finished) = tokio::join!(rig.cancel(&id), finish.finish_ingest());
            (finished, cancelled)
        };
        assert_ne!(finished.is_ok(), cancelled.is_ok(), "{finished:?} {cancelled:?}");
        let (state, end) = match finished {
            Ok(()) => (proto::JobState::Succeeded, "download_completed"),
            Err(problem) => {
                assert_eq!(problem.reason, Reason::StaleAttempt);
                (proto::JobState::Cancelled, "download_cancelled")
            }
        };
        assert_eq!(rig.job(&job).await.state(), state);
        let ends: Vec<String> =
            rig.events(&id).await.into_iter().map(|e| e.1).filter(|e| e.starts_with("download")).collect();
        assert_eq!(ends, [end]);
        rig.assert_dense(&id).await;
    }
}

#[tokio::test]
async fn a_new_job_goes_on_from_the_last_committed_task() {
    let rig = Rig::new().await;
    let (id, _) = rig.planned("a", 3).await;
    let done = rig.claim().await.unwrap();
    done.commit(&[done.shard(0, 7)]).await.unwrap();
    let failing = rig.claim().await.unwrap();
    failing.fail(Problem::new(Reason::DiskFull, "needed 5, free 1")).await.unwrap();
    assert_eq!(rig.get(&id).await.unwrap().status(), proto::DatasetStatus::Failed);

    let job = rig.start(&id).await.unwrap();
    let plan = rig.claim().await.unwrap();
    let spec: Value = serde_json::from_str(&plan.task.spec_json).unwrap();
    assert_eq!(spec["commit_sha"], "c0ffee", "a resumed job stays on its commit");
    plan.add_tasks(3).await.unwrap();
    plan.commit_plan(&["train"]).await.unwrap();
    assert_eq!(rig.job(&job).await.tasks.unwrap().done, 2, "the plan and the task that was done before");
    let mut ordinals = Vec::new();
    loop {
        let worker = rig.claim().await.unwrap();
        if worker.task.kind() == proto::TaskKind::Finish {
            worker.finish_ingest().await.unwrap();
            break;
        }
        ordinals.push(worker.task.ordinal);
        worker.commit(&[worker.shard(0, 1)]).await.unwrap();
    }
    assert_eq!(ordinals, [1, 2]);
    assert_eq!(rig.get(&id).await.unwrap().row_count, Some(9));
    assert_eq!(rig.count("SELECT count(*) FROM shards WHERE ordinal IS NULL").await, 0);
}

#[tokio::test]
async fn a_finish_may_lead_shards_to_other_files() {
    let rig = Rig::new().await;
    let (id, _) = rig.planned("a", 2).await;
    let mut committed = Vec::new();
    for rows in [3, 4] {
        let worker = rig.claim().await.unwrap();
        committed.push(worker.shard(0, rows));
        worker.commit(&committed[committed.len() - 1..]).await.unwrap();
    }
    let finish = rig.claim().await.unwrap();
    let new = proto::ReplacedShard {
        old_key: committed[1].key.clone(),
        file: Some(proto::StagedFile {
            key: "datasets/t/x/raw/0-1-0.9.arrow".into(),
            size_bytes: 99,
            sha256: vec![9; 32],
        }),
        batch_digests: vec![8; 24],
    };
    let with = |shard: &proto::ReplacedShard| proto::FinishRequest {
        schema_json: Some("{}".into()),
        replaced_shards: vec![shard.clone()],
        ..Default::default()
    };
    // An earlier attempt announced one too, and was lost.
    finish.stage("datasets/t/x/raw/0-1-0.8.arrow", proto::FileKind::Shard).await.unwrap();
    finish.stage("datasets/t/x/raw/0-1-0.9.arrow", proto::FileKind::Shard).await.unwrap();
    for wrong in [
        proto::ReplacedShard { old_key: "datasets/t/x/raw/0-7-0.9.arrow".into(), ..new.clone() },
        proto::ReplacedShard { old_key: "a\0".into(), ..new.clone() },
        proto::ReplacedShard { batch_digests: vec![8; 7], ..new.clone() },
        proto::ReplacedShard { file: None, ..new.clone() },
    ] {
        assert_eq!(finish.finish(with(&wrong)).await.unwrap_err().reason, Reason::InvalidField, "{wrong:?}");
    }
    finish.finish(with(&new)).await.unwrap();
    finish.finish(with(&new)).await.unwrap();

    let dataset = rig.get(&id).await.unwrap();
    assert_eq!((dataset.row_count, dataset.size_bytes), (Some(7), Some(30 + 99)));
    let request = proto::ListShardsRequest {
        owner: Some(proto::list_shards_request::Owner::DatasetId(id.clone())),
        ..Default::default()
    };
    let listed = answer(rig.datasets().list_shards(Request::new(request)).await).unwrap().shards;
    let place = |shard: proto::Shard, ordinal, row_start| proto::Shard { ordinal, row_start, ..shard };
    let file = new.file.unwrap();
    let replaced = proto::Shard {
        key: file.key.clone(),
        size_bytes: 99,
        sha256: file.sha256,
        batch_digests: new.batch_digests.into(),
        ..committed[1].clone()
    };
    assert_eq!(listed, [place(committed[0].clone(), Some(0), Some(0)), place(replaced, Some(1), Some(3))]);
    // The old file, and what the lost attempt left, are to go.
    let gc: Value = sqlx::query_scalar("SELECT spec FROM jobs WHERE kind = 'gc'").fetch_one(&rig.pool).await.unwrap();
    let mut keys: Vec<&str> = gc["keys"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    keys.sort_unstable();
    let mut expected = [committed[1].key.as_str(), "datasets/t/x/raw/0-1-0.8.arrow"];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    rig.assert_dense(&id).await;
}

#[tokio::test]
async fn a_retry_asks_for_the_same_rows_again() {
    let rig = Rig::new().await;
    let id = rig.create("a").await;
    let few = proto::StartIngestRequest {
        dataset_id: id.clone(),
        split: Some("train".into()),
        max_samples: Some(5),
        on_bad_rows: proto::OnBadRows::Skip.into(),
        ..Default::default()
    };
    let first = rig.start_with(few).await.unwrap();
    let retry = async |job: String| Rig::retry(&rig.jobs(), &job).await.map_err(|problem| problem.reason);
    assert_eq!(retry(first.clone()).await, Err(Reason::JobAlreadyActive));
    rig.claim().await.unwrap().fail(Problem::new(Reason::DiskFull, "needed 5, free 1")).await.unwrap();
    let second = retry(first.clone()).await.unwrap();
    assert_ne!(second, first);
    let plan = rig.claim().await.unwrap();
    let spec: Value = serde_json::from_str(&plan.task.spec_json).unwrap();
    assert_eq!((&spec["split"], &spec["max_samples"]), (&"train".into(), &5.into()));
    assert_eq!(spec["on_bad_rows"], "skip");
    // Whoever asks once more finds what runs.
    assert_eq!(retry(first.clone()).await, Ok(second.clone()));
    plan.add_tasks(0).await.unwrap();
    plan.commit_plan(&["train"]).await.unwrap();
    let row = |line| proto::SkippedRow { file: "a.jsonl".into(), line, why: "it ends\0 early".into() };
    let skipped = |first: u64| proto::SkippedRows { count: 200, first: (0..first).map(row).collect() };
    let member = |_| proto::LeftOutMember { path: "a.zip/b\0.png".into(), rule: "other_format".into() };
    let left_out = |first: u64| proto::LeftOutMembers { count: 300, first: (0..first).map(member).collect() };
    let finish = rig.claim().await.unwrap();
    let with = |first| proto::FinishRequest {
        schema_json: Some("{}".into()),
        skipped_rows: Some(skipped(first)),
        left_out_members: Some(left_out(first)),
        ..Default::default()
    };
    assert_eq!(finish.finish(with(101)).await.unwrap_err().reason, Reason::InvalidField);
    finish.finish(with(2)).await.unwrap();
    let metadata: Value = serde_json::from_str(&rig.get(&id).await.unwrap().metadata_json).unwrap();
    assert_eq!(
        (&metadata["skipped_rows"]["count"], &metadata["skipped_rows"]["first"][1]["line"]),
        (&200.into(), &1.into())
    );
    assert_eq!(metadata["skipped_rows"]["first"][1]["why"], "it ends\u{fffd} early");
    let member = json!({"path": "a.zip/b\u{fffd}.png", "rule": "other_format"});
    assert_eq!(metadata["left_out_members"], json!({"count": 300, "first": [member, member]}));
    assert_eq!(retry(second.clone()).await, Err(Reason::JobTerminal));
    assert_eq!(retry(first).await, Ok(second), "it is ready with these very rows");
    assert_eq!(retry(dataset_model::JobId::new().to_string()).await, Err(Reason::NotFound));
    rig.assert_dense(&id).await;
}

#[tokio::test]
async fn a_deleted_dataset_is_gone_at_once_and_its_rows_after_its_files() {
    let rig = Rig::new().await;
    let (id, _) = rig.ready("o/n", &[2]).await;
    rig.delete(&id).await.unwrap();
    assert_eq!(rig.get(&id).await.unwrap_err().reason, Reason::NotFound);
    assert_eq!(rig.start(&id).await.unwrap_err().reason, Reason::NotFound);
    assert_eq!(rig.delete(&id).await.unwrap_err().reason, Reason::NotFound);
    assert_eq!(rig.events(&id).await.last().unwrap().1, "dataset_deleted");
    // The name is free at once.
    let again = rig.create("o/n").await;
    assert_eq!(rig.get(&again).await.unwrap().name, "o/n");

    let gc = rig.claim().await.unwrap();
    assert_eq!(gc.task.kind(), proto::TaskKind::Gc);
    let spec: Value = serde_json::from_str(&gc.task.spec_json).unwrap();
    assert_eq!(spec["prefix"], format!("datasets/o__n/{id}/"));
    // Removing files has no end but success.
    gc.fail(Problem::new(Reason::Internal, "busy")).await.unwrap();
    let gc = rig.claim().await.unwrap();
    gc.commit(&[]).await.unwrap();
    assert_eq!(rig.count("SELECT count(*) FROM datasets").await, 1);
    assert_eq!(rig.count("SELECT count(*) FROM jobs").await, 0);
    assert_eq!(rig.count("SELECT count(*) FROM shards").await, 0);
    rig.assert_dense(&id).await;
}

#[tokio::test]
async fn a_delete_stops_what_runs() {
    let rig = Rig::new().await;
    let (id, _) = rig.planned("a", 1).await;
    let worker = rig.claim().await.unwrap();
    rig.delete(&id).await.unwrap();
    assert_eq!(worker.beat(proto::Progress::default()).await, proto::Verdict::Cancelled);
    assert_eq!(worker.commit(&[worker.shard(0, 1)]).await.unwrap_err().reason, Reason::StaleAttempt);
    let kinds: Vec<String> = rig.events(&id).await.into_iter().map(|e| e.1).collect();
    assert_eq!(kinds[2..], ["download_cancelled", "dataset_deleted"]);
}

#[tokio::test]
async fn files_of_a_deleted_dataset_wait_for_its_readers() {
    let rig = Rig::new().await;
    let (id, _) = rig.ready("a", &[2]).await;
    sqlx::query("INSERT INTO read_pins VALUES ($1::uuid, gen_random_uuid(), clock_timestamp() + interval '1 h')")
        .bind(&id)
        .execute(&rig.pool)
        .await
        .unwrap();
    rig.delete(&id).await.unwrap();
    assert!(rig.claim().await.is_none());
}

#[tokio::test]
async fn a_file_under_a_fixed_name_is_not_removed_when_it_is_in_use_again() {
    let rig = Rig::new().await;
    let (id, _) = rig.planned("a", 0).await;
    let manifest = format!("datasets/a/{id}/metadata.json");
    let finish = rig.claim().await.unwrap();
    finish.stage(&manifest, proto::FileKind::Side).await.unwrap();
    finish.stage("datasets/a/other.12345678.json", proto::FileKind::Side).await.unwrap();
    rig.cancel(&id).await.unwrap();
    let finish = {
        rig.start(&id).await.unwrap();
        rig.claim().await.unwrap().commit_plan(&["train"]).await.unwrap();
        rig.claim().await.unwrap()
    };
    finish.stage(&manifest, proto::FileKind::Side).await.unwrap();
    rig.run("UPDATE tasks SET next_run_at = clock_timestamp() WHERE kind = 'gc'").await;
    let gc = rig.claim().await.unwrap();
    let spec: Value = serde_json::from_str(&gc.task.spec_json).unwrap();
    assert_eq!(spec["keys"], serde_json::json!(["datasets/a/other.12345678.json"]));
    // What is being removed just now has to be waited for.
    let refused = finish.stage("datasets/a/other.12345678.json", proto::FileKind::Side).await;
    assert_eq!(refused.unwrap_err().reason, Reason::Overloaded);
    gc.commit(&[]).await.unwrap();
    finish.stage("datasets/a/other.12345678.json", proto::FileKind::Side).await.unwrap();
    finish.finish_ingest().await.unwrap();
}
