//! The tokenization pipeline by itself: what each stage costs beside encoding, and the whole way of a shard.
//!
//! `pipeline stages TOKENIZER_JSON THREADS ROUNDS FILE.parquet…` makes one raw shard of the column `text`. It prints what
//! encode, filters, window, pack and statistics take of one thread, chunk by chunk as a job does it; and the whole
//! way from the raw shard to a durable token shard on THREADS. Figures are medians of the rounds.
//!
//! `pipeline whole …` goes the whole way ROUNDS times and measures nothing: for a profiler, or to count instructions.
#![expect(clippy::print_stdout, reason = "figures are its output")]

use std::convert::Infallible;
use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, UInt16Type};
use dataset_model::{Packing, TokenizeConfig, TokenizeRequest, TokenizeSpec};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rayon::{ThreadPool, ThreadPoolBuilder};
use shard_store::{ShardReader, ShardStore};
use tokenization::engine::documents::Documents;
use tokenization::engine::format::{self, IdType, TokenId};
use tokenization::engine::pack::{Packer, Row};
use tokenization::engine::shard::{Resources, Source, Watch, tokenize};
use tokenization::engine::{EngineChoice, Recipe, SpecialNames, Tokenizer};

// As in the product.
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Rows of a stored batch: some 2 MiB of prose, as ingestion cuts them.
const BATCH_ROWS: usize = 880;
const MAX_LENGTH: u32 = 512;
const STRIDE: u32 = 64;
/// Rows of a chunk, which is some 1 MiB.
const CHUNK_ROWS: usize = 440;
const STAGES: [&str; 6] = ["encode", "ids as stored", "ids, statistics", "ids, filters, statistics", "window", "pack"];
/// Ways to store ids: as they are, counted, filtered and counted.
const WAYS: u8 = 3;
/// Chunks that one of them has in its turn.
const IN_TURN: usize = 16;

struct Bench {
    store: ShardStore,
    raw: ShardReader,
    tokenizer: Arc<Tokenizer>,
    /// Its threads keep their caches, as a worker's do.
    pool: ThreadPool,
    rounds: usize,
    text_bytes: u64,
}

fn main() -> Outcome<()> {
    allocator::give_back();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, tokenizer, threads, rounds, files @ ..] = &arguments[..] else {
        return Err("usage: pipeline stages|whole TOKENIZER_JSON THREADS ROUNDS FILE.parquet…".into());
    };
    let folder = tempfile::tempdir()?;
    let store = ShardStore::open(folder.path())?;
    let tokenizer = Tokenizer::parse(std::fs::read(tokenizer)?, &SpecialNames::default(), EngineChoice::Auto)?;
    let (raw, text_bytes) = raw_shard(&store, files)?;
    let pool = ThreadPoolBuilder::new().num_threads(threads.parse()?).build()?;
    let bench = Bench { store, raw, tokenizer: Arc::new(tokenizer), pool, rounds: rounds.parse()?, text_bytes };
    let plain = config(false)?;
    println!("{} serves; {:.1} MB of text", bench.tokenizer.encoder().name(), mega(text_bytes));
    if mode == "whole" {
        return (0..bench.rounds).try_for_each(|_| bench.whole(&plain).map(drop));
    }
    bench.whole(&plain)?;
    match bench.tokenizer.id_type() {
        IdType::U16 => bench.stages::<UInt16Type>()?,
        IdType::I32 => bench.stages::<Int32Type>()?,
    }
    let packed = TokenizeConfig { packing: Packing::Concat, stride: 0, append_eos: false, ..plain.clone() };
    for (name, config) in [("windows", plain), ("windows, all filters", config(true)?), ("packed rows", packed)] {
        let round = |_| {
            let (tokens, took) = timed(|| bench.whole(&config));
            tokens.map(|_| took)
        };
        let times = (0..bench.rounds).map(round).collect::<Outcome<Vec<_>>>()?;
        bench.print(&format!("whole, {name}"), median(times), None);
    }
    Ok(())
}

impl Bench {
    fn print(&self, name: &str, took: Duration, encode: Option<Duration>) {
        let share = encode.map(|encode| format!("{:5.1} % of encode", 100.0 * took.div_duration_f64(encode)));
        let (speed, ms) = (mega(self.text_bytes) / took.as_secs_f64(), took.as_secs_f64() * 1e3);
        println!("{name:28} {speed:8.1} MB/s {ms:8.1} ms   {}", share.unwrap_or_default());
    }

    /// The stages of a chunk of documents, one after the other, as in a job. What comes right after encoding finds the
    /// cache as encoding left it, so each way to store ids follows an encoding of its own; the ways take turns every
    /// few chunks, so that whatever else the machine does meets them alike, and each is as warm as in a job.
    fn stages<T: TokenId>(&self) -> Outcome<()> {
        let recipe = Recipe::new(self.tokenizer.clone(), &config(false)?)?;
        let filtering = Recipe::new(self.tokenizer.clone(), &config(true)?)?;
        let mut rounds = Vec::new();
        for _ in 0..self.rounds {
            let (mut took, mut rows) = (STAGES.map(|_| Duration::ZERO), Vec::new());
            let mut tallies = [recipe.tally(), recipe.tally(), filtering.tally()];
            let mut documents = Documents::default();
            let mut stored = Documents::default();
            for pass in 0..WAYS {
                let mut chunk = 0;
                self.each_chunk(|texts| {
                    let way = (chunk / IN_TURN + usize::from(pass)) % usize::from(WAYS);
                    chunk += 1;
                    documents.clear();
                    let tally = &mut tallies[way];
                    let mut one = |text: &str| recipe.encode(&text.into(), &|| false, &mut documents, tally);
                    let (encoded, encoding) = timed(|| texts.iter().try_for_each(|text| one(text)));
                    encoded?;
                    took[0] += encoding / u32::from(WAYS);
                    let ((), storing) = timed(|| match way {
                        0 => copy::<T>(&documents, &mut stored),
                        1 => recipe.settle::<T>(&documents, &mut stored, tally),
                        _ => filtering.settle::<T>(&documents, &mut stored, tally),
                    });
                    took[1 + way] += storing;
                    if way == 0 {
                        let (window, pack) = cut::<T>(&recipe, &stored, &mut rows);
                        took[4] += window;
                        took[5] += pack;
                    }
                    Ok(())
                })?;
            }
            black_box(&tallies);
            rounds.push(took);
        }
        let encode = median(rounds.iter().map(|took| took[0]).collect());
        for (stage, name) in STAGES.iter().enumerate() {
            self.print(name, median(rounds.iter().map(|took| took[stage]).collect()), Some(encode));
        }
        for (name, with, without) in [("statistics, what they add", 2, 1), ("filters, what they add", 3, 2)] {
            let added = rounds.iter().map(|took| took[with].saturating_sub(took[without])).collect();
            self.print(name, median(added), Some(encode));
        }
        Ok(())
    }

