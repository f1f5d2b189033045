//! kill -9 at random moments of a download of many files: it ends right, and what was there is not fetched again.

use crate::{
    create, oracle,
    up::{PATIENCE, Up},
    wait_ready,
};
use anyhow::{Result, bail, ensure};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::fmt::Write;
use test_kit::fake_hub::{FakeHub, Logged};

const REPO: &str = "acme/many";
const FILES: usize = 24;
const ROW_BYTES: usize = 5000;
/// As fast as a download of so many seconds, so that there are moments in which to kill it.
const SECONDS: u64 = 5;
const SECONDS_OF_MANY: u64 = 20;
/// Files that are fetched at once.
const AT_ONCE: u64 = 8;
/// What a kill may cost a file at most: the bytes since it was last synced.
const CHECKPOINT: u64 = 64 << 20;
/// A task is given up after three crashes in a row, unless a checkpoint was passed between them.
const CRASHES_IN_A_ROW: u64 = 2;
/// So much makes a checkpoint that the catalog has heard of: the heart beats twice a second.
const LEAST: u64 = CHECKPOINT + (48 << 20);

/// How often it is killed: as often as `TOKENMILL_TEST_KILLS` says, else twice.
#[expect(clippy::disallowed_methods, reason = "how long a test is to take is no setting of a service")]
fn kills() -> Result<u64> {
    Ok(std::env::var("TOKENMILL_TEST_KILLS").ok().map(|count| count.parse()).transpose()?.unwrap_or(2))
}

fn sent(log: &[Logged]) -> u64 {
    log.iter().filter(|request| request.path.starts_with("/lfs/")).map(|request| request.bytes_sent).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_of_many_files_is_killed_again_and_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (data_dir, root) = (folder.path().join("data"), folder.path().join("hub"));
    std::fs::create_dir(&data_dir)?;
    let kills = kills()?;
    let is_often = kills > CRASHES_IN_A_ROW;
    let rows = if is_often { usize::try_from((kills + 2) * LEAST)? / ROW_BYTES / FILES } else { 300 };
    let (mut size, mut files) = (0, FakeHub::repo(&root, &format!("datasets/{REPO}")));
    for file in 0..FILES {
        let mut content = String::new();
        for row in 0..rows {
            let text = "some text ".repeat(ROW_BYTES / 10);
            writeln!(content, "{{\"n\": {}, \"text\": \"{text}\"}}", file * rows + row)?;
        }
        size += content.len() as u64;
        files = files.file(&format!("train-{file:02}.jsonl"), content);
    }
    files.write()?;
    let (hub, control) = FakeHub::start(&root).await?;
    control.throttle(Some(size / AT_ONCE / if is_often { SECONDS_OF_MANY } else { SECONDS }));

    let seed = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    println!("{size} bytes in {FILES} files, {kills} kills, seed {seed}");
    let mut up = Up::start(&data_dir, &hub.endpoint()).await?;
    let id = create(&up, REPO).await?;
    for left in (1..=kills).rev() {
        // Each moment within its share of what is missing, so that there is something left for the last one.
        let before = sent(&control.requests());
        let share = size.saturating_sub(before) / (left + 1);
        let least = if is_often { LEAST.min(share) } else { 0 };
        let moment = before + random.random_range(least..=share);
        if tokio::time::timeout(PATIENCE, control.wait_for(|log| sent(log) >= moment)).await.is_err() {
            bail!("it does not go on after {before} bytes: {:?}", up.catalog.get_dataset(id).await?);
        }
        up.kill().await?;
        println!("killed after {moment} bytes");
        up = Up::start(&data_dir, &hub.endpoint()).await?;
    }
    control.throttle(None);
    let dataset = wait_ready(&up, id).await?;
    let again = sent(&control.requests()).saturating_sub(size);
    println!("{again} bytes came again in {kills} kills");
    ensure!(again <= kills * CHECKPOINT, "{again} bytes came again");
    // In this small download the bound says little. What was in the file when it was killed is there: only what was on
    // its way comes again.
    ensure!(again <= kills * size / 4, "{again} of {size} bytes came again");

    let address = format!("grpc://{}", up.flight);
    let (id, folder) = (id.to_string(), root.join("datasets").join(REPO).display().to_string());
    let read = oracle("raw_rows.py", &[&address, &id, "train", &folder]).await?;
    println!("rows, as pyarrow reads them over Flight and in the source: {read}");
    ensure!(read["flight"] == read["source"], "{read}");
    ensure!(read["rows"] == FILES * rows && dataset.row_count == Some((FILES * rows) as u64), "{read}, {dataset:?}");
    up.stop().await
}
