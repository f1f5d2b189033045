//! Every window of real text equals, id for id, what Python's `transformers` makes of it.
//!
//! Over more than 10 MB of English for WordPiece and for byte-level BPE, filters off, with several windows and
//! overlaps, through the same code as a job: raw shard in, token shard out.

#![expect(clippy::print_stdout, reason = "the test says how much was compared")]

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{self, Bench, config};
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

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
    let texts: Vec<Option<String>> = parquet.iter().flat_map(|path| texts(path)).take(DOCUMENTS).collect();
    let text_bytes: usize = texts.iter().flatten().map(String::len).sum();
    assert!(text_bytes > 10_000_000, "the sample data has only {text_bytes} bytes");

    let dir = tempfile::tempdir().unwrap();
    let expected = dir.path().join("expected");
    let mut python = reference(&tokenizer_json, &parquet, &expected, texts.len());
    let bench = Bench::new(name);

    let started = std::time::Instant::now();
    let shards = CASES.map(|(max_length, stride, special, limit)| {
        let raw = bench.raw(&texts[..limit.min(texts.len())], 700);
        bench.open(&bench.run(&raw, 0, &config(max_length, stride, special), 2, 100))
    });
    let ours = started.elapsed();
    assert!(python.wait().unwrap().success());

    let expected = std::fs::read(expected).unwrap();
    let mut rest = &expected[..];
    let (mut documents, mut windows, mut tokens) = (0, 0, 0);
    for (case, shard) in CASES.iter().zip(&shards) {
        let mut ours = support::sequences(shard).peekable();
        for (doc, text) in (0_u64..).zip(&texts).take(case.3) {
            let count = u32::from_le_bytes(take(&mut rest));
            documents += 1;
            if count == 1 && ours.peek().is_none_or(|(at, ..)| *at != doc) {
                // Python makes a window of special tokens alone of an empty text; here it gives no sequence.
                assert!(
                    text.as_ref().is_some_and(|text| text.trim().is_empty()),
                    "document {doc} of {name} is missing in {case:?}"
                );
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
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/reference.py"))
        .args([tokenizer_json.to_str().unwrap(), &parquet.join(","), out.to_str().unwrap(), &cases.join(",")])
        .spawn()
        .unwrap()
}

fn texts(parquet: &Path) -> Vec<Option<String>> {
    let file = std::fs::File::open(parquet).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let text = |batch: RecordBatch| batch.column_by_name("text").unwrap().clone();
    let column = |column: ArrayRef| column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect();
    reader.map(|batch| column(text(batch.unwrap()))).collect::<Vec<Vec<_>>>().concat()
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (head, tail) = rest.split_first_chunk::<N>().unwrap();
    *rest = tail;
    *head
}