    /// Texts of about 1 MiB at a time.
    fn each_chunk(&self, mut chunk: impl FnMut(&[&str]) -> Outcome<()>) -> Outcome<()> {
        for batch in 0..self.raw.batch_count() {
            let batch = self.raw.batch(batch)?;
            let texts: Vec<&str> = batch.column(0).as_string::<i32>().iter().flatten().collect();
            texts.chunks(CHUNK_ROWS).try_for_each(&mut chunk)?;
        }
        Ok(())
    }

    /// From the raw shard to a durable token shard; the number of tokens.
    fn whole(&self, config: &TokenizeConfig) -> Outcome<u64> {
        let recipe = Recipe::new(self.tokenizer.clone(), config)?;
        let spec = TokenizeSpec {
            config: config.clone(),
            tokenizer_commit: "c".repeat(40),
            tokenizer_sha256: "0".repeat(64),
            identity: "0".repeat(64),
            split: "train".to_owned(),
            chat: None,
        };
        let schema = format::schema(&recipe, &spec);
        let mut writer = self.store.create("tokens.arrow", schema.clone())?;
        let source = Source { reader: &self.raw, row_start: 0, text_column: "text" };
        let resources = Resources { pool: &self.pool, batch_rows: 1000, memory_bytes: 1 << 30 };
        let mut watch = Watch { stop: &|| false, progress: &mut |_| () };
        let counts = match self.tokenizer.id_type() {
            IdType::U16 => tokenize::<UInt16Type>(&recipe, &source, &resources, &mut watch, &mut writer, &schema)?,
            IdType::I32 => tokenize::<Int32Type>(&recipe, &source, &resources, &mut watch, &mut writer, &schema)?,
        };
        let sealed = writer.finish()?;
        self.store.remove(&sealed.key)?;
        Ok(counts.totals.tokens)
    }
}

/// What a pipeline without statistics does.
fn copy<T: TokenId>(documents: &Documents, stored: &mut Documents<T::Native>) {
    stored.clear();
    stored.lengths.extend_from_slice(&documents.lengths);
    stored.ids.extend(documents.ids.iter().map(|id| T::from_id(*id)));
}

/// What windows and what packed rows of the documents take.
fn cut<T: TokenId>(
    recipe: &Recipe,
    documents: &Documents<T::Native>,
    rows: &mut Vec<T::Native>,
) -> (Duration, Duration) {
    rows.clear();
    let mut packer = Packer::new(MAX_LENGTH as usize);
    let each = || documents.ranges().map(|document| &documents.ids[document]);
    let windows = each().flat_map(|ids| recipe.windows(ids.len()).map(move |window| &ids[window]));
    let ((), window) = timed(|| windows.for_each(|ids| rows.extend_from_slice(ids)));
    let keep = |row: &Row<T::Native>| {
        black_box(row);
        Ok::<_, Infallible>(())
    };
    let (Ok(()), pack) = timed(|| each().try_for_each(|ids| packer.push(ids, 0, keep)));
    black_box(&rows);
    (window, pack)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    (work(), started.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn config(filters: bool) -> Outcome<TokenizeConfig> {
    let request = TokenizeRequest {
        tokenizer_name: "tokenmill/any".to_owned(),
        max_length: Some(MAX_LENGTH),
        stride: Some(STRIDE),
        min_token_length: Some(if filters { 3 } else { 0 }),
        filter_special_tokens: Some(filters),
        filter_stop_words: Some(filters),
        add_special_tokens: Some(false),
        ..TokenizeRequest::default()
    };
    Ok(request.filled().map_err(|problem| format!("{problem:?}"))?)
}

fn raw_shard(store: &ShardStore, files: &[String]) -> Outcome<(ShardReader, u64)> {
    let (mut writer, mut text_bytes) = (None, 0);
    for file in files.iter().map(PathBuf::from) {
        for batch in ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?.with_batch_size(BATCH_ROWS).build()? {
            let batch: RecordBatch = batch?;
            let text = batch.project(&[batch.schema().index_of("text")?])?;
            text_bytes += text.column(0).as_string::<i32>().iter().flatten().map(|text| text.len() as u64).sum::<u64>();
            if writer.is_none() {
                writer = Some(store.create("raw.arrow", text.schema())?);
            }
            writer.as_mut().ok_or("no shard")?.write(&text)?;
        }
    }
    let sealed = writer.ok_or("no rows")?.finish()?;
    Ok((store.open_verified(&sealed.key, sealed.batch_digests)?, text_bytes))
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
