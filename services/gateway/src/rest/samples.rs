//! Sample rows of a dataset or of a tokenization, page by page, or searched.
//!
//! Rows without a chosen split run through all splits in order. A search reads rows until it has seen them all or
//! reached its bounds, and says which of the two.

mod cut;
mod scan;
mod tokens;

use super::{
    Gateway, datasets,
    extract::{Id, Paging, Query, choice},
    tokenizations,
};
use crate::{error::ApiError, openapi::ReadErrors};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use axum::{Json, extract::State};
use dataset_model::{Dataset, DatasetId, DatasetStatus, Problem, Reason, Split, TokenizationId};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::ops::RangeInclusive;
use utoipa::{IntoParams, ToSchema};

/// Arrow bytes of the rows of one page.
const MAX_RAW_BYTES: usize = 64 << 20;
const CELL_BYTES: RangeInclusive<usize> = 16..=1 << 20;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SamplesQuery {
    /// The first page is 1.
    page: Option<u32>,
    /// Rows of a page, 1 to 200; 20.
    limit: Option<u32>,
    /// Only rows of this split; all, in order.
    split: Option<String>,
    /// Token rows of this tokenization instead of raw rows.
    #[param(value_type = Option<uuid::Uuid>)]
    tokenization_id: Option<String>,
    /// Only rows with this part in one of their text columns (or in their decoded text), any case, at most 256 characters.
    q: Option<String>,
    /// Cuts each cell of a raw row to about so many bytes, 16 to 1048576, and names those in `cut`; not at all.
    max_cell_bytes: Option<usize>,
}

#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the name in the contract")]
pub(super) struct Samples {
    samples: Vec<Sample>,
    /// Rows in all pages; of a search, the rows found so far.
    total: u64,
    page: u32,
    limit: u32,
    /// Present in the answer to a search.
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<Search>,
}

/// How far a search looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
struct Search {
    scanned_rows: u64,
    /// False: the search stopped at its bounds, and later rows were not looked at.
    complete: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Sample {
    Raw(RawSample),
    Tokens(TokenSample),
}

#[derive(Debug, Serialize, ToSchema)]
struct RawSample {
    /// Row in the split.
    index: u64,
    split: String,
    /// Column by column; what JSON cannot carry is text.
    data: Map<String, Value>,
    /// Columns that lost something to `max_cell_bytes`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    cut: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct TokenSample {
    /// Row in the tokenization.
    index: u64,
    split: String,
    /// Row in the split that the tokens come from.
    doc: u64,
    window: u32,
    input_ids: Vec<u32>,
    /// One per id; bytes that are not whole UTF-8 as `<0xNN>`.
    pieces: Vec<String>,
    /// Positions of special tokens, ascending.
    special: Vec<u32>,
    text: String,
}

/// Shows rows of a ready dataset, or of one of its tokenizations.
#[utoipa::path(get, path = "/datasets/{id}/samples", operation_id = "list_samples", tag = "datasets", params(("id" = uuid::Uuid, Path), SamplesQuery),
    responses((status = 200, body = Samples), ReadErrors))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Id(id): Id<DatasetId>,
    Query(query): Query<SamplesQuery>,
) -> Result<Json<Samples>, ApiError> {
    let paging = Paging::new(query.page, query.limit)?;
    let needle = query.q.as_deref().filter(|q| !q.is_empty()).map(scan::needle).transpose()?;
    let tokenization_id = choice::<TokenizationId>("tokenization_id", query.tokenization_id.as_deref())?;
    if query.max_cell_bytes.is_some_and(|most| !CELL_BYTES.contains(&most)) {
        let description = format!("must be {} to {}", CELL_BYTES.start(), CELL_BYTES.end());
        return Err(Problem::field("max_cell_bytes", description).into());
    }
    let split = query.split.as_deref().filter(|split| !split.is_empty());
    let dataset = datasets::fetch(&gateway, id).await?;
    if dataset.status != DatasetStatus::Ready {
        let detail = format!("dataset `{id}` is `{}`", dataset.status);
        return Err(ApiError::new(Reason::DatasetNotReady, detail));
    }
    let splits = chosen(&dataset, split)?;
    let mut answer = if let Some(tokenization_id) = tokenization_id {
        let tokenization = tokenizations::fetch(&gateway, tokenization_id).await?;
        if tokenization.dataset_id != id {
            return Err(ApiError::not_found("tokenization of this dataset", &tokenization_id.to_string()));
        }
        let source = tokens::Source::new(&dataset, &splits, tokenization)?;
        match needle {
            None => tokens::page(&gateway, &source, paging).await?,
            Some(needle) => scan::tokens(&gateway, &source, paging, &needle).await?,
        }
    } else {
        match needle {
            None => raw_page(&gateway, id, &splits, paging).await?,
            Some(needle) => scan::raw(&gateway, id, &splits, paging, &needle).await?,
        }
    };
    if let Some(most) = query.max_cell_bytes {
        for sample in &mut answer.samples {
            if let Sample::Raw(sample) = sample {
                sample.cut = cut::columns(&mut sample.data, most);
            }
        }
    }
    Ok(Json(answer))
}

