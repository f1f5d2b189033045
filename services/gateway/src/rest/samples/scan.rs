//! A search: rows in stored order, until all were seen or a bound is reached.
//!
//! Without an index a search reads; the bounds keep one from occupying the services, and the answer says how far it
//! came.

use super::{Gateway, Paging, Sample, Samples, Search, raw_samples, size, tokens as token_rows};
use crate::error::ApiError;
use arrow_array::{Array, BooleanArray, RecordBatch, cast::AsArray};
use arrow_schema::DataType;
use dataset_model::{DatasetId, Problem, Split};
use futures::TryStreamExt;
use regex::{Regex, RegexBuilder};
use std::time::Duration;
use tokio::time::Instant;

const MAX_NEEDLE: usize = 256;
const MAX_RAW_ROWS: u64 = 200_000;
const MAX_RAW_BYTES: usize = 256 << 20;
/// Token rows are decoded by the tokenization service before they can be searched.
const MAX_TOKEN_ROWS: u64 = 4_000;
const DECODE_ROWS: usize = 200;
const MAX_TIME: Duration = Duration::from_secs(10);

/// What is looked for, letter for letter, any case.
pub(super) fn needle(text: &str) -> Result<Regex, ApiError> {
    if text.chars().count() > MAX_NEEDLE {
        return Err(Problem::field("q", format!("must be at most {MAX_NEEDLE} characters")).into());
    }
    let built = RegexBuilder::new(&regex::escape(text)).case_insensitive(true).build();
    built.map_err(|_| Problem::field("q", "cannot be searched for").into())
}

/// Which matches belong on the page, and how many there are.
struct Found {
    samples: Vec<Sample>,
    total: u64,
    scanned_rows: u64,
    paging: Paging,
    until: Instant,
}

impl Found {
    fn new(paging: Paging) -> Self {
        Self { samples: Vec::new(), total: 0, scanned_rows: 0, paging, until: Instant::now() + MAX_TIME }
    }

    /// Counts a match; true when it belongs on the page.
    fn count(&mut self) -> bool {
        let position = self.total;
        self.total += 1;
        position >= self.paging.offset() && self.samples.len() < self.paging.limit as usize
    }

    fn answer(self, complete: bool) -> Samples {
        let Paging { page, limit } = self.paging;
        let search = Some(Search { scanned_rows: self.scanned_rows, complete });
        Samples { samples: self.samples, total: self.total, page, limit, search }
    }
}

pub(super) async fn raw(
    gateway: &Gateway,
    id: DatasetId,
    splits: &[Split],
    paging: Paging,
    needle: &Regex,
) -> Result<Samples, ApiError> {
    let mut found = Found::new(paging);
    let mut bytes = 0;
    for split in splits.iter().filter(|split| split.row_count > 0) {
        let mut index = 0;
        let mut batches = gateway.rows.raw(id, &split.name, 0, split.row_count).await?;
        while let Some(batch) = batches.try_next().await? {
            bytes += size(&batch);
            let hits = matching(&batch, needle);
            for row in (0..batch.num_rows()).filter(|&row| hits.value(row)) {
                if found.count() {
                    let sample = raw_samples(batch.slice(row, 1), split.name.clone(), index + row as u64).await?;
                    found.samples.extend(sample);
                }
            }
            index += batch.num_rows() as u64;
            found.scanned_rows += batch.num_rows() as u64;
            let bounded = found.scanned_rows >= MAX_RAW_ROWS || bytes >= MAX_RAW_BYTES || Instant::now() >= found.until;
            if bounded {
                let all = splits.iter().map(|split| split.row_count).sum::<u64>();
                let complete = found.scanned_rows == all;
                return Ok(found.answer(complete));
            }
        }
    }
    Ok(found.answer(true))
}

/// Rows of which a text column has the needle.
fn matching(batch: &RecordBatch, needle: &Regex) -> BooleanArray {
    let mut hits = vec![false; batch.num_rows()];
    for column in batch.columns() {
        let mut mark = |row: usize, text: Option<&str>| hits[row] |= text.is_some_and(|text| needle.is_match(text));
        match column.data_type() {
            DataType::Utf8 => column.as_string::<i32>().iter().enumerate().for_each(|(row, text)| mark(row, text)),
            DataType::LargeUtf8 => column.as_string::<i64>().iter().enumerate().for_each(|(row, text)| mark(row, text)),
            DataType::Utf8View => column.as_string_view().iter().enumerate().for_each(|(row, text)| mark(row, text)),
            _ => {}
        }
    }
    hits.into()
}

pub(super) async fn tokens(
    gateway: &Gateway,
    source: &token_rows::Source,
    paging: Paging,
    needle: &Regex,
) -> Result<Samples, ApiError> {
    let mut found = Found::new(paging);
    let count = source.row_count.min(MAX_TOKEN_ROWS);
    if count == 0 {
        return Ok(found.answer(true));
    }
    let mut batches = gateway.rows.tokens(source.tokenization.id, 0, count).await?;
    while let Some(batch) = batches.try_next().await? {
        for start in (0..batch.num_rows()).step_by(DECODE_ROWS) {
            let part = batch.slice(start, DECODE_ROWS.min(batch.num_rows() - start));
            let samples = token_rows::with_text(gateway, source, &part, found.scanned_rows).await?;
            found.scanned_rows += samples.len() as u64;
            for sample in samples.into_iter().filter(|sample| needle.is_match(&sample.text)) {
                if found.count() {
                    found.samples.push(Sample::Tokens(sample));
                }
            }
            if Instant::now() >= found.until {
                let complete = found.scanned_rows == source.row_count;
                return Ok(found.answer(complete));
            }
        }
    }
    let complete = found.scanned_rows == source.row_count;
    Ok(found.answer(complete))
}
