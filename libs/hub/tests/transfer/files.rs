//! Transfers against a Hub that misbehaves: what comes out is right, or a typed error, and never anything else.

use std::{fs, sync::Mutex, time::Duration};

use crate::support::{Bench, LARGE, REPO, cancel_at, content, fetch_with, impatient, noise};
use hub::{Digest, HubClient, HubConfig, HubError, RepoKind};
use test_kit::fake_hub::Fault;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_large_file_arrives_and_is_verified() {
    let bench = Bench::new(3 * MIB).await;
    let (commit, file) = bench.listed(LARGE).await;
    assert!(matches!(file.digest, Digest::Sha256(_)));
    let seen = Mutex::new(Vec::new());
    let progress = |at| seen.lock().unwrap().push(at);
    let mut fetched = bench.fetch_listed(&commit, &file, &CancellationToken::new(), &progress).await.unwrap();
    assert_eq!(content(&mut fetched), noise(3 * MIB));
    assert_eq!((fetched.downloaded, fetched.resumed_from), (file.size, 0));
    assert_eq!(fetched.path, bench.staging.path().join(format!("{}.part", file.digest.to_hex())));
    let seen = seen.into_inner().unwrap();
    assert!(seen.is_sorted() && seen.last() == Some(&file.size));
    assert_eq!(bench.staged().len(), 1);
}

#[tokio::test]
async fn a_small_file_arrives_over_the_git_route() {
    let bench = Bench::new(10).await;
    let (_, file) = bench.listed("README.md").await;
    assert!(matches!(file.digest, Digest::GitSha1(_)));
    let mut fetched = bench.fetch("README.md").await.unwrap();
    assert_eq!(content(&mut fetched), b"---\nlicense: mit\n---\n# Corpus\n");
}

#[tokio::test]
async fn an_empty_file_needs_no_request() {
    let bench = Bench::with(|repo| repo.file("empty.txt", "")).await;
    let fetched = bench.fetch("empty.txt").await.unwrap();
    assert_eq!(fetched.downloaded, 0);
    assert!(bench.body_ranges().is_empty());
}

#[tokio::test]
async fn a_cancelled_transfer_stops_at_once_and_is_resumed() {
    let bench = Bench::new(12 * MIB).await;
    let (commit, file) = bench.listed(LARGE).await;
    bench.control.throttle(Some(20 * MIB as u64));
    let cancel = CancellationToken::new();
    let error = bench.fetch_listed(&commit, &file, &cancel, &cancel_at(&cancel, 4 * MIB as u64)).await.unwrap_err();
    assert!(matches!(error, HubError::Cancelled), "{error}");
    bench.control.throttle(None);

    // Another process: nothing but the folder is left of the first.
    let client = HubClient::new(impatient(bench.hub.endpoint())).unwrap();
    let none = CancellationToken::new();
    let mut fetched = fetch_with(&client, &commit, &file, bench.staging.path(), &none, &|_| ()).await.unwrap();
    assert_eq!(content(&mut fetched), noise(12 * MIB));
    assert!(fetched.resumed_from >= 4 * MIB as u64 && fetched.resumed_from < file.size, "{}", fetched.resumed_from);
    assert_eq!(fetched.downloaded, file.size - fetched.resumed_from);
    assert_eq!(bench.body_ranges(), [None, Some(format!("bytes={}-", fetched.resumed_from))]);
    let last = bench.control.requests().pop().unwrap();
    assert_eq!((last.status, last.if_range), (206, Some(format!("\"{}\"", file.digest.to_hex()))));
    assert_eq!(bench.staged().len(), 1, "the etag is gone");
}

#[tokio::test]
async fn a_complete_part_needs_no_request() {
    let bench = Bench::new(2 * MIB).await;
    drop(bench.fetch(LARGE).await.unwrap());
    let again = bench.fetch(LARGE).await.unwrap();
    assert_eq!((again.downloaded, again.resumed_from), (0, 2 * MIB as u64));
    assert_eq!(bench.body_ranges().len(), 1);
}

