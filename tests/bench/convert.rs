//! The conversion by itself: source files that lie on the disk become a raw shard that is durable there.
//!
//! `convert FORMAT DIR FILE…` does what a work task does once its files have arrived, and prints the seconds and the rows.
//! The shard lies in DIR.
#![expect(clippy::print_stdout, reason = "figures are its output")]

use std::{error::Error, fs::File, sync::mpsc::sync_channel, thread, time::Instant};

use ingestion::convert::{
    ConvertError, Format, Look, Reading, Source,
    batches::{BATCH_BYTES, Batcher, batch_bytes},
    common_schema,
};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use shard_store::ShardStore;
use tokio_util::sync::CancellationToken;

// As in the product.
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

/// As in the product: hauls of some 2 MiB.
const READ_AHEAD: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    allocator::give_back();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [format, dir, files @ ..] = &arguments[..] else {
        return Err("usage: convert FORMAT DIR FILE…".into());
    };
    let format = Format::named(format).ok_or("no such format")?;
    let store = ShardStore::open(dir)?;
    let (started, stop) = (Instant::now(), CancellationToken::new());

    let open = |path: &String| {
        let file = File::open(path).map_err(|source| ConvertError::Disk { file: path.clone(), source })?;
        Source::open(path, file, Reading { look: Look::Head, ..format.into() }, &stop)
    };
    let sources = files.par_iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let schema = common_schema(&sources)?;
    let mut writer = store.create("rows.arrow", schema.clone())?;
    let mut cutter = Batcher::new(schema.clone());
    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let (sender, queue) = sync_channel(READ_AHEAD);
        let (sources, schema, stop) = (&sources, &schema, &stop);
        scope.spawn(move || {
            let all = sources.iter().flat_map(|source| match source.batches(schema, stop) {
                Ok(batches) => Box::new(batches) as Box<dyn Iterator<Item = _>>,
                Err(error) => Box::new(std::iter::once(Err(error))),
            });
            let (mut haul, mut bytes) = (Vec::new(), 0);
            for batch in all {
                bytes += batch.as_ref().map_or(BATCH_BYTES, batch_bytes);
                haul.push(batch);
                if bytes >= BATCH_BYTES {
                    bytes = 0;
                    // Nobody takes them after an error.
                    if sender.send(std::mem::take(&mut haul)).is_err() {
                        return;
                    }
                }
            }
            let _ = sender.send(haul);
        });
        for batch in queue.into_iter().flatten() {
            cutter.push(&batch?)?.iter().try_for_each(|batch| writer.write(batch))?;
        }
        Ok(())
    })?;
    cutter.finish()?.iter().try_for_each(|batch| writer.write(batch))?;
    let sealed = writer.finish()?;
    println!("{} {}", started.elapsed().as_secs_f64(), sealed.row_count);
    Ok(())
}
