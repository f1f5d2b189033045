//! Tar archives in the form of `webdataset`: members that share a name up to its first dot are one row, and what follows
//! that dot names the column.
//!
//! As `datasets` reads them: `txt` is text, `cls` a whole number, `json` whatever it holds; then `__key__` and
//! `__url__`. Everything else (pictures, sound, arrays) stays the bytes that it is.

mod members;

use std::{fs::File, sync::Arc};

use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{BinaryBuilder, Int64Builder, StringBuilder},
};
use arrow_json::{ReaderBuilder, reader::Decoder};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use tokio_util::sync::CancellationToken;

use self::members::{Sample, Samples};
use super::{
    ConvertError, FirstPass, ReadBatches, batches::BATCH_BYTES, infer::Inference, json_text::for_columns, rows::Row,
};

/// Small samples: so many in a batch at most.
const DECODE_ROWS: usize = 1024;
const KEY: &str = "__key__";
const URL: &str = "__url__";
/// JSON is read as the one value of an object.
const VALUE: &str = "value";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Int,
    Json,
    Bytes,
}

impl Kind {
    /// By the last extension of the column's name.
    fn of(column: &str) -> Self {
        match column.rsplit('.').next().unwrap_or(column).to_ascii_lowercase().as_str() {
            "txt" | "text" | "transcript" => Self::Text,
            "cls" | "cls2" | "index" | "inx" | "id" => Self::Int,
            "json" | "jsn" => Self::Json,
            _ => Self::Bytes,
        }
    }
}

/// The first pass: a column for each name, with the type that all its members have.
pub(super) fn schema(file: &File, path: &str, stop: &CancellationToken) -> Result<FirstPass, ConvertError> {
    let mut samples = Samples::open(file, path, stop)?;
    let mut columns: Vec<(String, Kind, Inference)> = Vec::new();
    while let Some(sample) = samples.next()? {
        for (column, content) in &sample.members {
            let at = columns.iter().position(|(name, ..)| name == column).unwrap_or_else(|| {
                columns.push((column.clone(), Kind::of(column), Inference::default()));
                columns.len() - 1
            });
            let (_, kind, inference) = &mut columns[at];
            match kind {
                Kind::Json => {
                    let bytes = wrapped(content);
                    let seen = inference.observe(&samples.name_of(&sample, column), &Row { line: 1, bytes: &bytes });
                    seen.map_err(|error| match error {
                        ConvertError::BadLine { why, .. } => samples.bad(&sample, column, &why),
                        other => other,
                    })?;
                }
                Kind::Text => drop(text(&samples, &sample, column, content)?),
                Kind::Int => drop(whole_number(&samples, &sample, column, content)?),
                Kind::Bytes => {}
            }
        }
    }
    let field = |(name, kind, inference): (String, Kind, Inference)| {
        let data_type = match kind {
            Kind::Text => DataType::Utf8,
            Kind::Int => DataType::Int64,
            Kind::Bytes => DataType::Binary,
            Kind::Json => inference.schema().field(0).data_type().clone(),
        };
        Field::new(name, data_type, true)
    };
    let mut fields: Vec<Field> = columns.into_iter().map(field).collect();
    if !fields.is_empty() {
        fields.extend([KEY, URL].map(|name| Field::new(name, DataType::Utf8, true)));
    }
    Ok(FirstPass { left_out: samples.left_out(), ..Schema::new(fields).into() })
}

fn wrapped(content: &[u8]) -> Vec<u8> {
    [format!("{{\"{VALUE}\":").as_bytes(), content, b"}"].concat()
}

fn text<'a>(samples: &Samples, sample: &Sample, column: &str, content: &'a [u8]) -> Result<&'a str, ConvertError> {
    std::str::from_utf8(content).map_err(|_| samples.bad(sample, column, "it is not UTF-8"))
}

fn whole_number(samples: &Samples, sample: &Sample, column: &str, content: &[u8]) -> Result<i64, ConvertError> {
    let number = std::str::from_utf8(content).ok().and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| samples.bad(sample, column, "it is not a whole number"))
}

/// The second pass.
pub(super) struct SampleBatches {
    samples: Samples,
    schema: SchemaRef,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    cells: Cells,
}

