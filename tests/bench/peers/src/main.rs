//! The peers in Rust: a plain pipeline around an engine, as one would write it in an afternoon, and the engine alone.
//!
//! `peers ENGINE MODE TOKENIZER_JSON LENGTH STRIDE THREADS OUTPUT SHARD…` reads the column `text` of Arrow files, and
//! prints `SECONDS SEQUENCES TOKENS`. Mode `pipeline` cuts windows and writes them as an Arrow file, `encode` counts ids
//! and writes nothing. Loading the tokenizer is not counted.

use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use arrow_array::{Array, Int32Array, ListArray, RecordBatch, StringArray};
use arrow_buffer::OffsetBuffer;
use arrow_ipc::{reader::FileReader, writer::FileWriter};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use rayon::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Documents that a thread takes at once.
const CHUNK_ROWS: usize = 250;
/// Chunks between two looks at the writer.
const CHUNKS: usize = 16;

enum Engine {
    Tokenizers(Box<tokenizers::pipeline::PipelineTokenizer>),
    Fastokens(fastokens::Tokenizer),
    Splintr(splintr::AnyTokenizer),
}

impl Engine {
    fn load(name: &str, path: &Path) -> Result<Self> {
        Ok(match name {
            "tokenizers-1.0" => {
                let json = tokenizers::canonicalize_file(path).map_err(|e| anyhow!("{e:?}"))?;
                Self::Tokenizers(Box::new(tokenizers::from_json(&json).map_err(|e| anyhow!("{e}"))?))
            }
            "fastokens" => Self::Fastokens(fastokens::Tokenizer::from_file(path).map_err(|e| anyhow!("{e}"))?),
            "splintr" => Self::Splintr(splintr::from_json_bytes(&std::fs::read(path)?).map_err(|e| anyhow!("{e}"))?),
            other => bail!("unknown engine `{other}`"),
        })
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>> {
        Ok(match self {
            Self::Tokenizers(tokenizer) => {
                let mut ids = Vec::with_capacity(text.len() / 4);
                let options = tokenizers::pipeline::EncodeOptions::no_specials();
                tokenizer.encode_into(text, &options, &mut ids).map_err(|e| anyhow!("{e}"))?;
                tokenizers::pipeline::PipelineToken::cast_slice(&ids).to_vec()
            }
            Self::Fastokens(tokenizer) => tokenizer.encode(text).map_err(|e| anyhow!("{e}"))?.to_vec(),
            Self::Splintr(tokenizer) => tokenizer.encode_raw(text),
        })
    }
}

#[derive(Clone, Copy)]
struct Windows {
    length: usize,
    step: usize,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [engine, mode, tokenizer, length, stride, threads, output, shards @ ..] = &arguments[..] else {
        bail!("usage: peers ENGINE MODE TOKENIZER_JSON LENGTH STRIDE THREADS OUTPUT SHARD…");
    };
    let engine = Engine::load(engine, Path::new(tokenizer))?;
    let length: usize = length.parse()?;
    let windows = Windows { length, step: length - stride.parse::<usize>()? };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build()?;
    let texts = mode.as_str() == "encode";
    let texts = if texts { shards.iter().map(|shard| read(shard)).collect::<Result<Vec<_>>>()? } else { Vec::new() };
    let started = Instant::now();
    let (sequences, tokens) = match mode.as_str() {
        "encode" => pool.install(|| encode(&engine, &texts))?,
        "pipeline" => pool.install(|| pipeline(&engine, windows, Path::new(output), shards))?,
        other => bail!("unknown mode `{other}`"),
    };
    println!("{} {sequences} {tokens}", started.elapsed().as_secs_f64());
    Ok(())
}

/// The texts of a file, batch by batch.
fn read(shard: &String) -> Result<Vec<StringArray>> {
    let reader = FileReader::try_new(BufReader::new(File::open(shard)?), None)?;
    reader
        .map(|batch| {
            let texts = Arc::clone(batch?.column_by_name("text").context("no column `text`")?);
            Ok(texts.as_any().downcast_ref::<StringArray>().context("`text` is no string")?.clone())
        })
        .collect()
}

fn chunks(texts: &[StringArray]) -> Vec<(&StringArray, Range<usize>)> {
    let cut = |texts: &StringArray| {
        let length = texts.len();
        (0..length).step_by(CHUNK_ROWS).map(move |start| start..(start + CHUNK_ROWS).min(length)).collect::<Vec<_>>()
    };
    texts.iter().flat_map(|texts| cut(texts).into_iter().map(move |rows| (texts, rows))).collect()
}

fn encode(engine: &Engine, shards: &[Vec<StringArray>]) -> Result<(usize, usize)> {
    let chunks: Vec<_> = shards.iter().flat_map(|texts| chunks(texts)).collect();
    let count = |(texts, rows): &(&StringArray, Range<usize>)| {
        rows.clone().map(|row| Ok(engine.encode(texts.value(row))?.len())).sum::<Result<usize>>()
    };
    Ok((chunks.iter().map(|(_, rows)| rows.len()).sum(), chunks.par_iter().map(count).sum::<Result<usize>>()?))
}

fn pipeline(engine: &Engine, windows: Windows, output: &Path, shards: &[String]) -> Result<(usize, usize)> {
    let item = Arc::new(Field::new_list_field(DataType::Int32, true));
    let schema: SchemaRef = Schema::new(vec![Field::new("input_ids", DataType::List(item), false)]).into();
    let mut writer = FileWriter::try_new_buffered(File::create(output)?, &schema)?;
    let (sender, receiver) = mpsc::sync_channel::<Vec<RecordBatch>>(1);
    std::thread::scope(|scope| {
        let written = scope.spawn(move || -> Result<(usize, usize)> {
            let (mut sequences, mut tokens) = (0, 0);
            for batch in receiver.iter().flatten() {
                let lists: &ListArray = batch.column(0).as_any().downcast_ref().context("a list")?;
                (sequences, tokens) = (sequences + batch.num_rows(), tokens + lists.values().len());
                writer.write(&batch)?;
            }
            writer.finish()?;
            Ok((sequences, tokens))
        });
        for shard in shards {
            let texts = read(shard)?;
            for some in chunks(&texts).chunks(CHUNKS) {
                let batches =
                    some.par_iter().map(|(texts, rows)| rows_of(engine, windows, &schema, texts, rows.clone()));
                sender.send(batches.collect::<Result<_>>()?)?;
            }
        }
        drop(sender);
        written.join().map_err(|_| anyhow!("the writer panicked"))?
    })
}

fn rows_of(
    engine: &Engine,
    windows: Windows,
    schema: &SchemaRef,
    texts: &StringArray,
    rows: Range<usize>,
) -> Result<RecordBatch> {
    let (mut values, mut offsets) = (Vec::new(), vec![0]);
    for row in rows {
        let ids = engine.encode(texts.value(row))?;
        let mut start = 0;
        while start < ids.len() {
            let end = (start + windows.length).min(ids.len());
            values.extend(ids[start..end].iter().map(|id| *id as i32));
            offsets.push(i32::try_from(values.len())?);
            start = if end == ids.len() { end } else { start + windows.step };
        }
    }
    let item = Arc::new(Field::new_list_field(DataType::Int32, true));
    let lists = ListArray::try_new(item, OffsetBuffer::new(offsets.into()), Arc::new(Int32Array::from(values)), None)?;
    Ok(RecordBatch::try_new(schema.clone(), vec![Arc::new(lists)])?)
}
