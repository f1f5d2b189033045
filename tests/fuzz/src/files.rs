//! Source files of each format, through the way that an ingest takes.

use dataset_model::OnBadRows;
use ingestion::{
    convert::{Format, Reading, head},
    plan::Options,
};

use crate::rows::{Table, of_beginning, read, shown};

/// So many rows make a preview.
const FIRST: usize = 10;

pub(crate) fn jsonl(input: &[u8]) {
    text("a.jsonl", Format::Json, input);
}

pub(crate) fn csv(input: &[u8]) {
    text("a.csv", Format::CSV, input);
}

pub(crate) fn arrow(input: &[u8]) {
    let whole = twice("a.arrow", Format::Arrow.into(), input);
    beginnings("a.arrow", Format::Arrow, input, whole.as_ref());
}

pub(crate) fn parquet(input: &[u8]) {
    let whole = twice("a.parquet", Format::Parquet.into(), input);
    let head = head::of_parquet(&bytes::Bytes::copy_from_slice(input), "a.parquet", &Options::default(), FIRST);
    let head = head.map(|head| head.rows).inspect(shown);
    // Not compared by value: where the levels of a nested column contradict each other, what the decoder makes of them, or
    // whether it notices, depends on how many rows it decodes at once. Sound files are compared in ingestion's own tests.
    if let (Some(table), Ok(head)) = (whole, head) {
        let first = table.first(head.num_rows().clamp(1, FIRST));
        assert_eq!((head.num_rows(), head.schema()), (first.num_rows(), first.schema()));
    }
}

/// Rows that can be left out: a file without bad ones reads the same whether or not that was asked for.
fn text(path: &str, format: Format, input: &[u8]) {
    let whole = twice(path, format.into(), input);
    let skipping = twice(path, Reading { on_bad_rows: OnBadRows::Skip, ..format.into() }, input);
    if let Some(table) = &whole {
        assert_eq!(table.skipped, 0);
        assert_eq!(Some(table), skipping.as_ref());
    }
    beginnings(path, format, input, whole.as_ref());
}

/// The same file gives the same rows, or the same error, each time.
fn twice(path: &str, reading: Reading, input: &[u8]) -> Option<Table> {
    let first = read(path, reading.clone(), input);
    assert_eq!(first, read(path, reading, input));
    first.ok().filter(|table| table.is_whole)
}

/// A preview of a file that can be read shows its first rows; one of a part of it may fail, but no more than that.
fn beginnings(path: &str, format: Format, input: &[u8], whole: Option<&Table>) {
    let head = of_beginning(path, format, input, true, FIRST);
    if let Some(table) = whole {
        assert_eq!(head.expect("its rows were read"), Some(table.first(FIRST)));
    }
    drop(of_beginning(path, format, input, false, FIRST));
}