enum Cells {
    Text(StringBuilder),
    Int(Int64Builder),
    Bytes(BinaryBuilder),
    Json(Box<Decoder>),
}

impl Cells {
    fn of(field: &Field) -> Result<Self, ArrowError> {
        Ok(match Kind::of(field.name()) {
            _ if [KEY, URL].contains(&field.name().as_str()) => Self::Text(StringBuilder::new()),
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Int => Self::Int(Int64Builder::new()),
            Kind::Bytes => Self::Bytes(BinaryBuilder::new()),
            Kind::Json => {
                let value = Schema::new(vec![Field::new(VALUE, field.data_type().clone(), true)]);
                let decoder = ReaderBuilder::new(Arc::new(value)).with_batch_size(DECODE_ROWS).build_decoder()?;
                Self::Json(Box::new(decoder))
            }
        })
    }
}

impl SampleBatches {
    /// `schema` is what the first pass found.
    pub(super) fn open(
        file: &File,
        path: &str,
        schema: &SchemaRef,
        stop: &CancellationToken,
    ) -> Result<Self, ConvertError> {
        let column = |field: &Arc<Field>| Ok(Column { name: field.name().clone(), cells: Cells::of(field)? });
        let columns = schema.fields().iter().map(column).collect::<Result<_, _>>();
        let columns = columns.map_err(|source| ConvertError::Cast { file: path.to_owned(), source })?;
        Ok(Self { samples: Samples::open(file, path, stop)?, schema: Arc::clone(schema), columns })
    }

    fn push(&mut self, sample: &Sample) -> Result<(), ConvertError> {
        let Self { samples, columns, .. } = self;
        for Column { name, cells } in columns {
            let content = sample.members.iter().find(|(column, _)| column == name).map(|(_, content)| content);
            match cells {
                Cells::Text(builder) if name == KEY => builder.append_value(&sample.key),
                Cells::Text(builder) if name == URL => builder.append_value(samples.file()),
                Cells::Text(builder) => {
                    builder.append_option(content.map(|content| text(samples, sample, name, content)).transpose()?);
                }
                Cells::Int(builder) => {
                    let number = content.map(|content| whole_number(samples, sample, name, content));
                    builder.append_option(number.transpose()?);
                }
                Cells::Bytes(builder) => builder.append_option(content),
                Cells::Json(decoder) => {
                    let row = content.map_or_else(|| b"{}".to_vec(), |content| wrapped(content));
                    decoder
                        .decode(&for_columns(&row))
                        .map_err(|error| samples.bad(sample, name, &error.to_string()))?;
                }
            }
        }
        Ok(())
    }
}

impl ReadBatches for SampleBatches {
    fn batch(&mut self) -> Result<Option<RecordBatch>, ConvertError> {
        let (mut rows, mut bytes) = (0, 0);
        while rows < DECODE_ROWS && bytes < BATCH_BYTES {
            let Some(sample) = self.samples.next()? else { break };
            self.push(&sample)?;
            rows += 1;
            bytes += sample.bytes();
        }
        if rows == 0 {
            return Ok(None);
        }
        let array = |column: &mut Column| -> Result<ArrayRef, ArrowError> {
            Ok(match &mut column.cells {
                Cells::Text(builder) => Arc::new(builder.finish()),
                Cells::Int(builder) => Arc::new(builder.finish()),
                Cells::Bytes(builder) => Arc::new(builder.finish()),
                Cells::Json(decoder) => {
                    let values = decoder.flush()?.filter(|values| values.num_rows() == rows);
                    let missing = || ArrowError::JsonError("rows are missing".to_owned());
                    Arc::clone(values.ok_or_else(missing)?.column(0))
                }
            })
        };
        let arrays = self.columns.iter_mut().map(array).collect::<Result<_, _>>();
        let batch = arrays.and_then(|arrays| RecordBatch::try_new(Arc::clone(&self.schema), arrays));
        batch.map(Some).map_err(|source| ConvertError::Cast { file: self.samples.file().to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_extension_says_what_a_member_is() {
        let kinds = ["en.TXT", "cls", "a.json", "json.gz", "png"].map(Kind::of);
        assert_eq!(kinds, [Kind::Text, Kind::Int, Kind::Json, Kind::Bytes, Kind::Bytes]);
    }
}
