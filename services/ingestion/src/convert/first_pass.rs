//! The first look at a file: its schema, and what the reader of its rows should know besides.
//!
//! Tar archives and some of CSV and JSON are read whole for it, as any row may bring another column or type.

use std::fs::File;

use arrow_schema::Schema;
use dataset_model::{LeftOutMembers, OnBadRows};
use tokio_util::sync::CancellationToken;

use super::{ConvertError, Format, Look, Reading, arrow, csv, jsonl, parquet, schema, text, webdataset};

/// What a first look at a file tells the reader of its rows.
#[derive(Debug)]
pub(super) struct FirstPass {
    pub(super) schema: Schema,
    /// Where rows may be left out: whether there are any to leave out, as far as is known.
    pub(super) on_bad_rows: OnBadRows,
    /// What was looked at.
    pub(super) look: Look,
    /// Of a tar archive.
    pub(super) left_out: LeftOutMembers,
}

impl FirstPass {
    pub(super) fn new(schema: Schema, on_bad_rows: OnBadRows) -> Self {
        Self { schema, on_bad_rows, look: Look::Whole, left_out: LeftOutMembers::default() }
    }
}

impl From<Schema> for FirstPass {
    fn from(schema: Schema) -> Self {
        Self::new(schema, OnBadRows::Fail)
    }
}

pub(super) fn first_pass(
    file: &File,
    path: &str,
    reading: &Reading,
    stop: &CancellationToken,
) -> Result<FirstPass, ConvertError> {
    let Reading { format, on_bad_rows, ref options, look } = *reading;
    Ok(match format {
        Format::Parquet => {
            let own = parquet::schema(&parquet::footer(file, path)?);
            schema::chosen(own, path, options.columns.as_deref())?.into()
        }
        Format::Json => jsonl::schema(file, path, options, (on_bad_rows, look), stop)?,
        Format::Csv { separator } => csv::schema(file, path, (separator, options), (on_bad_rows, look), stop)?,
        Format::Text => FirstPass::new(text::schema(options), on_bad_rows),
        Format::Arrow => arrow::ArrowBatches::open(file, path)?.schema().as_ref().clone().into(),
        Format::WebDataset => webdataset::schema(file, path, stop)?,
        // By its name only: its members are opened instead of it.
        Format::Zip => return Err(ConvertError::NoMembers { file: path.to_owned() }),
    })
}
