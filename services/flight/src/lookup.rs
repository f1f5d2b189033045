//! What a step of a plan reads, down to the row of the source file.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use dataset_model::{DatasetId, Problem, Shard};
use serde::{Deserialize, Serialize};
use shard_store::{ShardStore, StoreError};

use crate::descriptor::Target;
use crate::error::ReadError;
use crate::gather::Gatherer;
use crate::manifest::Manifest;
use crate::plan::{ReadPlan, Row};
use crate::service::Flight;
use crate::sources::OpenPlan;

/// Rows of one answer.
const MAX_ROWS: u64 = 65_536;
/// Columns that say where a row comes from: of windows, and of packed rows.
const COLUMNS: [&str; 4] = ["doc", "window", "first_doc", "doc_starts"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    plan: ReadPlan,
    step: u64,
}

/// What a step reads.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    step: u64,
    /// None when sources are mixed.
    epoch: Option<u64>,
    global_batch_rows: u32,
    world_size: u32,
    /// All, or the plan's own.
    ranks: Vec<OfRank>,
}

#[derive(Debug, Serialize)]
struct OfRank {
    rank: u32,
    rows: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Found {
    tokenization_id: String,
    /// Row in the tokenization.
    row: u64,
    /// Token shard in the order of the tokenization, and the row in it.
    shard: u64,
    shard_row: u64,
    /// Row in the split of the document; of a packed row, of its first document.
    doc: Option<u64>,
    /// Number of the window in its document; None for packed rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<u32>,
    /// Documents in a packed row.
    #[serde(skip_serializing_if = "Option::is_none")]
    documents: Option<u64>,
    dataset_id: DatasetId,
    split: String,
    /// Path in the repository, and the row in that file, of `doc`.
    source_file: Option<String>,
    source_row: Option<u64>,
}

/// Where a token row comes from.
#[derive(Debug, Clone, Copy, Default)]
struct Origin {
    doc: Option<u64>,
    window: Option<u32>,
    documents: Option<u64>,
}

/// The raw rows behind a source.
struct Raw {
    dataset_id: DatasetId,
    split: String,
    manifest: Arc<Manifest>,
}

impl Flight {
    /// Answers `LookupStep`.
    pub(crate) async fn lookup(&self, question: Question) -> Result<Answer, ReadError> {
        let Question { mut plan, step } = question;
        plan.check()?;
        let ranks = plan.rank.map_or(0..plan.world_size, |rank| rank..rank + 1);
        let listed = u64::from(plan.global_batch_rows / plan.world_size) * ranks.len() as u64;
        if listed > MAX_ROWS {
            let problem = format!("a step of {listed} rows is not listed; at most {MAX_ROWS} are");
            return Err(Problem::field("plan.global_batch_rows", problem).next_step("ask rank by rank").into());
        }
        plan.columns = self.origin_columns(&plan).await?;
        let open = Arc::new(self.shelf().open(self.store(), self.manifests(), plan).await?);
        if step >= open.plan.steps().end.max(open.plan.steps_per_epoch().unwrap_or(0)) {
            return Err(Problem::field("step", format!("the plan ends at step {}", open.plan.steps().end)).into());
        }
        let (store, raw) = (self.store().clone(), self.raw_rows(&open).await?);
        let work = move || {
            let mut walk = open.plan.walk();
            let mut by_rank = Vec::with_capacity(ranks.len());
            for rank in ranks {
                let mut rows = Vec::new();
                walk.rows(step, rank, &mut rows);
                let origins = origins(&open, &rows)?;
                let docs: Vec<_> = rows.iter().zip(&origins).map(|(row, origin)| (row.source, origin.doc)).collect();
                let places = places(&store, &raw, &docs)?;
                let all = rows.iter().zip(origins).zip(places);
                let found = all.map(|((row, origin), place)| found(&open, &raw[row.source], *row, origin, place));
                by_rank.push(OfRank { rank, rows: found.collect() });
            }
            let (epoch, request) = (open.plan.step(step).epoch, open.plan.request());
            let (global_batch_rows, world_size) = (request.global_batch_rows, request.world_size);
            Ok(Answer { step, epoch, global_batch_rows, world_size, ranks: by_rank })
        };
        tokio::task::spawn_blocking(work).await.map_err(ReadError::Stopped)?
    }

    async fn origin_columns(&self, plan: &ReadPlan) -> Result<Vec<String>, ReadError> {
        let every = ReadPlan { columns: Vec::new(), ..plan.clone() };
        let (_, schema, _) = self.planned(every).await?;
        let known = COLUMNS.iter().filter(|name| schema.index_of(name).is_ok());
        Ok(known.map(|name| (*name).to_owned()).collect())
    }