#[tokio::test]
async fn a_damaged_part_is_found_out_and_replaced() {
    let bench = Bench::new(2 * MIB).await;
    let (_, file) = bench.listed(LARGE).await;
    let part = bench.staging.path().join(format!("{}.part", file.digest.to_hex()));
    fs::write(&part, vec![7; MIB]).unwrap();
    let mut fetched = bench.fetch(LARGE).await.unwrap();
    assert_eq!(content(&mut fetched), noise(2 * MIB));
    assert_eq!(bench.body_ranges(), [Some(format!("bytes={MIB}-")), None]);
}

#[tokio::test]
async fn two_transfers_of_one_content_do_not_share_a_file() {
    let bench = Bench::new(2 * MIB).await;
    let (mut first, mut second) = (bench.fetch(LARGE).await.unwrap(), bench.fetch(LARGE).await.unwrap());
    assert_ne!(first.path, second.path);
    assert_eq!(content(&mut first), content(&mut second));
}

#[tokio::test]
async fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let bench = Bench::new(6 * MIB).await;
    bench.control.fail_next(Fault::DropAfter(2 * MIB as u64));
    bench.control.fail_next(Fault::DropAfter(MIB as u64));
    let mut fetched = bench.fetch(LARGE).await.unwrap();
    assert_eq!(content(&mut fetched), noise(6 * MIB));
    assert_eq!(fetched.downloaded, 6 * MIB as u64, "nothing came twice");
    assert_eq!(bench.body_ranges().iter().flatten().count(), 2);
}

#[tokio::test]
async fn progress_forgives_more_failures_than_there_are_tries() {
    let bench = Bench::new(4 * MIB).await;
    bench.control.fail_on("/lfs/", Fault::DropAfter(MIB as u64 / 2), 7);
    assert_eq!(content(&mut bench.fetch(LARGE).await.unwrap()), noise(4 * MIB));
    assert_eq!(bench.body_ranges().len(), 8);
}

#[tokio::test]
async fn a_server_that_ignores_ranges_is_read_from_the_start() {
    let bench = Bench::new(2 * MIB).await;
    bench.control.fail_next(Fault::DropAfter(MIB as u64));
    bench.control.fail_next(Fault::IgnoreRange);
    let mut fetched = bench.fetch(LARGE).await.unwrap();
    assert_eq!(content(&mut fetched), noise(2 * MIB));
    assert!(fetched.downloaded > 2 * MIB as u64);
}

#[tokio::test]
async fn a_file_that_changed_behind_its_part_is_read_from_the_start() {
    let bench = Bench::new(2 * MIB).await;
    let (_, file) = bench.listed(LARGE).await;
    let part = bench.staging.path().join(format!("{}.part", file.digest.to_hex()));
    fs::write(&part, &noise(2 * MIB)[..MIB]).unwrap();
    fs::write(part.with_extension("etag"), "\"of-another-version\"").unwrap();
    let mut fetched = bench.fetch(LARGE).await.unwrap();
    assert_eq!(content(&mut fetched), noise(2 * MIB));
    assert_eq!(fetched.downloaded, 2 * MIB as u64, "If-Range did not match");
}

#[tokio::test]
async fn errors_that_pass_are_sat_out() {
    for (status, path) in [(503, "/resolve/"), (500, "/lfs/"), (403, "/lfs/"), (416, "/lfs/")] {
        let bench = Bench::new(MIB).await;
        bench.control.fail_on(path, Fault::status(status), 2);
        assert_eq!(content(&mut bench.fetch(LARGE).await.unwrap()), noise(MIB), "{status}");
        assert_eq!(bench.control.requests().iter().filter(|one| one.status == status).count(), 2);
    }
}

#[tokio::test]
async fn errors_that_stay_end_after_the_tries() {
    let bench = Bench::new(MIB).await;
    bench.control.fail_always("/resolve/", Fault::status(503));
    let error = bench.fetch(LARGE).await.unwrap_err();
    assert!(matches!(error, HubError::ServerError { status: 503 }) && error.is_retryable(), "{error}");
    assert_eq!(bench.control.requests().iter().filter(|one| one.status == 503).count(), 5);
}

