//! Every window of real text equals, id for id, what Python's `transformers` makes of it.
//!
//! Over more than 10 MB of English for WordPiece and for byte-level BPE, filters off, with several windows and
//! overlaps, through the same code as a job: raw shard in, token shard out.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, but not in what these share")]
#![expect(clippy::print_stdout, reason = "the test says how much was compared")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use dataset_model::{TokenizeConfig, TokenizeRequest, TokenizeSpec};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};
use shard_store::{ShardReader, ShardStore};
use tokenization::engine::format::{self, IdType};
use tokenization::engine::shard::{Resources, Source, Watch, tokenize};
use tokenization::engine::{Recipe, SpecialNames, Tokenizer};

/// `max_length`, `stride`, special tokens, documents.
type Case = (u32, u32, bool, usize);

/// The first one takes all documents, the others show that no arithmetic is special to it.
const CASES: [Case; 5] = [
    (512, 64, true, usize::MAX),
    (128, 16, false, 2000),
    (1024, 512, true, 2000),
    (16, 13, true, 500),
    (64, 0, false, 500),
];
const DOCUMENTS: usize = 14_500;

#[test]
fn bert_word_piece() {
    compare("bert");
}

#[test]
fn gpt2_byte_level() {
    compare("gpt2");
}

#[test]
fn llama3_byte_level() {
    compare("llama3");
}

fn compare(name: &str) {
    let data = test_kit::sample_hub();
    let tokenizer_json = data.join("models/tokenmill").join(name).join("tokenizer.json");
    let docs = data.join("datasets/tokenmill/english-docs/data");
    let parquet = [0, 1].map(|n| docs.join(format!("train-0000{n}-of-00004.parquet")));
    let texts: Vec<String> = parquet.iter().flat_map(|path| texts(path)).take(DOCUMENTS).collect();
    let text_bytes: usize = texts.iter().map(String::len).sum();
    assert!(text_bytes > 10_000_000, "the sample data has only {text_bytes} bytes");

    let dir = tempfile::tempdir().unwrap();
    let expected = dir.path().join("expected");
    let mut python = reference(&tokenizer_json, &parquet, &expected, texts.len());
    let store = ShardStore::open(dir.path().join("store")).unwrap();
    let json = std::fs::read(&tokenizer_json).unwrap();
    let tokenizer = Arc::new(Tokenizer::parse(&json, &SpecialNames::default()).unwrap());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();

    let started = std::time::Instant::now();
    let shards = CASES.map(|case| {
        let raw = raw_shard(&store, &texts[..case.3.min(texts.len())]);
        token_shard(&store, &raw, &tokenizer, &pool, case)
    });
    let ours = started.elapsed();
    assert!(python.wait().unwrap().success());

    let expected = std::fs::read(expected).unwrap();
    let mut rest = &expected[..];
    let (mut documents, mut windows, mut tokens) = (0, 0, 0);
    for (case, shard) in CASES.iter().zip(&shards) {
        let mut ours = sequences(shard).peekable();
        for (doc, text) in (0_u64..).zip(&texts).take(case.3) {
            let count = u32::from_le_bytes(take(&mut rest));
            documents += 1;
            if count == 1 && ours.peek().is_none_or(|(at, ..)| *at != doc) {
                // Python makes a window of special tokens alone of an empty text; here it gives no sequence.
                assert!(text.trim().is_empty(), "document {doc} of {name} is missing in {case:?}");
                take::<4>(&mut rest);
                take::<32>(&mut rest);
                continue;
            }
            for window in 0..count {
                let (length, digest) = (u32::from_le_bytes(take(&mut rest)), take::<32>(&mut rest));
                let (at, number, ids) = ours.next().unwrap();
                assert_eq!((at, number, ids.len()), (doc, window, length as usize), "{name}, {case:?}");
                let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
                assert!(Sha256::digest(bytes)[..] == digest, "{name}, {case:?}: window {window} of document {doc}");
                windows += 1;
                tokens += ids.len();
            }
        }
        assert!(ours.next().is_none(), "{name}, {case:?}: more windows than Python");
    }
    assert!(rest.is_empty());
    println!(
        "{name}: {documents} documents, {windows} windows and {tokens} tokens are equal; {} cases over up to \
         {text_bytes} bytes of text in {:.1} s",
        CASES.len(),
        ours.as_secs_f64(),
    );
}

