//! One stream of the catalog for all who watch the same: nothing lost, nothing doubled, nobody waited for.

use crate::{
    fake::summary,
    feeds::{PATIENCE, connect, failed, hear, label, progress, say, subscribe, updated},
    world::{World, dataset},
};
use dataset_proto::catalog::watch_datasets_response::Item;
use serde_json::json;
use tokio::time::timeout;

#[tokio::test]
async fn many_watchers_are_one_stream_that_ends_with_the_last() {
    let world = World::start().await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let mut socket = connect(&world).await;
        subscribe(&mut socket, None).await;
        assert_eq!(label(&hear(&mut socket).await.unwrap()), ("snapshot".to_owned(), Some(0)));
        sockets.push(socket);
    }
    // One for all, and one for each to begin with, which is closed by now.
    world.fake.opened(6).await;
    world.fake.emit(progress(50.0)).await;
    world.fake.emit(failed("it broke")).await;
    for socket in &mut sockets {
        assert_eq!(label(&hear(socket).await.unwrap()), ("download_progress".to_owned(), None));
        assert_eq!(label(&hear(socket).await.unwrap()), ("download_failed".to_owned(), Some(1)));
    }
    drop(sockets);
    timeout(PATIENCE, world.fake.unwatched()).await.expect("nobody watches for nobody");
}

#[tokio::test]
async fn who_comes_late_hears_no_more_than_is_new() {
    let world = World::start().await;
    let mut first = connect(&world).await;
    subscribe(&mut first, None).await;
    hear(&mut first).await.unwrap();
    world.fake.emit(updated()).await;
    world.fake.emit(failed("it broke")).await;
    let mut late = connect(&world).await;
    subscribe(&mut late, Some(1)).await;
    assert_eq!(label(&hear(&mut late).await.unwrap()), ("download_failed".to_owned(), Some(2)));
    assert_eq!(label(&hear(&mut late).await.unwrap()), ("snapshot".to_owned(), Some(2)));
    world.fake.emit(updated()).await;
    assert_eq!(label(&hear(&mut late).await.unwrap()), ("dataset_updated".to_owned(), Some(3)));
    for seq in 1..=3 {
        assert_eq!(label(&hear(&mut first).await.unwrap()).1, Some(seq));
    }
}

#[tokio::test]
async fn who_lags_behind_catches_up_without_a_gap() {
    let world = World::start_with(|config| config.gateway.slow_seconds = 60.0).await;
    let mut socket = connect(&world).await;
    subscribe(&mut socket, None).await;
    hear(&mut socket).await.unwrap();
    let mut quick = connect(&world).await;
    subscribe(&mut quick, None).await;
    hear(&mut quick).await.unwrap();
    // More than two kernels, the socket's queue and the backlog hold together; the other one hears it meanwhile.
    let (detail, emitted) = ("x".repeat(64 << 10), 500);
    for seq in 1..=emitted {
        assert!(world.fake.emit(failed(&detail)).await);
        assert_eq!(label(&hear(&mut quick).await.unwrap()).1, Some(seq));
    }
    let (mut last, mut snapshots) = (0, 0);
    while last < emitted {
        match label(&hear(&mut socket).await.unwrap()) {
            (event, Some(seq)) if event == "snapshot" => {
                assert_eq!(seq, last.max(seq), "never back");
                snapshots += 1;
            }
            (_, seq) => {
                last += 1;
                assert_eq!(seq, Some(last));
            }
        }
    }
    assert!(snapshots > 0 || hear(&mut socket).await.unwrap()["event"] == "snapshot", "it caught up by itself");
}

#[tokio::test]
async fn all_lines_are_kept_for_whoever_comes() {
    let world = World::start().await;
    let mut sockets = Vec::new();
    for number in 0..3_u32 {
        let mut socket = connect(&world).await;
        say(&mut socket, &json!({"type": "subscribe", "channel": "datasets"})).await;
        assert_eq!(hear(&mut socket).await.unwrap()["type"], "subscribed");
        let all = hear(&mut socket).await.unwrap();
        assert_eq!((&all["event"], &all["data"][0]["tokenization_count"]), (&json!("snapshot"), &json!(number)));
        sockets.push(socket);
        let line = dataset_proto::catalog::DatasetSummary { tokenization_count: number + 1, ..summary(&dataset()) };
        world.fake.emit_summary(Item::Summary(line)).await;
        for socket in &mut sockets {
            let one = hear(socket).await.unwrap();
            assert_eq!(
                (&one["event"], &one["data"]["tokenization_count"]),
                (&json!("dataset_updated"), &json!(number + 1))
            );
        }
    }
    // One stream, whoever comes.
    world.fake.opened(1).await;
    assert!(timeout(std::time::Duration::from_millis(100), world.fake.opened(2)).await.is_err());
}