/// The splits that a request is about.
fn chosen(dataset: &Dataset, split: Option<&str>) -> Result<Vec<Split>, ApiError> {
    let Some(name) = split else { return Ok(dataset.splits.clone()) };
    let found: Vec<_> = dataset.splits.iter().filter(|split| split.name == name).cloned().collect();
    if found.is_empty() {
        let names: Vec<_> = dataset.splits.iter().map(|split| format!("`{}`", split.name)).collect();
        let problem = Problem::new(Reason::HubSplitNotFound, format!("the dataset has no split `{name}`"));
        return Err(problem.next_step(format!("choose one of {}", names.join(", "))).into());
    }
    Ok(found)
}

/// Which rows of which splits are rows `[offset, offset + limit)` of all of them.
fn segments(splits: &[Split], offset: u64, limit: u64) -> Vec<(&str, u64, u64)> {
    let end = offset.saturating_add(limit);
    let mut first = 0;
    let mut found = Vec::new();
    for split in splits {
        let last = first + split.row_count;
        let (from, to) = (offset.max(first), end.min(last));
        if from < to {
            found.push((split.name.as_str(), from - first, to - from));
        }
        first = last;
    }
    found
}

async fn raw_page(gateway: &Gateway, id: DatasetId, splits: &[Split], paging: Paging) -> Result<Samples, ApiError> {
    let Paging { page, limit } = paging;
    let mut samples = Vec::new();
    let mut bytes = 0;
    for (split, start, count) in segments(splits, paging.offset(), limit.into()) {
        let mut index = start;
        let mut batches = gateway.rows.raw(id, split, start, count).await?;
        while let Some(batch) = batches.try_next().await? {
            fits(&mut bytes, &batch, MAX_RAW_BYTES)?;
            let first = index;
            index += batch.num_rows() as u64;
            samples.extend(raw_samples(batch, split.to_owned(), first).await?);
        }
    }
    let total = splits.iter().map(|split| split.row_count).sum();
    Ok(Samples { samples, total, page, limit, search: None })
}

fn fits(bytes: &mut usize, batch: &RecordBatch, limit: usize) -> Result<(), ApiError> {
    *bytes += size(batch);
    if *bytes > limit {
        let description = format!("these rows hold more than {} MiB: ask for fewer", limit >> 20);
        return Err(Problem::field("limit", description).into());
    }
    Ok(())
}

/// Bytes of these rows alone; the message that they came in may be shared by other rows.
fn size(batch: &RecordBatch) -> usize {
    let of = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(column.get_buffer_memory_size());
    batch.columns().iter().map(of).sum()
}

/// Off the async threads: a batch may hold megabytes of text.
async fn raw_samples(batch: RecordBatch, split: String, first: u64) -> Result<Vec<Sample>, ApiError> {
    let convert = move || {
        let columns = StructArray::from(batch);
        let sample = |(row, index)| RawSample {
            index,
            split: split.clone(),
            data: row_json::row(&columns, row),
            cut: Vec::new(),
        };
        (0..columns.len()).zip(first..).map(sample).map(Sample::Raw).collect()
    };
    tokio::task::spawn_blocking(convert).await.map_err(|error| ApiError::internal(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_run_through_all_splits() {
        let split = |name: &str, row_count| Split { name: name.to_owned(), row_count, size_bytes: 0 };
        let splits = [split("a", 3), split("empty", 0), split("b", 4)];
        assert_eq!(segments(&splits, 0, 2), [("a", 0, 2)]);
        assert_eq!(segments(&splits, 2, 3), [("a", 2, 1), ("b", 0, 2)]);
        assert_eq!(segments(&splits, 6, 200), [("b", 3, 1)]);
        assert_eq!(segments(&splits, u64::MAX - 1, 200), []);
    }
}
