//! Who may end a task: the current attempt, once. Everybody else changes nothing.

use crate::support::{Rig, Worker};
use catalog::{domain::silence::Silence, reconciler};
use dataset_model::{AttemptId, Problem, Reason};
use dataset_proto::catalog as proto;
use std::time::{Duration, Instant};

/// Lets all leases run out, and reconciles.
async fn expire(rig: &Rig) {
    rig.run("UPDATE leases SET expires_at = clock_timestamp() - interval '1 s'").await;
    reconciler::pass(&rig.catalog, &mut Silence::default(), Instant::now()).await;
}

/// Everything that a worker could have changed.
async fn state(rig: &Rig) -> Vec<String> {
    let mut rows = Vec::new();
    for table in ["datasets", "jobs", "tasks", "leases", "shards", "files", "events", "outbox"] {
        let query = sqlx::AssertSqlSafe(format!("SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1"));
        rows.extend(sqlx::query_scalar::<_, String>(query).fetch_all(&rig.pool).await.unwrap());
    }
    rows
}

async fn assert_powerless(rig: &Rig, zombie: &Worker) {
    let before = state(rig).await;
    let shard = proto::Shard { sha256: vec![9; 32], ..zombie.shard(5, 5) };
    let problem = Problem::new(Reason::SourceCorrupt, "late");
    let calls = [
        zombie.add_tasks(1).await,
        zombie.stage("datasets/t/x", proto::FileKind::Shard).await,
        zombie.commit(&[shard]).await,
        zombie.commit_plan(&["evil"]).await,
        zombie.committed().await.map(drop),
        zombie.finish_ingest().await,
        zombie.fail(problem).await,
        zombie.release().await,
    ];
    for call in calls {
        let problem = call.unwrap_err();
        assert!(matches!(problem.reason, Reason::StaleAttempt | Reason::InvalidField), "{problem}");
    }
    assert_eq!(zombie.beat(proto::Progress { done: 99, ..Default::default() }).await, proto::Verdict::Stale);
    assert_eq!(state(rig).await, before);
}

#[tokio::test]
async fn a_stale_attempt_changes_nothing_whatever_it_calls() {
    let rig = Rig::new().await;
    let id = rig.create("a").await;
    rig.start(&id).await.unwrap();
    for _ in ["plan", "work", "finish"] {
        let zombie = rig.claim().await.unwrap();
        expire(&rig).await;
        let worker = rig.claim().await.unwrap();
        assert_eq!(worker.task.task.as_ref().unwrap().task_id, zombie.task.task.as_ref().unwrap().task_id);
        assert_powerless(&rig, &zombie).await;
        match worker.task.kind() {
            proto::TaskKind::Plan => {
                worker.add_tasks(1).await.unwrap();
                worker.commit_plan(&["train"]).await.unwrap();
            }
            proto::TaskKind::Work => worker.commit(&[worker.shard(0, 3)]).await.unwrap(),
            _ => worker.finish_ingest().await.unwrap(),
        }
        assert_powerless(&rig, &zombie).await;
    }
    assert_eq!(rig.get(&id).await.unwrap().row_count, Some(3));
}

#[tokio::test]
async fn an_answer_that_was_lost_can_be_asked_again() {
    let rig = Rig::new().await;
    let id = rig.create("a").await;
    rig.start(&id).await.unwrap();
    let attempt = AttemptId::new();
    let plan = rig.claim_as(proto::JobKind::Ingest, attempt).await.unwrap();
    let again = rig.claim_as(proto::JobKind::Ingest, attempt).await.unwrap();
    assert_eq!(plan.task.task, again.task.task);
    for _ in 0..2 {
        plan.add_tasks(2).await.unwrap();
    }
    for _ in 0..2 {
        plan.commit_plan(&["train"]).await.unwrap();
    }
    let (first, second) = (rig.claim().await.unwrap(), rig.claim().await.unwrap());
    for worker in [&first, &first, &second, &second] {
        worker.commit(&[worker.shard(0, 4)]).await.unwrap();
    }
    let finish = rig.claim().await.unwrap();
    let before = rig.count("SELECT count(*) FROM outbox").await;
    for _ in 0..2 {
        finish.finish_ingest().await.unwrap();
    }
    assert_eq!(rig.count("SELECT count(*) FROM outbox").await, before);
    assert_eq!(rig.get(&id).await.unwrap().row_count, Some(8));
    rig.assert_dense(&id).await;
}

