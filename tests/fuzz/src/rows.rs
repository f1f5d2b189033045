//! Reads an input as an ingest reads a file, and holds every batch against what later stages rely on.

use std::{env, fs::File, io::Write};

use arrow_array::{Array, RecordBatch, StructArray};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use ingestion::convert::{
    ConvertError, Format, Reading, Source,
    batches::{BatchError, Batcher, batch_bytes},
    common_schema,
    head::{Beginning, of_beginning as head_of},
};
use tokio_util::sync::CancellationToken;

/// A small file may stand for a gigabyte of rows, and that is allowed: more than these are not read.
const MOST_ROWS: usize = 64 << 10;
const MOST_BYTES: u64 = 16 << 20;

/// The rows of a file.
#[derive(Debug, PartialEq)]
pub(crate) struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    pub(crate) skipped: u64,
    /// Whether these are all, and of one file.
    pub(crate) is_whole: bool,
}

impl Table {
    pub(crate) fn first(&self, rows: usize) -> RecordBatch {
        let all = concat_batches(&self.schema, &self.batches).expect("batches of one schema");
        all.slice(0, rows.min(all.num_rows()))
    }
}

/// The rows of a file with this content, or what is wrong with it, in words.
pub(crate) fn read(path: &str, reading: Reading, input: &[u8]) -> Result<Table, String> {
    read_file(path, reading, written(input)).map_err(|error| words(&error))
}

/// The first rows of a file that begins like that.
pub(crate) fn of_beginning(
    path: &str,
    format: Format,
    bytes: &[u8],
    is_whole: bool,
    rows: usize,
) -> Result<Option<RecordBatch>, String> {
    let beginning = Beginning { path, reading: &format.into(), bytes, is_whole };
    let head = head_of(beginning, rows, &env::temp_dir(), &CancellationToken::new()).map_err(|error| words(&error))?;
    Ok(head.map(|head| head.rows).inspect(shown))
}

/// Shows rows as a preview does.
pub(crate) fn shown(batch: &RecordBatch) {
    let table = StructArray::from(batch.clone());
    (0..batch.num_rows()).for_each(|row| drop(row_json::row(&table, row)));
}

fn read_file(path: &str, reading: Reading, file: File) -> Result<Table, ConvertError> {
    let stop = CancellationToken::new();
    let sources = Source::open_all(path, file, reading, &env::temp_dir(), &stop)?.sources;
    let schema = common_schema(&sources)?;
    let mut table = Table { schema: schema.clone(), batches: Vec::new(), skipped: 0, is_whole: false };
    let (mut rows, mut bytes) = (0, 0);
    for source in &sources {
        let mut batches = source.batches(&schema, &stop)?;
        while let Some(batch) = batches.next() {
            let batch = batch?;
            assert_sound(&batch, &schema);
            for gap in batches.gaps() {
                assert!(gap.at <= batch.num_rows() && gap.count > 0, "{gap:?}");
                table.skipped += gap.count;
            }
            rows += batch.num_rows();
            bytes += batch_bytes(&batch);
            table.batches.push(batch);
            if rows > MOST_ROWS || bytes > MOST_BYTES {
                return Ok(table);
            }
        }
    }
    match cut(&table) {
        Ok(sum) => assert_eq!(sum, rows, "rows were lost or doubled"),
        Err(BatchError::RowTooLarge(_)) => {}
        Err(BatchError::Arrow(error)) => panic!("sound batches cannot be cut: {error}"),
    }
    table.is_whole = sources.len() == 1;
    Ok(table)
}

/// Rows in the batches that shards are made of.
fn cut(table: &Table) -> Result<usize, BatchError> {
    let mut batcher = Batcher::new(table.schema.clone());
    let mut sum = 0;
    for batch in &table.batches {
        sum += count(batcher.push(batch)?);
    }
    Ok(sum + count(batcher.finish()?))
}

/// Batches are of the schema that was announced, and every offset and text in them is valid.
fn assert_sound(batch: &RecordBatch, schema: &SchemaRef) {
    assert_eq!(batch.schema_ref(), schema);
    for column in batch.columns() {
        assert_eq!(column.len(), batch.num_rows());
        column.to_data().validate_full().expect("a valid column");
    }
}

fn count(batches: impl IntoIterator<Item = RecordBatch>) -> usize {
    batches.into_iter().map(|batch| batch.num_rows()).sum()
}

/// Whatever a stranger wrote is the file's fault, never the disk's: that would be tried again for ever.
fn words(error: &ConvertError) -> String {
    assert!(!matches!(error, ConvertError::Disk { .. } | ConvertError::Stopped), "{error:?}");
    error.to_string()
}

fn written(input: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file without a name");
    file.write_all(input).expect("room for the input");
    file
}
