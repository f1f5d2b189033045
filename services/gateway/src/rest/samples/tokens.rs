//! Token rows, with the pieces and the text that the tokenization service makes of their ids.

use super::{Gateway, Paging, Sample, Samples, TokenSample, fits};
use crate::error::ApiError;
use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{Int32Type, UInt16Type, UInt32Type, UInt64Type},
};
use dataset_model::{Dataset, Reason, Split, Tokenization, TokenizationStatus};
use dataset_proto::tokenization::{DecodeRequest, DecodeRow, DecodedRow};
use futures::TryStreamExt;

/// Arrow bytes of the rows of one page, of which each id grows to some ten bytes of JSON.
const MAX_TOKEN_BYTES: usize = 8 << 20;
/// Ids that one question to the tokenization service holds, so that messages stay small.
const DECODE_IDS: usize = 250_000;

/// A ready tokenization and the split that it covers.
pub(super) struct Source {
    pub tokenization: Tokenization,
    split: String,
    /// 0 when a split was asked for that the tokenization does not cover.
    pub row_count: u64,
}

impl Source {
    pub(super) fn new(dataset: &Dataset, splits: &[Split], tokenization: Tokenization) -> Result<Self, ApiError> {
        if tokenization.status != TokenizationStatus::Ready {
            let detail = format!("tokenization `{}` is `{}`", tokenization.id, tokenization.status);
            return Err(ApiError::new(Reason::DatasetNotReady, detail));
        }
        let of = |name: &str| dataset.splits.iter().find(|split| split.name == name).map(|split| split.name.clone());
        let default = || of("train").or_else(|| dataset.splits.first().map(|split| split.name.clone()));
        let split = tokenization.config.split.clone().or_else(default).unwrap_or_default();
        let covered = splits.iter().any(|chosen| chosen.name == split);
        let row_count = if covered { tokenization.num_sequences.unwrap_or_default() } else { 0 };
        Ok(Self { tokenization, split, row_count })
    }
}

pub(super) async fn page(gateway: &Gateway, source: &Source, paging: Paging) -> Result<Samples, ApiError> {
    let Paging { page, limit } = paging;
    let start = paging.offset().min(source.row_count);
    let count = u64::from(limit).min(source.row_count - start);
    let mut samples = Vec::new();
    let (mut bytes, mut index) = (0, start);
    if count > 0 {
        let mut batches = gateway.rows.tokens(source.tokenization.id, start, count).await?;
        while let Some(batch) = batches.try_next().await? {
            fits(&mut bytes, &batch, MAX_TOKEN_BYTES)?;
            samples.extend(with_text(gateway, source, &batch, index).await?.into_iter().map(Sample::Tokens));
            index += batch.num_rows() as u64;
        }
    }
    Ok(Samples { samples, total: source.row_count, page, limit, search: None })
}

/// Token rows with their pieces and text; at most 200 rows.
pub(super) async fn with_text(
    gateway: &Gateway,
    source: &Source,
    batch: &RecordBatch,
    first: u64,
) -> Result<Vec<TokenSample>, ApiError> {
    let rows: Vec<Vec<u32>> = (0..batch.num_rows()).map(|row| ids(batch, row)).collect::<Result<_, _>>()?;
    let decoded = decode(gateway, &source.tokenization, &rows).await?;
    let docs = column(batch, &["doc", "first_doc"]).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    let windows = column(batch, &["window"]).and_then(|column| column.as_primitive_opt::<UInt32Type>());
    let complete = |(row, (input_ids, decoded)): (usize, (Vec<u32>, DecodedRow))| TokenSample {
        index: first + row as u64,
        split: source.split.clone(),
        doc: docs.map(|docs| docs.value(row)).unwrap_or_default(),
        window: windows.map(|windows| windows.value(row)).unwrap_or_default(),
        input_ids,
        pieces: decoded.pieces,
        special: decoded.special,
        text: decoded.text,
    };
    Ok(rows.into_iter().zip(decoded).enumerate().map(complete).collect())
}

/// Pieces and text, which only the tokenization service knows.
async fn decode(gateway: &Gateway, of: &Tokenization, rows: &[Vec<u32>]) -> Result<Vec<DecodedRow>, ApiError> {
    let mut decoded = Vec::with_capacity(rows.len());
    while decoded.len() < rows.len() {
        let mut ids = 0;
        let asked: Vec<DecodeRow> = rows[decoded.len()..]
            .iter()
            .take_while(|row| {
                let first = ids == 0;
                ids += row.len().max(1);
                first || ids <= DECODE_IDS
            })
            .map(|row| DecodeRow { input_ids: row.clone() })
            .collect();
        let asked_rows = asked.len();
        let message = DecodeRequest {
            tokenizer_name: of.tokenizer_name.clone(),
            tokenizer_revision: of.tokenizer_revision.clone(),
            rows: asked,
        };
        let answer = gateway.tokenizer.clone().decode(catalog_client::request(message)).await?.into_inner();
        if answer.rows.len() != asked_rows {
            return Err(ApiError::internal(&"decoded rows are not as many as asked for"));
        }
        decoded.extend(answer.rows);
    }
    Ok(decoded)
}

fn column<'a>(batch: &'a RecordBatch, names: &[&str]) -> Option<&'a dyn Array> {
    names.iter().find_map(|name| batch.column_by_name(name)).map(|column| &**column)
}

/// The ids of a row; fill at the end of a packed row is left out.
fn ids(batch: &RecordBatch, row: usize) -> Result<Vec<u32>, ApiError> {
    let broken = || ApiError::internal(&"token rows without `input_ids` of a known type");
    let lists = column(batch, &["input_ids"]).ok_or_else(broken)?;
    let items = if let Some(list) = lists.as_list_opt::<i32>() {
        list.value(row)
    } else {
        lists.as_fixed_size_list_opt().ok_or_else(broken)?.value(row)
    };
    let mut ids: Vec<u32> = if let Some(items) = items.as_primitive_opt::<UInt16Type>() {
        items.values().iter().map(|&id| id.into()).collect()
    } else {
        let items = items.as_primitive_opt::<Int32Type>().ok_or_else(broken)?;
        items.values().iter().map(|&id| id.cast_unsigned()).collect()
    };
    if let Some(length) = column(batch, &["length"]).and_then(|a| a.as_primitive_opt::<UInt32Type>()) {
        ids.truncate(length.value(row) as usize);
    }
    Ok(ids)
}