fn reference(tokenizer_json: &Path, parquet: &[PathBuf], out: &Path, documents: usize) -> std::process::Child {
    let cases = CASES.map(|(max_length, stride, special, limit)| {
        format!("{max_length}:{stride}:{}:{}", u8::from(special), limit.min(documents))
    });
    let parquet: Vec<&str> = parquet.iter().map(|path| path.to_str().unwrap()).collect();
    Command::new(test_kit::python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exactness/reference.py"))
        .args([tokenizer_json.to_str().unwrap(), &parquet.join(","), out.to_str().unwrap(), &cases.join(",")])
        .spawn()
        .unwrap()
}

fn texts(parquet: &Path) -> Vec<String> {
    let file = std::fs::File::open(parquet).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let text = |batch: RecordBatch| batch.column_by_name("text").unwrap().clone();
    let column = |column: ArrayRef| column.as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect();
    reader.map(|batch| column(text(batch.unwrap()))).collect::<Vec<Vec<String>>>().concat()
}

fn raw_shard(store: &ShardStore, texts: &[String]) -> ShardReader {
    let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, true)]));
    let mut writer = store.create("raw.arrow", schema.clone()).unwrap();
    for texts in texts.chunks(700) {
        let column: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
        writer.write(&RecordBatch::try_new(schema.clone(), vec![column]).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    store.open_shard("raw.arrow").unwrap()
}

fn token_shard(
    store: &ShardStore,
    raw: &ShardReader,
    tokenizer: &Arc<Tokenizer>,
    pool: &rayon::ThreadPool,
    (max_length, stride, special, _): Case,
) -> ShardReader {
    let config = no_filter(max_length, stride, special);
    let recipe = Recipe::new(tokenizer.clone(), &config).unwrap();
    let spec = TokenizeSpec {
        config,
        tokenizer_commit: String::new(),
        tokenizer_sha256: String::new(),
        identity: String::new(),
        split: String::new(),
    };
    let schema = format::schema(tokenizer, &spec);
    let key = format!("tokens-{max_length}.arrow");
    let mut writer = store.create(&key, schema.clone()).unwrap();
    let resources = Resources { pool, batch_rows: 100, memory_bytes: 1 << 30 };
    let source = Source { reader: raw, row_start: 0, text_column: "text" };
    let mut watch = Watch { stop: &|| false, progress: &mut |_| {} };
    let run = match tokenizer.id_type() {
        IdType::U16 => tokenize::<UInt16Type>(&recipe, &source, &resources, &mut watch, &mut writer, &schema),
        IdType::I32 => tokenize::<Int32Type>(&recipe, &source, &resources, &mut watch, &mut writer, &schema),
    };
    run.unwrap();
    writer.finish().unwrap();
    store.open_shard(&key).unwrap()
}

fn no_filter(max_length: u32, stride: u32, special: bool) -> TokenizeConfig {
    let request = TokenizeRequest {
        tokenizer_name: "tokenmill/any".to_owned(),
        max_length: Some(max_length),
        stride: Some(stride),
        min_token_length: Some(0),
        filter_special_tokens: Some(false),
        filter_stop_words: Some(false),
        add_special_tokens: Some(special),
        ..TokenizeRequest::default()
    };
    request.filled().unwrap()
}

/// Document, window and ids of each row.
fn sequences(shard: &ShardReader) -> impl Iterator<Item = (u64, u32, Vec<u32>)> {
    (0..shard.batch_count()).flat_map(|batch| {
        let batch = shard.batch(batch).unwrap();
        let docs = batch.column(1).as_primitive::<UInt64Type>().values().to_vec();
        let windows = batch.column(2).as_primitive::<UInt32Type>().values().to_vec();
        let lists = batch.column(0).as_list::<i32>();
        let ids = lists.iter().map(|ids| match ids.unwrap() {
            ids if *ids.data_type() == DataType::UInt16 => {
                ids.as_primitive::<UInt16Type>().values().iter().map(|id| u32::from(*id)).collect()
            }
            ids => ids.as_primitive::<Int32Type>().values().iter().map(|id| id.cast_unsigned()).collect(),
        });
        let rows: Vec<_> =
            docs.into_iter().zip(windows).zip(ids).map(|((doc, window), ids)| (doc, window, ids)).collect();
        rows
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (head, tail) = rest.split_first_chunk::<N>().unwrap();
    *rest = tail;
    *head
}
