//! Several ranges of one large file at once: the same bytes as from one stream, whatever happens to one of them.

use std::{sync::Mutex, time::Duration};

use crate::support::{Bench, LARGE, cancel_at, content, fetch_with, impatient, noise};
use hub::{FetchedFile, HubClient, HubConfig, HubError};
use test_kit::fake_hub::{Fault, Logged};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const MIB: usize = 1 << 20;
const SIZE: usize = 4 * MIB;
const RANGE: usize = 256 << 10;
const RANGES: usize = SIZE / RANGE;

fn client(bench: &Bench, connections: usize) -> HubClient {
    let (parallel_from, parallel_range) = (MIB as u64, RANGE as u64);
    let config = impatient(bench.hub.endpoint());
    HubClient::new(HubConfig { max_files: connections, parallel_from, parallel_range, ..config }).expect("a client")
}

async fn fetch(
    bench: &Bench,
    connections: usize,
    cancel: &CancellationToken,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<FetchedFile, HubError> {
    let (commit, file) = bench.listed(LARGE).await;
    fetch_with(&client(bench, connections), &commit, &file, bench.staging.path(), cancel, progress).await
}

fn bodies(log: &[Logged]) -> Vec<&Logged> {
    log.iter().filter(|one| one.path.starts_with("/lfs/")).collect()
}

#[tokio::test]
async fn what_came_ahead_of_a_silent_range_is_kept() {
    let bench = Bench::new(SIZE).await;
    bench.control.fail_on("/lfs/", Fault::StallAfter(1000), 1);
    let (seen, none) = (Mutex::new(Vec::new()), CancellationToken::new());
    let progress = |at| seen.lock().unwrap().push(at);
    let all_but_one = |log: &[Logged]| {
        bodies(log).len() == RANGES && bodies(log)[1..].iter().all(|one| one.bytes_sent == RANGE as u64)
    };
    let watch = async {
        let log = bench.control.wait_for(all_but_one).await;
        bench.control.release();
        log
    };
    let (fetched, log) = tokio::join!(fetch(&bench, 4, &none, &progress), watch);
    let mut fetched = fetched.unwrap();
    assert_eq!(content(&mut fetched), noise(SIZE));
    assert_eq!((fetched.downloaded, fetched.resumed_from), (SIZE as u64, 0));
    let seen = seen.into_inner().unwrap();
    assert!(seen.is_sorted() && seen.last() == Some(&(SIZE as u64)));
    let bodies = bodies(&log);
    assert_eq!(bodies[0].range.as_deref(), Some("bytes=0-262143"));
    assert!(bodies[1..].iter().all(|one| one.if_range.is_some()), "all are of the same version");
    assert_eq!(bench.staged().len(), 1);
}

#[tokio::test]
async fn faults_of_one_range_with_one_connection_and_with_many() {
    let (once, twice) = (SIZE as u64, 2 * SIZE as u64);
    for (fault, downloaded) in [
        (Fault::DropAfter(RANGE as u64 / 2), once),
        (Fault::status(503), once),
        (Fault::status(403), once),
        (Fault::FLIP, twice),
    ] {
        for connections in [1, 4] {
            let bench = Bench::new(SIZE).await;
            bench.control.fail_after(u32::from(connections > 1) * 5, "/lfs/", fault.clone(), Some(1));
            let mut fetched = fetch(&bench, connections, &CancellationToken::new(), &|_| ()).await.unwrap();
            assert_eq!(content(&mut fetched), noise(SIZE), "{fault:?} {connections}");
            assert_eq!(fetched.downloaded, downloaded, "{fault:?} {connections}");
            let shared = bodies(&bench.control.requests()).len() >= RANGES;
            assert_eq!(shared, connections > 1, "one connection needs no ranges");
        }
    }
}

#[tokio::test]
async fn a_hub_that_knows_no_ranges_has_one_stream() {
    let bench = Bench::new(SIZE).await;
    bench.control.fail_always("/lfs/", Fault::IgnoreRange);
    let mut fetched = fetch(&bench, 4, &CancellationToken::new(), &|_| ()).await.unwrap();
    assert_eq!(content(&mut fetched), noise(SIZE));
    assert_eq!((fetched.downloaded, bench.body_ranges().len()), (SIZE as u64, 1));
}

#[tokio::test]
async fn a_range_that_is_answered_with_the_file_ends_the_others() {
    let bench = Bench::new(SIZE).await;
    bench.control.fail_after(6, "/lfs/", Fault::IgnoreRange, Some(1));
    let mut fetched = fetch(&bench, 4, &CancellationToken::new(), &|_| ()).await.unwrap();
    assert_eq!(content(&mut fetched), noise(SIZE));
    assert_eq!(fetched.downloaded, SIZE as u64, "what was there is kept");
}

#[tokio::test]
async fn no_more_ranges_at_once_than_connections_and_a_cancel_ends_all() {
    let bench = Bench::new(SIZE).await;
    bench.control.fail_always("/lfs/", Fault::StallAfter(1000));
    let cancel = CancellationToken::new();
    let stop = async {
        let are_silent = |log: &[Logged]| bodies(log).iter().filter(|one| one.bytes_sent == 1000).count() == 4;
        let log = bench.control.wait_for(are_silent).await;
        cancel.cancel();
        bodies(&log).len()
    };
    let both = async { tokio::join!(fetch(&bench, 4, &cancel, &|_| ()), stop) };
    let (result, at_once) = timeout(Duration::from_secs(10), both).await.unwrap();
    assert!(matches!(result, Err(HubError::Cancelled)));
    assert_eq!(at_once, 4);
}

#[tokio::test]
async fn what_was_there_at_a_cancel_is_not_fetched_again() {
    for connections in [1, 4] {
        let bench = Bench::new(SIZE).await;
        // The first range stays behind, so that there are holes.
        bench.control.fail_on("/lfs/", Fault::StallAfter(1000), 1);
        let cancel = CancellationToken::new();
        let error = fetch(&bench, 4, &cancel, &cancel_at(&cancel, 2 * MIB as u64)).await.unwrap_err();
        assert!(matches!(error, HubError::Cancelled), "{error}");
        bench.control.clear();
        let mut fetched = fetch(&bench, connections, &CancellationToken::new(), &|_| ()).await.unwrap();
        assert_eq!(content(&mut fetched), noise(SIZE));
        assert!(fetched.resumed_from >= 2 * MIB as u64, "{}", fetched.resumed_from);
        assert_eq!(fetched.downloaded, SIZE as u64 - fetched.resumed_from);
    }
}
