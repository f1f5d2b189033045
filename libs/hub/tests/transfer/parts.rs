//! Parts of files: exactly the bytes that were asked for, and no more of the network than these.

use crate::support::{Bench, LARGE, REPO, noise};
use hub::{Excerpt, HubError, RemoteFile, RepoKind};
use test_kit::fake_hub::Fault;

const MIB: usize = 1 << 20;

async fn part(bench: &Bench, listed: &(String, RemoteFile), first: u64, length: u64) -> Result<Vec<u8>, HubError> {
    let (commit, file) = listed;
    let part = Excerpt { kind: RepoKind::Dataset, repo: REPO, commit, file, first, length, token: None };
    bench.client.read_part(part).await
}

fn sent(bench: &Bench) -> u64 {
    bench.control.requests().iter().filter(|one| one.path.starts_with("/lfs/")).map(|one| one.bytes_sent).sum()
}

#[tokio::test]
async fn a_part_is_what_the_file_has_there() {
    let bench = Bench::new(3 * MIB).await;
    let (listed, whole) = (bench.listed(LARGE).await, noise(3 * MIB));
    assert_eq!(part(&bench, &listed, 0, 10).await.unwrap(), whole[..10]);
    assert_eq!(part(&bench, &listed, 100, 5000).await.unwrap(), whole[100..5100]);
    assert_eq!(part(&bench, &listed, 3 * MIB as u64 - 7, 100).await.unwrap(), whole[3 * MIB - 7..]);
    assert_eq!(sent(&bench), 10 + 5000 + 7);
    assert_eq!(part(&bench, &listed, 3 * MIB as u64, 1).await.unwrap(), [0; 0]);
    assert_eq!(bench.body_ranges().len(), 3, "beyond the end nothing is asked for");
    assert_eq!(part(&bench, &listed, 0, u64::MAX).await.unwrap(), whole);
}

#[tokio::test]
async fn a_hub_that_knows_no_ranges_is_read_from_the_start_only() {
    let bench = Bench::new(24 * MIB).await;
    let listed = bench.listed(LARGE).await;
    bench.control.fail_always("/lfs/", Fault::IgnoreRange);
    assert_eq!(part(&bench, &listed, 0, 1000).await.unwrap(), noise(1000));
    assert!(sent(&bench) < 20 * MIB as u64, "the rest is not waited for: {} bytes", sent(&bench));
    assert!(matches!(part(&bench, &listed, 5, 10).await, Err(HubError::WrongRange { .. })));
}

#[tokio::test]
async fn a_part_that_breaks_off_is_asked_for_again() {
    let bench = Bench::new(MIB).await;
    let listed = bench.listed(LARGE).await;
    bench.control.fail_on("/lfs/", Fault::DropAfter(100), 1);
    bench.control.fail_on("/resolve/", Fault::status(503), 1);
    assert_eq!(part(&bench, &listed, 50, 4000).await.unwrap(), noise(MIB)[50..4050]);
}