#[tokio::test]
async fn a_plan_that_crashed_is_replaced_not_doubled() {
    let rig = Rig::new().await;
    let id = rig.create("a").await;
    rig.start(&id).await.unwrap();
    rig.claim().await.unwrap().add_tasks(5).await.unwrap();
    assert!(rig.claim().await.is_none(), "held back until the plan commits");
    expire(&rig).await;
    let plan = rig.claim().await.unwrap();
    plan.add_tasks(3).await.unwrap();
    plan.commit_plan(&["train"]).await.unwrap();
    assert_eq!(rig.count("SELECT count(*) FROM tasks WHERE kind = 'work'").await, 3);
    assert_eq!(i64::from(rig.count("SELECT open_tasks::bigint FROM jobs").await == 3), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_two_commits_ring_finish_once() {
    let rig = Rig::new().await;
    for round in 0..10 {
        let (id, _) = rig.planned(&format!("r{round}"), 2).await;
        let (a, b) = (rig.claim().await.unwrap(), rig.claim().await.unwrap());
        let (shard_a, shard_b) = ([a.shard(0, 1)], [b.shard(0, 1)]);
        let (first, second) = tokio::join!(a.commit(&shard_a), b.commit(&shard_b));
        first.unwrap();
        second.unwrap();
        let finish = rig.claim().await.unwrap();
        assert!(rig.claim().await.is_none());
        finish.finish_ingest().await.unwrap();
        rig.assert_dense(&id).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_workers_at_once_each_get_another_task() {
    let rig = Rig::new().await;
    rig.planned("a", 30).await;
    let claims = futures::future::join_all((0..30).map(|_| rig.claim())).await;
    let mut ordinals: Vec<u32> = claims.into_iter().flatten().map(|worker| worker.task.ordinal).collect();
    while let Some(worker) = rig.claim().await {
        ordinals.push(worker.task.ordinal);
    }
    ordinals.sort_unstable();
    assert_eq!(ordinals, (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn three_crashes_are_poison_but_progress_forgives() {
    let rig = Rig::new().await;
    let (id, job) = rig.planned("a", 1).await;
    let crash = async |bytes| {
        let worker = rig.claim().await.unwrap();
        worker.beat(proto::Progress { bytes, ..Default::default() }).await;
        expire(&rig).await;
    };
    // Each of these crashes comes after another 64 MiB.
    for n in 1..=4 {
        crash(n * (64 << 20)).await;
    }
    assert_eq!(rig.job(&job).await.state(), proto::JobState::Running);
    for _ in 0..2 {
        crash(4 * (64 << 20)).await;
    }
    let job = rig.job(&job).await;
    assert_eq!((job.state(), job.error.unwrap().reason.as_str()), (proto::JobState::Failed, "POISON"));
    let dataset = rig.get(&id).await.unwrap();
    assert_eq!((dataset.status(), dataset.error.unwrap().reason.as_str()), (proto::DatasetStatus::Failed, "POISON"));
    assert_eq!(rig.events(&id).await.last().unwrap().1, "download_failed");
    assert!(rig.claim().await.is_none());
}

#[tokio::test]
async fn a_heartbeat_renews_the_lease_and_one_that_stands_still_ends_it() {
    let rig = Rig::new().await;
    rig.planned("a", 1).await;
    let worker = rig.claim().await.unwrap();
    rig.run("UPDATE leases SET expires_at = clock_timestamp() + interval '10 s'").await;
    assert_eq!(worker.beat(proto::Progress::default()).await, proto::Verdict::Continue);
    assert_eq!(
        rig.count("SELECT heartbeat_count FROM leases WHERE expires_at > clock_timestamp() + interval '20 s'").await,
        1
    );
    // The database's clock stands: the lease never expires, the count does not move.
    rig.run("UPDATE leases SET expires_at = clock_timestamp() + interval '1 year'").await;
    let (mut silence, start) = (Silence::default(), Instant::now());
    reconciler::pass(&rig.catalog, &mut silence, start).await;
    reconciler::pass(&rig.catalog, &mut silence, start + Duration::from_secs(89)).await;
    assert_eq!(rig.count("SELECT count(*) FROM leases").await, 1);
    reconciler::pass(&rig.catalog, &mut silence, start + Duration::from_secs(90)).await;
    assert_eq!(rig.count("SELECT count(*) FROM leases").await, 0);
    assert_eq!(worker.beat(proto::Progress::default()).await, proto::Verdict::Stale);
}

#[tokio::test]
async fn failures_are_tried_three_times_and_releases_not_counted() {
    let rig = Rig::new().await;
    let (id, job) = rig.planned("a", 1).await;
    let problem = Problem::new(Reason::DownloadFailed, "connection reset\0by peer");
    rig.claim().await.unwrap().release().await.unwrap();
    for failures in 0..3 {
        let shown = rig.get(&id).await.unwrap().job.unwrap();
        assert_eq!((shown.tries, shown.max_tries), (failures + 1, 3), "a release counts as an attempt alone");
        let worker = rig.claim().await.unwrap();
        assert_eq!((worker.task.failures, worker.task.ordinal), (failures, 0));
        worker.fail(problem.clone()).await.unwrap();
    }
    let job = rig.job(&job).await;
    assert_eq!((job.attempt, job.tries, job.max_tries), (4, 3, 3));
    assert_eq!(job.phases.iter().map(|phase| phase.tries).collect::<Vec<_>>(), [1, 3]);
    assert_eq!((job.state(), job.error.unwrap().reason.as_str()), (proto::JobState::Failed, "DOWNLOAD_FAILED"));
    assert_eq!(rig.get(&id).await.unwrap().status(), proto::DatasetStatus::Failed);
    rig.assert_dense(&id).await;
}

#[tokio::test]
async fn a_shard_that_differs_from_the_committed_one_is_refused() {
    let rig = Rig::new().await;
    rig.planned("a", 1).await;
    let worker = rig.claim().await.unwrap();
    worker.stage(&worker.shard(0, 1).key, proto::FileKind::Shard).await.unwrap();
    let twice = [worker.shard(0, 1), proto::Shard { sha256: vec![1; 32], ..worker.shard(0, 1) }];
    assert_eq!(worker.commit(&twice).await.unwrap_err().reason, Reason::StaleAttempt);
    assert_eq!(rig.count("SELECT count(*) FROM shards").await, 0);
    worker.commit(&twice[..1]).await.unwrap();
}
