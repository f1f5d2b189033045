//! Prints how fast a shard is written and read: `cargo run --release -p shard-store --example write_speed -- DIR [MB]`.
//!
//! The write (encoding, digests, page cache) and the finish (sync, rename) are timed apart, because the second is the
//! disk's figure and not ours.

use std::sync::Arc;
use std::time::Instant;

use arrow_array::{Int32Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use shard_store::{ShardStore, StoreError};

const BATCH_ROWS: i32 = 512 * 1024;

fn main() -> Result<(), StoreError> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().unwrap_or_else(|| "write-speed".to_owned());
    let megabytes: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(512);

    let store = ShardStore::open(dir)?;
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int32, false)]));
    let column = Arc::new(Int32Array::from_iter_values((0..BATCH_ROWS).map(|i| i.wrapping_mul(2_654_435))));
    let batch = RecordBatch::try_new(schema.clone(), vec![column])
        .map_err(|source| StoreError::Arrow { key: "speed.arrow".to_owned(), source })?;

    let started = Instant::now();
    let mut writer = store.create("speed.arrow", schema)?;
    while writer.bytes_written() < (megabytes as u64) * 1_000_000 {
        writer.write(&batch)?;
    }
    let written = started.elapsed();
    let sealed = writer.finish()?;
    let finished = started.elapsed();
    let started_reading = Instant::now();
    let reader = store.open_shard(&sealed.key)?;
    for (i, digest) in sealed.batch_digests.iter().enumerate() {
        reader.verify_batch(i, *digest)?;
    }
    let verified = started_reading.elapsed();
    store.remove(&sealed.key)?;

    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = |time: std::time::Duration| sealed.size_bytes as f64 / 1e6 / time.as_secs_f64();
    eprintln!(
        "{} bytes: write {:.0} MB/s, sync and rename {:.2} s, verify batches {:.0} MB/s",
        sealed.size_bytes,
        rate(written),
        finished.saturating_sub(written).as_secs_f64(),
        rate(verified)
    );
    Ok(())
}
