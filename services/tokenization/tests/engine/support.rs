//! A store, a real tokenizer, and documents of every kind.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use dataset_model::{TokenizeConfig, TokenizeRequest, TokenizeSpec};
use shard_store::{SealedShard, ShardReader, ShardStore};
use tokenization::engine::format::{self, IdType};
use tokenization::engine::shard::{Resources, ShardError, Source, Watch, tokenize};
use tokenization::engine::{Counts, EngineChoice, Recipe, SpecialNames, Tokenizer};

pub(crate) struct Bench {
    /// Removed when it is dropped.
    _dir: tempfile::TempDir,
    store: ShardStore,
    pub(crate) tokenizer: Arc<Tokenizer>,
}

pub(crate) struct Run {
    pub(crate) sealed: SealedShard,
    pub(crate) counts: Counts,
}

impl Bench {
    pub(crate) fn new(tokenizer: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = ShardStore::open(dir.path()).unwrap();
        let folder = test_kit::sample_hub().join("models/tokenmill").join(tokenizer);
        let names = SpecialNames::from_config(&std::fs::read(folder.join("tokenizer_config.json")).unwrap());
        let json = std::fs::read(folder.join("tokenizer.json")).unwrap();
        let tokenizer = Tokenizer::parse(json, &names, EngineChoice::Auto).unwrap();
        Self { _dir: dir, store, tokenizer: Arc::new(tokenizer) }
    }

    /// A raw shard with batches of `batch_rows` rows.
    pub(crate) fn raw(&self, texts: &[Option<String>], batch_rows: usize) -> ShardReader {
        let column = |texts: &[Option<String>]| Arc::new(texts.iter().cloned().collect::<StringArray>()) as ArrayRef;
        self.raw_of(&DataType::Utf8, texts.chunks(batch_rows).map(column))
    }

