//! The blocking halves of `work` and `finish`, with everything real but the catalog between them.

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use catalog_client::CommittedTask;
use dataset_model::statistics::DropRule;
use dataset_model::{Reason, Statistics, TokenizeRequest, TokenizeSpec};
use tokio::sync::watch;

use super::encode::{Encoding, Written, committed};
use super::finish::Publication;
use super::*;
use crate::engine::shard::Progress;
use crate::engine::{EngineChoice, Recipe, SpecialNames, Tokenizer};

const FOLDER: &str = "datasets/acme__corpus/d/tokenized/t";

struct Bench {
    dir: tempfile::TempDir,
    store: ShardStore,
    pool: Arc<ThreadPool>,
    tokenizer: Arc<Tokenizer>,
    spec: TokenizeSpec,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = ShardStore::open(dir.path()).unwrap();
        let json = std::fs::read(test_kit::sample_hub().join("models/tokenmill/bert/tokenizer.json")).unwrap();
        let tokenizer = Tokenizer::parse(json, &SpecialNames::default(), EngineChoice::Auto).unwrap();
        let config = TokenizeRequest {
            tokenizer_name: "tokenmill/bert".to_owned(),
            max_length: Some(16),
            stride: Some(4),
            text_column: Some("text".to_owned()),
            split: Some("train".to_owned()),
            ..TokenizeRequest::default()
        };
        let spec = TokenizeSpec {
            config: config.filled().unwrap(),
            tokenizer_commit: "c".repeat(40),
            tokenizer_sha256: hex::encode(tokenizer.sha256()),
            identity: "i".repeat(64),
            split: "train".to_owned(),
            chat: None,
        };
        let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap());
        Self { dir, store, pool, tokenizer: Arc::new(tokenizer), spec }
    }

    /// Writes a raw shard and returns the task that reads it.
    fn raw(&self, key: &str, row_start: u64, texts: &[&str]) -> TokenizeWork {
        let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, true)]));
        let column: ArrayRef = Arc::new(texts.iter().map(Some).collect::<StringArray>());
        let mut writer = self.store.create(key, schema.clone()).unwrap();
        writer.write(&RecordBatch::try_new(schema, vec![column]).unwrap()).unwrap();
        let sealed = writer.finish().unwrap();
        let digests: Vec<u8> = sealed.batch_digests.iter().flat_map(|digest| digest.to_le_bytes()).collect();
        TokenizeWork {
            raw_key: key.to_owned(),
            raw_size_bytes: sealed.size_bytes,
            raw_batch_digests: hex::encode(digests),
            row_start,
            row_count: sealed.row_count,
            tokenize: self.spec.clone(),
        }
    }

    fn job(&self, work: TokenizeWork, key: &str, counts_key: &str) -> Result<Written, TaskError> {
        let job = Encoding {
            store: self.store.clone(),
            pool: Arc::clone(&self.pool),
            memory_bytes: 1 << 30,
            batch_rows: 10,
            recipe: Recipe::new(Arc::clone(&self.tokenizer), &self.spec.config).unwrap(),
            work,
            key: key.to_owned(),
            counts_key: counts_key.to_owned(),
        };
        job.run(&CancellationToken::new(), &watch::channel(Progress::default()).0)
    }

    fn encode(&self, ordinal: u32, work: TokenizeWork) -> Result<CommittedTask, TaskError> {
        let key = |what: &str| format!("{FOLDER}/{what}-{ordinal}.deadbeef.arrow");
        let written = self.job(work, &key("tokens"), &key("counts"))?;
        let summary = Summary { totals: written.counts.totals, engine: "tokenizers".to_owned() };
        Ok(CommittedTask {
            ordinal,
            files: vec![staged_shard(&written.table)],
            shards: vec![committed(written.tokens, "train".to_owned())],
            summary: serde_json::to_value(summary).unwrap(),
        })
    }

    fn publish(&self, tasks: &[CommittedTask]) -> catalog_client::Finish {
        let publication = Publication {
            store: self.store.clone(),
            spec: self.spec.clone(),
            recipe: Recipe::new(Arc::clone(&self.tokenizer), &self.spec.config).unwrap(),
            tasks: tasks.to_vec(),
            folder: FOLDER.to_owned(),
            engine: String::new(),
        };
        publication.publish().unwrap()
    }

    fn files(&self) -> Vec<String> {
        self.store.list_raw().unwrap().into_iter().map(|file| file.key).collect()
    }
}

