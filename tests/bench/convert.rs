//! The conversion by itself: source files that lie on the disk become a raw shard that is durable there.
//!
//! `convert FORMAT DIR FILE…` does what a work task does once its files have arrived, and prints the seconds and the rows.
//! The shard lies in DIR.
#![expect(clippy::print_stdout, reason = "figures are its output")]

use std::{error::Error, fs::File, sync::mpsc::sync_channel, thread, time::Instant};

use ingestion::convert::{ConvertError, Format, Look, Reading, Source, batches::Batcher, common_schema};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use shard_store::ShardStore;
use tokio_util::sync::CancellationToken;

// As in the product.
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

/// Batches of half a MiB: some 4 MiB, as in the product.
const READ_AHEAD: usize = 8;

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
            // Nobody takes them after an error.
            all.map(|batch| sender.send(batch)).take_while(Result::is_ok).for_each(drop);
        });
        for batch in queue {
            cutter.push(&batch?)?.iter().try_for_each(|batch| writer.write(batch))?;
        }
        Ok(())
    })?;
    cutter.finish()?.iter().try_for_each(|batch| writer.write(batch))?;
    let sealed = writer.finish()?;
    println!("{} {}", started.elapsed().as_secs_f64(), sealed.row_count);
    Ok(())
}