    /// A raw shard with a batch of each column.
    fn raw_of(&self, data_type: &DataType, columns: impl Iterator<Item = ArrayRef>) -> ShardReader {
        let schema = Arc::new(Schema::new(vec![Field::new("text", data_type.clone(), true)]));
        let mut writer = self.store.create("raw.arrow", schema.clone()).unwrap();
        for column in columns {
            writer.write(&RecordBatch::try_new(schema.clone(), vec![column]).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        self.store.open_shard("raw.arrow").unwrap()
    }

    /// Conversations through the template of the configuration, else the tokenizer's own.
    pub(crate) fn run_chat(
        &self,
        conversations: &ArrayRef,
        config: &TokenizeConfig,
        today: chrono::NaiveDate,
    ) -> Result<Run, ShardError> {
        self.run_chat_until(conversations, config, today, &|| false)
    }

    pub(crate) fn run_chat_until(
        &self,
        conversations: &ArrayRef,
        config: &TokenizeConfig,
        today: chrono::NaiveDate,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Run, ShardError> {
        let raw = self.raw_of(conversations.data_type(), std::iter::once(Arc::clone(conversations)));
        let recipe = Recipe::for_chat(self.tokenizer.clone(), config, today).unwrap();
        self.attempt(&raw, 0, (&recipe, config), (2, 100, 1 << 30), stop)
    }

    fn recipe(&self, config: &TokenizeConfig) -> Recipe {
        Recipe::new(self.tokenizer.clone(), config).unwrap()
    }

    pub(crate) fn run(
        &self,
        raw: &ShardReader,
        row_start: u64,
        config: &TokenizeConfig,
        threads: usize,
        batch_rows: usize,
    ) -> Run {
        self.attempt(raw, row_start, (&self.recipe(config), config), (threads, batch_rows, 1 << 30), &|| false).unwrap()
    }

    pub(crate) fn try_run(
        &self,
        raw: &ShardReader,
        config: &TokenizeConfig,
        batch_rows: usize,
        memory_bytes: u64,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Run, ShardError> {
        self.attempt(raw, 0, (&self.recipe(config), config), (2, batch_rows, memory_bytes), stop)
    }

    fn attempt(
        &self,
        raw: &ShardReader,
        row_start: u64,
        (recipe, config): (&Recipe, &TokenizeConfig),
        (threads, batch_rows, memory_bytes): (usize, usize, u64),
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Run, ShardError> {
        let spec = TokenizeSpec {
            config: config.clone(),
            tokenizer_commit: "c".repeat(40),
            tokenizer_sha256: hex::encode(self.tokenizer.sha256()),
            identity: "i".repeat(64),
            split: "train".to_owned(),
            chat: None,
        };
        let schema = format::schema(recipe, &spec);
        let mut writer = self.store.create("tokens.arrow", schema.clone()).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let source = Source { reader: raw, row_start, text_column: "text" };
        let resources = Resources { pool: &pool, batch_rows, memory_bytes };
        let mut seen = 0;
        let mut progress = |progress: tokenization::engine::shard::Progress| {
            assert!(progress.documents > seen && progress.documents - seen <= 1000, "progress is told too seldom");
            seen = progress.documents;
        };
        let mut watch = Watch { stop, progress: &mut progress };
        let counts = match self.tokenizer.id_type() {
            IdType::U16 => tokenize::<UInt16Type>(recipe, &source, &resources, &mut watch, &mut writer, &schema)?,
            IdType::I32 => tokenize::<Int32Type>(recipe, &source, &resources, &mut watch, &mut writer, &schema)?,
        };
        Ok(Run { sealed: writer.finish()?, counts })
    }

    pub(crate) fn open(&self, run: &Run) -> ShardReader {
        self.store.open_shard(&run.sealed.key).unwrap()
    }

    /// Keys of all files, temporary ones included.
    pub(crate) fn files(&self) -> Vec<String> {
        self.store.list_raw().unwrap().into_iter().map(|file| file.key).collect()
    }
}

/// No filter.
pub(crate) fn config(max_length: u32, stride: u32, special: bool) -> TokenizeConfig {
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

/// Nulls, empty and blank texts, short and long ones, and some that are not English.
pub(crate) fn documents(count: usize) -> Vec<Option<String>> {
    let words = ["the", "mill", "grinds", "Überraschung", "日本語", "don't", "12,345.6", "\n\n", "🙂", "tokenization"];
    let document = |n: usize| match n % 17 {
        3 => None,
        5 => Some(String::new()),
        11 => Some("  \t ".to_owned()),
        _ => {
            let length = if n.is_multiple_of(50) { 3000 } else { n * 31 % 120 };
            Some((0..length).map(|i| words[(i * i + n * 7) % words.len()]).collect::<Vec<_>>().join(" "))
        }
    };
    (0..count).map(document).collect()
}

/// Document, window and ids of each row.
pub(crate) fn sequences(shard: &ShardReader) -> impl Iterator<Item = (u64, u32, Vec<u32>)> {
    (0..shard.batch_count()).flat_map(|batch| {
        let batch = shard.batch(batch).unwrap();
        let docs = batch.column(1).as_primitive::<UInt64Type>().values().to_vec();
        let windows = batch.column(2).as_primitive::<UInt32Type>().values().to_vec();
        let ids = |ids: ArrayRef| -> Vec<u32> {
            match ids.data_type() {
                DataType::UInt16 => ids.as_primitive::<UInt16Type>().values().iter().map(|id| u32::from(*id)).collect(),
                _ => ids.as_primitive::<Int32Type>().values().iter().map(|id| id.cast_unsigned()).collect(),
            }
        };
        let lists: Vec<_> = batch.column(0).as_list::<i32>().iter().map(|list| ids(list.unwrap())).collect();
        docs.into_iter().zip(windows).zip(lists).map(|((doc, window), ids)| (doc, window, ids)).collect::<Vec<_>>()
    })
}
