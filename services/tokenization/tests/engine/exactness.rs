//! Every window of real text equals, id for id, what Python's `transformers` makes of it.
//!
//! For a tokenizer of each family and pattern, over hostile documents, many languages, code and English, filters off,
//! with several windows and overlaps, through the same code as a job: raw shard in, token shard out.

#![expect(clippy::print_stdout, reason = "the test says how much was compared")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::support::{self, Bench, config};
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

/// `max_length`, `stride`, special tokens, documents.
type Case = (u32, u32, bool, usize);

/// The first one takes all documents, the others show that no arithmetic is special to it.
const CASES: [Case; 5] = [
    (512, 64, true, usize::MAX),
    (128, 16, false, 620),
    (1024, 512, true, 620),
    (16, 13, true, 450),
    (64, 0, false, 600),
];
/// Bytes of English for a tokenizer.
const ENGLISH: usize = 1_500_000;
/// Bytes of a line.
const LINE: usize = 50_000_000;

#[test]
fn bert_word_piece() {
    compare("bert", "splintr");
}

#[test]
fn unigram() {
    compare("unigram", "splintr");
}

#[test]
fn gpt2_byte_level() {
    compare("gpt2", "fastokens");
}

#[test]
fn llama3_byte_level() {
    compare("llama3", "fastokens");
}

#[test]
fn qwen3_byte_level_composed() {
    compare("qwen3", "fastokens");
}

#[test]
fn deepseek_v3_byte_level_three_patterns() {
    compare("deepseek-v3", "fastokens");
}

#[test]
fn gpt4o_byte_level() {
    compare("gpt4o", "fastokens");
}

#[test]
fn gemma3_sentence_piece_like() {
    compare("gemma3", "fastokens");
}

#[test]
fn llama2_sentence_piece_like() {
    compare("llama2", "fastokens");
}

/// Python takes more than a minute for one: `TOKENMILL_TEST_LINES` names others, with commas between. To the reference the
/// whole line is one word with this one.
#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of this test alone, no setting of a service")]
fn lines_of_50_mb() {
    let names = std::env::var("TOKENMILL_TEST_LINES").unwrap_or_else(|_| "llama2".to_owned());
    for name in names.split(',') {
        let engine = if ["bert", "unigram"].contains(&name) { "splintr" } else { "fastokens" };
        compare_line(name, engine);
    }
}

fn compare(name: &str, engine: &str) {
    let small = ["hostile", "languages", "code"].map(|corpus| sample(corpus, "train-00000-of-00001.parquet"));
    let parquet = [&small[..], &[sample("english-docs", "train-00000-of-00004.parquet")]].concat();
    compare_texts(name, engine, &parquet, &documents(&parquet), &CASES);
}

/// One line of prose, code and many languages.
fn compare_line(name: &str, engine: &str) {
    let corpora = ["english-docs", "languages", "code"].map(|corpus| {
        let of = if corpus == "english-docs" { "4" } else { "1" };
        texts(&sample(corpus, &format!("train-00000-of-0000{of}.parquet")))
    });
    let mut line = String::with_capacity(LINE + LINE / 8);
    for text in corpora.iter().cycle().flatten().flatten() {
        if line.len() >= LINE {
            break;
        }
        line.extend(text.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
        line.push(' ');
    }
    let dir = tempfile::tempdir().unwrap();
    let parquet = dir.path().join("line.parquet");
    let column: ArrayRef = Arc::new(StringArray::from(vec![line.as_str()]));
    let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&parquet).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    compare_texts(name, engine, &[parquet], &[Some(line)], &CASES[..1]);
}

fn compare_texts(name: &str, engine: &str, parquet: &[PathBuf], texts: &[Option<String>], cases: &[Case]) {
    let tokenizer_json = test_kit::sample_hub().join("models/tokenmill").join(name).join("tokenizer.json");
    let text_bytes: usize = texts.iter().flatten().map(String::len).sum();

    let dir = tempfile::tempdir().unwrap();
    let expected = dir.path().join("expected");
    let mut python = reference(&tokenizer_json, parquet, &expected, cases, texts.len());
    let bench = Bench::new(name);
    let encoder = bench.tokenizer.encoder();
    assert_eq!(encoder.name(), engine, "which engine serves {name}: {:?}", encoder.refused());

    let started = std::time::Instant::now();
    let shard = |(max_length, stride, special, limit): &Case| {
        let raw = bench.raw(&texts[..texts.len().min(*limit)], 700);
        bench.open(&bench.run(&raw, 0, &config(*max_length, *stride, *special), 2, 100))
    };
    let shards: Vec<_> = cases.iter().map(shard).collect();
    let ours = started.elapsed();
    assert!(python.wait().unwrap().success());

    let expected = std::fs::read(expected).unwrap();
    let mut rest = &expected[..];
    let template = bench.tokenizer.template();
    let (mut documents, mut windows, mut tokens) = (0, 0, 0);
    for (case, shard) in cases.iter().zip(&shards) {
        let mut ours = support::sequences(shard);
        let alone = if case.2 { template.prefix.len() + template.suffix.len() } else { 0 };
        for doc in (0..).take(case.3.min(texts.len())) {
            let count = u32::from_le_bytes(take(&mut rest));
            documents += 1;
            for window in 0..count {
                let (length, digest) = (u32::from_le_bytes(take(&mut rest)), take::<32>(&mut rest));
                if (count, length as usize) == (1, alone) {
                    // Python makes a window of special tokens alone of an empty text; here it gives no sequence.
                    continue;
                }
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
        "{name}, served by {engine}: {documents} documents, {windows} windows and {tokens} tokens are equal; {} cases \
         over up to {text_bytes} bytes of text in {:.1} s",
        cases.len(),
        ours.as_secs_f64(),
    );
}

fn sample(corpus: &str, file: &str) -> PathBuf {
    test_kit::sample_hub().join("datasets/tokenmill").join(corpus).join("data").join(file)
}

/// All of the small corpora, and English up to its share.
fn documents(parquet: &[PathBuf]) -> Vec<Option<String>> {
    let (english, small) = parquet.split_last().unwrap();
    let mut documents: Vec<Option<String>> = small.iter().flat_map(|path| texts(path)).collect();
    assert!(documents.len() > 800, "the sample data has only {} documents", documents.len());
    let mut left = ENGLISH;
    documents.extend(texts(english).into_iter().take_while(|text| {
        left = left.saturating_sub(text.as_ref().map_or(0, String::len));
        left > 0
    }));
    assert_eq!(left, 0, "the sample data has too little English");
    documents
}

fn reference(
    tokenizer_json: &Path,
    parquet: &[PathBuf],
    out: &Path,
    cases: &[Case],
    documents: usize,
) -> std::process::Child {
    let case = |(max_length, stride, special, limit): &Case| {
        format!("{max_length}:{stride}:{}:{}", u8::from(*special), documents.min(*limit))
    };
    let cases: Vec<String> = cases.iter().map(case).collect();
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