#[tokio::test]
async fn a_page_in_place_of_the_file_is_never_taken_for_it() {
    let bench = Bench::new(MIB).await;
    let page = |headers: &[(&str, &str)]| Fault::answer(200, headers, "<html>Sign in to the network</html>");
    bench.control.fail_always("/resolve/", page(&[]));
    let error = bench.fetch(LARGE).await.unwrap_err();
    assert!(matches!(error, HubError::NotAHub { .. }), "{error}");
    // With a length it is refused at once; without one, when it ends.
    for headers in [&[][..], &[("transfer-encoding", "chunked")]] {
        bench.control.clear();
        bench.control.fail_always("/lfs/", page(headers));
        let error = bench.fetch(LARGE).await.unwrap_err();
        assert!(matches!(error, HubError::WrongLength { actual: 35, .. }), "{error}");
    }
    bench.control.clear();
    bench.control.fail_on("/lfs/", page(&[("transfer-encoding", "chunked")]), 1);
    assert_eq!(bench.fetch(LARGE).await.unwrap().downloaded, MIB as u64 + 35, "nothing of it was kept");
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_by_all() {
    let bench = Bench::new(MIB).await;
    for fault in [Fault::retry_after(0), Fault::rate_limit(0)] {
        let (commit, file) = bench.listed(LARGE).await;
        let staging = tempfile::tempdir().unwrap();
        bench.control.fail_on("/resolve/", fault, 1);
        let (start, none) = (Instant::now(), CancellationToken::new());
        let fetch = || fetch_with(&bench.client, &commit, &file, staging.path(), &none, &|_| ());
        let (one, two) = tokio::join!(fetch(), fetch());
        assert!(one.is_ok() && two.is_ok());
        assert!(start.elapsed() >= Duration::from_secs(1), "t and Retry-After are rounded down");
    }
}

#[tokio::test]
async fn a_long_rate_limit_goes_back_to_the_caller_at_once() {
    let bench = Bench::new(MIB).await;
    let (commit, file) = bench.listed(LARGE).await;
    bench.control.fail_on("/resolve/", Fault::rate_limit(280), 1);
    let none = CancellationToken::new();
    for _ in 0..2 {
        let error = bench.fetch_listed(&commit, &file, &none, &|_| ()).await.unwrap_err();
        let HubError::RateLimited { retry_after } = error else { panic!("{error}") };
        assert!((270..=281).contains(&retry_after.as_secs()), "{retry_after:?}");
    }
    assert_eq!(bench.control.requests().iter().filter(|one| one.path.contains("/resolve/")).count(), 1);
}

#[tokio::test]
async fn a_byte_that_flips_once_is_fetched_again() {
    let bench = Bench::new(2 * MIB).await;
    bench.control.fail_next(Fault::FLIP);
    let mut fetched = bench.fetch(LARGE).await.unwrap();
    assert_eq!(content(&mut fetched), noise(2 * MIB));
    assert_eq!(fetched.downloaded, 4 * MIB as u64);
}

#[tokio::test]
async fn a_byte_that_always_flips_is_a_checksum_mismatch() {
    let bench = Bench::new(MIB).await;
    bench.control.fail_always("/lfs/", Fault::FLIP);
    let (_, file) = bench.listed(LARGE).await;
    let error = bench.fetch(LARGE).await.unwrap_err();
    let HubError::ChecksumMismatch { path, expected, actual } = error else { panic!("{error}") };
    assert_eq!((path.as_str(), expected), (LARGE, file.digest));
    assert_ne!(expected, actual);
    assert_eq!(bench.body_ranges().len(), 4, "once, and three times again");
    assert!(bench.staged().is_empty());
}

#[tokio::test]
async fn silence_ends_a_transfer_and_it_goes_on() {
    let bench = Bench::new(3 * MIB).await;
    let config = HubConfig { stall_timeout: Duration::from_millis(500), ..impatient(bench.hub.endpoint()) };
    let client = HubClient::new(config).unwrap();
    let (commit, file) = bench.listed(LARGE).await;
    bench.control.fail_next(Fault::StallAfter(MIB as u64));
    let none = CancellationToken::new();
    let mut fetched = fetch_with(&client, &commit, &file, bench.staging.path(), &none, &|_| ()).await.unwrap();
    assert_eq!(content(&mut fetched), noise(3 * MIB));
    assert_eq!(fetched.downloaded, 3 * MIB as u64);
}

#[tokio::test]
async fn a_trickle_is_a_stall_too() {
    let bench = Bench::new(MIB).await;
    let config = HubConfig {
        min_bytes_per_second: 10 * MIB as u64,
        stall_timeout: Duration::from_millis(1200),
        request_tries: 1,
        ..impatient(bench.hub.endpoint())
    };
    let client = HubClient::new(config).unwrap();
    let (commit, file) = bench.listed(LARGE).await;
    bench.control.throttle(Some(200 << 10));
    let none = CancellationToken::new();
    let error = fetch_with(&client, &commit, &file, bench.staging.path(), &none, &|_| ()).await.unwrap_err();
    assert!(matches!(error, HubError::Stalled { bytes, .. } if bytes > 0), "{error}");
}

#[tokio::test]
async fn cancelling_a_silent_transfer_does_not_wait_for_it() {
    let bench = Bench::new(2 * MIB).await;
    let (commit, file) = bench.listed(LARGE).await;
    bench.control.fail_next(Fault::StallAfter(MIB as u64));
    let cancel = CancellationToken::new();
    let fetch = bench.fetch_listed(&commit, &file, &cancel, &|_| ());
    let stop = async {
        bench.control.wait_for(|log| log.last().is_some_and(|one| one.bytes_sent == MIB as u64)).await;
        cancel.cancel();
    };
    let (result, ()) = timeout(Duration::from_secs(10), async { tokio::join!(fetch, stop) }).await.unwrap();
    assert!(matches!(result, Err(HubError::Cancelled)));
}

#[tokio::test]
async fn very_large_files_are_fetched_in_ranges() {
    let bench = Bench::new(5 * MIB).await;
    let config =
        HubConfig { single_get_limit: MIB as u64, range_size: 2 * MIB as u64, ..impatient(bench.hub.endpoint()) };
    let client = HubClient::new(config).unwrap();
    let (commit, file) = bench.listed(LARGE).await;
    let none = CancellationToken::new();
    let mut fetched = fetch_with(&client, &commit, &file, bench.staging.path(), &none, &|_| ()).await.unwrap();
    assert_eq!(content(&mut fetched), noise(5 * MIB));
    let ranges: Vec<String> = bench.body_ranges().into_iter().flatten().collect();
    assert_eq!(ranges, ["bytes=0-2097151", "bytes=2097152-4194303", "bytes=4194304-"]);
}

#[tokio::test]
async fn no_more_files_at_once_than_allowed() {
    let bench = Bench::new(MIB).await;
    let client = HubClient::new(HubConfig { max_files: 1, ..impatient(bench.hub.endpoint()) }).unwrap();
    let (commit, file) = bench.listed(LARGE).await;
    bench.control.fail_next(Fault::StallAfter(MIB as u64 / 2));
    let (none, other) = (CancellationToken::new(), tempfile::tempdir().unwrap());
    let patient = client.clone();
    let first = fetch_with(&patient, &commit, &file, bench.staging.path(), &none, &|_| ());
    let second = fetch_with(&client, &commit, &file, other.path(), &none, &|_| ());
    let watch = async {
        let log = bench.control.wait_for(|log| log.iter().any(|one| one.bytes_sent == MIB as u64 / 2)).await;
        bench.control.release();
        log.iter().filter(|one| one.path.starts_with("/lfs/")).count()
    };
    let (first, second, at_once) = tokio::join!(first, second, watch);
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(at_once, 1);
}

#[tokio::test]
async fn small_reads_are_verified_too() {
    let bench = Bench::new(10).await;
    let (commit, readme) = bench.listed("README.md").await;
    let read = |limit| bench.client.read_small(RepoKind::Dataset, REPO, &commit, &readme, limit, None);
    bench.control.fail_next(Fault::FLIP);
    bench.control.fail_next(Fault::DropAfter(5));
    assert_eq!(read(1000).await.unwrap(), b"---\nlicense: mit\n---\n# Corpus\n");
    assert!(matches!(read(10).await, Err(HubError::TooLarge { limit: 10, .. })));
    bench.control.fail_always("/api/resolve-cache/", Fault::FLIP);
    assert!(matches!(read(1000).await, Err(HubError::ChecksumMismatch { .. })));
}