    async fn raw_rows(&self, open: &OpenPlan) -> Result<Vec<Raw>, ReadError> {
        let mut raw = Vec::with_capacity(open.sources.len());
        for (source, asked) in open.sources.iter().zip(&open.plan.request().sources) {
            let tokenization = self.manifests().catalog().get_tokenization(asked.tokenization_id).await?;
            let dataset_id = tokenization.dataset_id;
            let split = source.manifest.shards.first().map(|shard| shard.split.clone()).unwrap_or_default();
            let manifest = self.manifests().of(&Target::Raw { dataset: dataset_id, split: split.clone() }).await?;
            raw.push(Raw { dataset_id, split, manifest });
        }
        Ok(raw)
    }
}

/// Reads where rows come from, in their order.
fn origins(open: &Arc<OpenPlan>, rows: &[Row]) -> Result<Vec<Origin>, ReadError> {
    if open.columns.is_empty() {
        return Ok(vec![Origin::default(); rows.len()]);
    }
    let mut origins = Vec::with_capacity(rows.len());
    for batch in Gatherer::new(Arc::clone(open), rows.iter().copied()) {
        let batch = batch?;
        origins.extend((0..batch.num_rows()).map(|row| origin(&batch, row)));
    }
    Ok(origins)
}

fn origin(batch: &RecordBatch, row: usize) -> Origin {
    let number = |name: &str| Some(batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>()?.value(row));
    let window = batch.column_by_name("window").and_then(|column| column.as_primitive_opt::<UInt32Type>());
    let starts = batch.column_by_name("doc_starts").and_then(|column| column.as_list_opt::<i32>());
    let documents = starts.map(|starts| {
        let starts = starts.value(row);
        let first = starts.as_primitive_opt::<UInt32Type>().and_then(|starts| starts.values().first().copied());
        // The document that a row begins inside of has no start in it.
        starts.len() as u64 + u64::from(first != Some(0))
    });
    Origin { doc: number("doc").or_else(|| number("first_doc")), window: window.map(|w| w.value(row)), documents }
}

fn found(open: &OpenPlan, raw: &Raw, row: Row, origin: Origin, place: Option<(String, u64)>) -> Found {
    let source = &open.sources[row.source];
    // The plan names rows that exist.
    let (shard, shard_row) = source.manifest.place_of(row.row).unwrap_or_default();
    let (source_file, source_row) = place.unzip();
    Found {
        tokenization_id: open.plan.request().sources[row.source].tokenization_id.to_string(),
        row: row.row,
        shard: shard as u64,
        shard_row,
        doc: origin.doc,
        window: origin.window,
        documents: origin.documents,
        dataset_id: raw.dataset_id,
        split: raw.split.clone(),
        source_file,
        source_row,
    }
}

/// The files and rows there that documents were, each given by its source in the plan and its row in the split.
fn places(
    store: &ShardStore,
    raw: &[Raw],
    docs: &[(usize, Option<u64>)],
) -> Result<Vec<Option<(String, u64)>>, ReadError> {
    let place = |(n, (source, doc)): (usize, &(usize, Option<u64>))| {
        let (shard, row) = raw[*source].manifest.place_of((*doc)?)?;
        Some((*source, shard, row, n))
    };
    let mut sorted: Vec<_> = docs.iter().enumerate().filter_map(place).collect();
    sorted.sort_unstable();
    let mut found = vec![None; docs.len()];
    // Shard by shard: what one of them skipped is read once, and may be long.
    for of_shard in sorted.chunk_by(|(source, shard, ..), (other, another, ..)| (source, shard) == (other, another)) {
        let (source, ordinal, ..) = of_shard[0];
        let Raw { dataset_id, split, manifest } = &raw[source];
        let shard = &manifest.shards[ordinal];
        let rows: Vec<u64> = of_shard.iter().map(|(_, _, row, _)| *row).collect();
        let skipped = skipped_before(store, shard, &rows).map_err(|source| ReadError::Shard {
            target: Target::Raw { dataset: *dataset_id, split: split.clone() },
            ordinal,
            source,
        })?;
        for ((.., row, n), skipped) in of_shard.iter().zip(skipped) {
            found[*n] = source_row(shard, row + skipped);
        }
    }
    Ok(found)
}

/// For rows of a raw shard, in ascending order, how many of its source rows before them it does not hold.
fn skipped_before(store: &ShardStore, shard: &Shard, rows: &[u64]) -> Result<Vec<u64>, StoreError> {
    match shard.sources.iter().map(|range| range.skipped_count).sum() {
        0 => Ok(vec![0; rows.len()]),
        skipped => store.open_shard(&shard.key)?.skipped_before(rows, skipped),
    }
}

/// The file and the row there of the row at this place of all that a raw shard stands for, skipped ones included.
fn source_row(shard: &Shard, row: u64) -> Option<(String, u64)> {
    let mut first = 0;
    for range in &shard.sources {
        let rows = range.row_count + range.skipped_count;
        if row < first + rows {
            return Some((range.source_file.clone(), range.row_start + row - first));
        }
        first += rows;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataset_model::SourceRange;
    use std::collections::HashMap;

    #[test]
    fn rows_of_a_shard_lead_to_their_files() {
        let range = |file: &str, row_start, row_count, skipped_count| SourceRange {
            source_file: file.into(),
            row_start,
            row_count,
            skipped_count,
        };
        let shard = Shard {
            key: String::new(),
            split: String::new(),
            n: 0,
            row_count: 12,
            size_bytes: 0,
            sha256: [0; 32],
            batch_digests: Vec::new(),
            sources: vec![range("a", 90, 7, 3), range("b", 0, 2, 0)],
            ordinal: None,
            row_start: None,
        };
        let expected: HashMap<u64, Option<(&str, u64)>> =
            [(0, Some(("a", 90))), (9, Some(("a", 99))), (10, Some(("b", 0))), (11, Some(("b", 1))), (12, None)].into();
        for (row, place) in expected {
            assert_eq!(source_row(&shard, row), place.map(|(file, row)| (file.to_owned(), row)), "{row}");
        }
    }
}
