//! The tokenization pipeline by itself, stage by stage: what each costs beside the one before it.
//!
//! `pipeline TOKENIZER_JSON THREADS ROUNDS FILE.parquet…` makes one raw shard of the column `text` and prints, as a
//! median of the rounds, what each stage takes on one thread: encode, filter, window, pack, statistics; and the whole way
//! from the raw shard to a durable token shard on THREADS. With ROUNDS 0 the whole way is gone once, for a profiler.
#![expect(clippy::print_stdout, reason = "figures are its output")]

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, UInt16Type};
use arrow_array::RecordBatch;
use dataset_model::statistics::DroppedByRule;
use dataset_model::{TokenizeConfig, TokenizeRequest, TokenizeSpec};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use shard_store::{ShardReader, ShardStore};
use tokenization::engine::filter::Filter;
use tokenization::engine::format::{self, IdType};
use tokenization::engine::shard::{Resources, Source, Watch, tokenize};
use tokenization::engine::{EngineChoice, Recipe, SpecialNames, Tokenizer};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Rows of a stored batch: a few MB of prose.
const BATCH_ROWS: usize = 256;
const WINDOW: (u32, u32) = (512, 64);

struct Bench {
    store: ShardStore,
    raw: ShardReader,
    tokenizer: Arc<Tokenizer>,
    threads: usize,
    text_bytes: u64,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tokenizer, threads, rounds, files @ ..] = &arguments[..] else {
        return Err("usage: pipeline TOKENIZER_JSON THREADS ROUNDS FILE.parquet…".into());
    };
    let folder = tempfile::tempdir()?;
    let store = ShardStore::open(folder.path())?;
    let tokenizer = Tokenizer::parse(&std::fs::read(tokenizer)?, &SpecialNames::default(), EngineChoice::Auto)?;
    let (raw, text_bytes) = raw_shard(&store, files)?;
    let bench = Bench { store, raw, tokenizer: Arc::new(tokenizer), threads: threads.parse()?, text_bytes };
    let rounds: usize = rounds.parse()?;
    if rounds == 0 {
        return bench.whole(&config(false)?).map(|tokens| println!("{tokens} tokens of {text_bytes} bytes"));
    }
    println!("{} serves; {:.1} MB of text", bench.tokenizer.encoder().name(), mega(text_bytes));
    let (plain, filtered) = (Recipe::new(bench.tokenizer.clone(), &config(false)?)?, Filter::new(bench.tokenizer.vocabulary(), &config(true)?)?);
    let filtered = filtered.ok_or("the filters are off")?;
    bench.whole(&config(false)?)?;
    let mut ids: Vec<Vec<u32>> = Vec::new();
    bench.print("encode", rounds, || {
        ids.clear();
        bench.each(|text| {
            let mut of_text = Vec::new();
            plain.encoder().encode(text, &|| false, &mut of_text)?;
            ids.push(of_text);
            Ok(())
        })
    })?;
    bench.print("filter", rounds, || {
        let mut dropped = DroppedByRule::default();
        ids.iter().for_each(|ids| filtered.apply(&mut ids.clone(), &mut dropped));
        black_box(dropped);
        Ok(())
    })?;
    bench.print("window", rounds, || {
        ids.iter().flat_map(|ids| plain.sequences(ids)).for_each(|window| drop(black_box(window.concat())));
        Ok(())
    })?;
    bench.print("statistics", rounds, || {
        let mut counts = plain.counts();
        ids.iter().flat_map(|ids| plain.sequences(ids)).for_each(|window| counts.add_sequence(&window));
        black_box(counts);
        Ok(())
    })?;
    let packed = TokenizeConfig { packing: dataset_model::Packing::Concat, stride: 0, append_eos: false, ..config(false)? };
    bench.print("whole, windows", rounds, || bench.whole(&config(false)?).map(drop))?;
    bench.print("whole, all filters", rounds, || bench.whole(&config(true)?).map(drop))?;
    bench.print("whole, packed rows", rounds, || bench.whole(&packed).map(drop))
}

impl Bench {
    fn print(&self, name: &str, rounds: usize, mut stage: impl FnMut() -> Outcome<()>) -> Outcome<()> {
        let mut took = Vec::new();
        for _ in 0..rounds {
            let started = Instant::now();
            stage()?;
            took.push(started.elapsed());
        }
        took.sort_unstable();
        let median = took.get(rounds / 2).copied().unwrap_or(Duration::ZERO).as_secs_f64();
        println!("{name:20} {:8.1} MB/s {:8.1} ms", mega(self.text_bytes) / median, median * 1e3);
        Ok(())
    }

    fn each(&self, mut text: impl FnMut(&str) -> Outcome<()>) -> Outcome<()> {
        for batch in 0..self.raw.batch_count() {
            let batch = self.raw.batch(batch)?;
            batch.column(0).as_string::<i32>().iter().flatten().try_for_each(&mut text)?;
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
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build()?;
        let source = Source { reader: &self.raw, row_start: 0, text_column: "text" };
        let resources = Resources { pool: &pool, batch_rows: 1000, memory_bytes: 256 << 20 };
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

fn config(filters: bool) -> Outcome<TokenizeConfig> {
    let request = TokenizeRequest {
        tokenizer_name: "tokenmill/any".to_owned(),
        max_length: Some(WINDOW.0),
        stride: Some(WINDOW.1),
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