#[test]
fn tasks_add_up_to_one_tokenization_and_publishing_again_changes_nothing() {
    let bench = Bench::new();
    let long = "grinding mills grind wheat grains slowly ".repeat(20);
    let first = bench.raw("raw-0.arrow", 0, &["mills grind wheat", "", "the of and"]);
    let second = bench.raw("raw-1.arrow", 3, &[&long, "wheat"]);
    let tasks = [bench.encode(0, first).unwrap(), bench.encode(1, second).unwrap()];
    let finish = bench.publish(&tasks);

    let statistics: Statistics = serde_json::from_value(finish.statistics.unwrap()).unwrap();
    let sequences: u64 = tasks.iter().map(|task| task.shards[0].row_count).sum();
    assert_eq!((statistics.total_sequences, statistics.documents_in, statistics.documents_empty), (sequences, 5, 2));
    assert!((statistics.truncated_fraction - 1.0 / 3.0).abs() < 1e-9);
    assert_eq!((statistics.dropped_by_rule.special, statistics.dropped_by_rule.stop_word), (0, 3));
    let dropped = statistics.dropped_examples.iter().map(|dropped| (dropped.rule, &*dropped.token, dropped.count));
    let dropped: Vec<_> = dropped.collect();
    assert_eq!(
        dropped,
        [(DropRule::StopWord, "the", 1), (DropRule::StopWord, "of", 1), (DropRule::StopWord, "and", 1)]
    );
    assert_eq!(statistics.unused_tokens, statistics.vocab_size - statistics.unique_tokens);
    // As Python's `tokenizers` counts them.
    assert_eq!((statistics.text_bytes, statistics.tokens_per_byte), (852, Some(127.0 / 852.0)));
    let wheat = statistics.vocab_distribution.iter().find(|entry| entry.token == "wheat").unwrap();

    let table = bench.store.open_shard(&finish.files[0].key).unwrap();
    assert_eq!(table.row_count(), statistics.vocab_size);
    let table = table.batch(0).unwrap();
    let counts = table.column(2).as_primitive::<UInt64Type>().values();
    assert_eq!(counts.iter().sum::<u64>(), statistics.total_tokens);
    let ids = table.column(0).as_primitive::<UInt32Type>().values();
    let row = ids.iter().position(|id| *id == wheat.token_id).unwrap();
    assert_eq!((table.column(1).as_string::<i32>().value(row), counts[row]), ("wheat", wheat.count));

    let metadata = finish.metadata.unwrap();
    let bytes = bench.store.read_file(&metadata.key).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(manifest["shards"][1]["row_start"], tasks[0].shards[0].row_count);
    assert_eq!(manifest["shards"][1]["sha256"], hex::encode(tasks[1].shards[0].sha256));
    assert_eq!(manifest["statistics"]["total_tokens"], statistics.total_tokens);
    // What the tasks said, which another worker may have run.
    assert_eq!((finish.engine.as_deref(), manifest["engine"].as_str()), (Some("tokenizers"), Some("tokenizers")));
    let again = bench.publish(&tasks);
    assert_eq!(again.metadata.unwrap(), metadata);
    assert_eq!(again.files, finish.files);
}

#[test]
fn a_raw_shard_that_changed_is_refused_and_leaves_nothing() {
    let bench = Bench::new();
    let refused = |work: TokenizeWork| match bench.encode(0, work) {
        Err(TaskError::Problem(problem)) => assert_eq!(problem.reason, Reason::ShardCorrupt, "{problem}"),
        other => panic!("{other:?}"),
    };
    let work = || bench.raw("raw.arrow", 0, &["mills grind wheat"]);
    refused(TokenizeWork { raw_size_bytes: 1, ..work() });
    refused(TokenizeWork { row_count: 2, ..work() });
    refused(TokenizeWork { raw_key: "gone.arrow".to_owned(), ..work() });
    refused(TokenizeWork { raw_batch_digests: "0".repeat(16), ..work() });
    let damaged = work();
    let path = bench.dir.path().join("raw.arrow");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(5).position(|window| window == b"mills").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    refused(damaged);
    assert_eq!(bench.files(), ["raw.arrow"]);
}

#[test]
fn a_failed_table_takes_its_shard_with_it() {
    let bench = Bench::new();
    let work = bench.raw("raw.arrow", 0, &["mills grind wheat"]);
    // A file where the table's folder must be: the second write fails, the first had succeeded.
    assert!(bench.job(work, "tokens.arrow", "raw.arrow/counts.arrow").is_err());
    assert_eq!(bench.files(), ["raw.arrow"]);
}
