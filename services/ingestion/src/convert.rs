//! Source files become record batches in one common schema: what is read, in which order, and within which bounds.
//!
//! Everything here blocks and runs on a blocking thread. Memory is bounded by a few batches whatever the file holds.

mod ahead;
mod arrow;
pub mod batches;
mod compressed;
mod conform;
mod csv;
mod declared;
mod decoded;
mod error;
mod first_pass;
mod guard;
pub mod head;
mod infer;
mod json_text;
mod jsonl;
mod judge;
mod parquet;
mod rows;
pub mod schema;
mod skips;
mod text;
mod webdataset;
mod zipped;

use std::{
    fs::File,
    io::{Read, Seek},
    path::Path,
    sync::Arc,
};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use dataset_model::{LeftOutMembers, OnBadRows};
use tokio_util::sync::CancellationToken;

use crate::plan::Options;
use batches::batch_bytes;
pub use conform::{Misfit, conform, misfit};
use declared::Declared;
pub use error::ConvertError;
use first_pass::{FirstPass, first_pass};
use schema::Conflict;
pub use skips::Gap;

/// A file may unpack to so many times its size …
pub const BOMB_RATIO: u64 = 200;
/// … once it has become larger than this.
pub const BOMB_BYTES: u64 = 1 << 30;

/// The formats that rows are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Parquet,
    /// JSON lines or one array, plain or compressed.
    Json,
    /// Cells between separators, plain or compressed.
    Csv {
        separator: u8,
    },
    /// A row per line, plain or compressed.
    Text,
    /// Arrow's file or stream.
    Arrow,
    /// A tar archive with a row per group of members.
    WebDataset,
    /// An archive whose members are files of any other format.
    Zip,
}

impl Format {
    pub const CSV: Self = Self::Csv { separator: b',' };
    pub const TSV: Self = Self::Csv { separator: b'\t' };

    /// The format of that name in `datasets`; a `csv` with another separator than a comma has it behind the name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "parquet" => Some(Self::Parquet),
            "json" => Some(Self::Json),
            "csv" => Some(Self::CSV),
            "text" => Some(Self::Text),
            "arrow" => Some(Self::Arrow),
            "webdataset" => Some(Self::WebDataset),
            "zip" => Some(Self::Zip),
            other => match other.strip_prefix("csv")?.as_bytes() {
                [separator] => Some(Self::Csv { separator: *separator }),
                _ => None,
            },
        }
    }
}

/// How a file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub format: Format,
    /// Of JSON, CSV and text: in other formats rows are not told apart before they are read.
    pub on_bad_rows: OnBadRows,
    /// What the repository's card says of it.
    pub options: Arc<Options>,
    pub look: Look,
}

/// How much of a file is looked at before its rows are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As much as it takes to know the schema of all rows.
    Whole,
    /// Of JSON and CSV the beginning, if it promises more of the same; a row that is not is
    /// [`ConvertError::Unforeseen`].
    Head,
}

/// The beginning of a file: its second half must bring nothing new.
const HEAD_BYTES: usize = 8 << 20;

impl From<Format> for Reading {
    fn from(format: Format) -> Self {
        Self { format, on_bad_rows: OnBadRows::Fail, options: Arc::default(), look: Look::Whole }
    }
}

/// Rows of a source file whose schema is known: of all of it, or of a member of an archive.
#[derive(Debug)]
pub struct Source {
    path: String,
    /// Where its rows are said to come from.
    origin: String,
    content: Content,
    /// In the repository, packed or not.
    size: u64,
    format: Format,
    options: Arc<Options>,
    /// As the file has it.
    own: SchemaRef,
    /// In the plain form, or in the types that the card declares.
    plain: Schema,
    declared: Vec<Declared>,
    on_bad_rows: OnBadRows,
    look: Look,
}

/// A file of the repository, opened.
#[derive(Debug)]
pub struct Opened {
    /// One, or the members of an archive.
    pub sources: Vec<Source>,
    /// What else lies in an archive.
    pub left_out: LeftOutMembers,
}

#[derive(Debug)]
enum Content {
    File(File),
    /// Unpacked whenever it is read, so that no more than one member of an archive lies unpacked.
    Member(zipped::Member),
}

impl Source {
    /// Looks at a file, named `path` in its repository. JSON and CSV are read whole, as any row may bring another
    /// type, unless their beginning is enough.
    pub fn open(
        path: &str,
        file: File,
        reading: impl Into<Reading>,
        stop: &CancellationToken,
    ) -> Result<Self, ConvertError> {
        Ok(Self::opened(path, file, &reading.into(), stop)?.0)
    }

    /// The same of a file that may be a zip archive: all its members. `scratch` is a folder for what is unpacked.
    pub fn open_all(
        path: &str,
        file: File,
        reading: impl Into<Reading>,
        scratch: &Path,
        stop: &CancellationToken,
    ) -> Result<Opened, ConvertError> {
        let reading = reading.into();
        let mut head = Vec::new();
        let read = (&file).take(4).read_to_end(&mut head).and_then(|_| (&file).rewind());
        read.map_err(|source| ConvertError::Disk { file: path.to_owned(), source })?;
        if zipped::is_zip(path, &head) {
            return zipped::sources(path, file, &reading, scratch, stop);
        }
        let (source, left_out) = Self::opened(path, file, &reading, stop)?;
        Ok(Opened { sources: vec![source], left_out })
    }

    fn opened(
        path: &str,
        file: File,
        reading: &Reading,
        stop: &CancellationToken,
    ) -> Result<(Self, LeftOutMembers), ConvertError> {
        let size = file.metadata().map_err(|source| ConvertError::Disk { file: path.to_owned(), source })?.len();
        let mut seen = first_pass(&file, path, reading, stop)?;
        let left_out = std::mem::take(&mut seen.left_out);
        Ok((Self::new(path.to_owned(), Content::File(file), size, reading, seen)?, left_out))
    }

    fn new(
        path: String,
        content: Content,
        size: u64,
        reading: &Reading,
        seen: FirstPass,
    ) -> Result<Self, ConvertError> {
        let FirstPass { schema: own, on_bad_rows, look, .. } = seen;
        schema::check_names(&own, &path)?;
        let declared = declared::declared(&own, reading.format, &reading.options);
        let declared = declared.map_err(|conflict| conflict.of(&path))?;
        let plain = declared.last().map_or_else(|| schema::canonical(&own), |last| last.schema().as_ref().clone());
        let (format, options, own) = (reading.format, Arc::clone(&reading.options), Arc::new(own));
        Ok(Self { origin: path.clone(), path, content, size, format, options, own, plain, declared, on_bad_rows, look })
    }

    /// The file's name in its repository; a member's follows that of its archive.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the rows count from: the file, or the archive when its members are too many to tell apart.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    fn has(&self, column: &str, data_type: &DataType) -> bool {
        self.plain.field_with_name(column).is_ok_and(|field| field.data_type() == data_type)
    }

    /// Its rows in order, with the columns of `schema`, which must be at least as wide as the file's own.
    pub fn batches<'a>(
        &'a self,
        schema: &'a SchemaRef,
        stop: &'a CancellationToken,
    ) -> Result<Batches<'a>, ConvertError> {
        let Self { path, content, own, format, options, .. } = self;
        let seen = (own, self.on_bad_rows);
        let unpacked;
        let file = match content {
            Content::File(file) => file,
            Content::Member(member) => {
                unpacked = member.unpack(path, stop)?;
                &unpacked
            }
        };
        let rows: Box<dyn ReadBatches> = match format {
            Format::Parquet => Box::new(parquet::ParquetBatches::open(file, path, schema)?),
            Format::Json => Box::new(jsonl::JsonBatches::open(file, path, options, (seen, self.look), stop)?),
            Format::Csv { separator } => {
                Box::new(csv::CsvBatches::open(file, path, (*separator, options), (seen, self.look), stop)?)
            }
            Format::Text => {
                let input = compressed::Plain::open(file, path, stop)?.decoded(options);
                Box::new(text::TextBatches::new(input, options, self.on_bad_rows))
            }
            Format::Arrow => Box::new(arrow::ArrowBatches::open(file, path)?),
            Format::WebDataset => Box::new(webdataset::SampleBatches::open(file, path, own, stop)?),
            // Its members have other formats.
            Format::Zip => return Err(ConvertError::NoMembers { file: path.clone() }),
        };
        Ok(Batches { source: self, schema, stop, rows, gaps: Vec::new(), passed: 0, bytes: 0, ended: false })
    }
}

/// The schema that holds the rows of all files.
pub fn common_schema(sources: &[Source]) -> Result<SchemaRef, ConvertError> {
    let Some((first, rest)) = sources.split_first() else { return Ok(Arc::new(Schema::empty())) };
    let mut common = first.plain.clone();
    for source in rest {
        let differ = |Conflict { column, left, right }: Conflict| ConvertError::SchemasDiffer {
            first: first.path.clone(),
            file: source.path.clone(),
            column,
            left,
            right,
        };
        common = schema::merge(&common, &source.plain).map_err(differ)?;
    }
    Ok(Arc::new(common))
}

/// A reader of one format. After an error or the end it is not asked again.
trait ReadBatches {
    /// The next rows as the file has them; none at its end.
    fn batch(&mut self) -> Result<Option<RecordBatch>, ConvertError>;

    /// What was left out between the rows of that batch.
    fn gaps(&mut self) -> Vec<Gap> {
        Vec::new()
    }
}

/// The rows of a source file in the common schema.
pub struct Batches<'a> {
    source: &'a Source,
    schema: &'a SchemaRef,
    stop: &'a CancellationToken,
    rows: Box<dyn ReadBatches>,
    gaps: Vec<Gap>,
    /// Rows of the file before the next batch, skipped ones too.
    passed: u64,
    bytes: u64,
    ended: bool,
}

impl Batches<'_> {
    /// The bad rows around those of the last batch, which has no rows where a file has none behind them.
    pub fn gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps)
    }

    fn accept(&mut self, batch: &RecordBatch) -> Result<RecordBatch, ConvertError> {
        let Source { path, size, .. } = self.source;
        if self.stop.is_cancelled() {
            return Err(ConvertError::Stopped);
        }
        if batch.num_columns() == 0 && batch.num_rows() > 0 {
            return Err(ConvertError::NoColumns { file: path.clone() });
        }
        let mut batch = batch.clone();
        for declared in &self.source.declared {
            let cast = declared.cast(&batch);
            batch = cast.map_err(|source| self.undeclared(declared.misfit(&batch), source))?;
        }
        let batch = conform(&batch, self.schema).map_err(|source| self.unfit(&batch, source))?;
        self.bytes += batch_bytes(&batch);
        // Dictionaries and missing columns blow a file up as well as compression does.
        if self.bytes > BOMB_BYTES && self.bytes > size.saturating_mul(BOMB_RATIO) {
            return Err(ConvertError::Bomb { file: path.clone(), size: *size, ratio: BOMB_RATIO });
        }
        Ok(batch)
    }

    /// Of a batch that cannot be brought into the common schema: which value is at fault, if one is.
    fn unfit(&self, batch: &RecordBatch, source: ArrowError) -> ConvertError {
        let file = self.source.path.clone();
        match misfit(batch, self.schema) {
            // In the type that the file has itself it should have been.
            Some(Misfit { column, row, wanted }) if !self.source.has(&column, &wanted) => {
                ConvertError::DoesNotFit { file, row: self.row(row), column, wanted }
            }
            _ => ConvertError::Cast { file, source },
        }
    }

    fn undeclared(&self, misfit: Option<Misfit>, source: ArrowError) -> ConvertError {
        let file = self.source.path.clone();
        match misfit {
            Some(Misfit { column, row, wanted }) => {
                ConvertError::NotAsDeclared { file, row: self.row(row), column, wanted }
            }
            None => ConvertError::Cast { file, source },
        }
    }

    /// Of a row of the batch: its place in the file, counted from 1.
    fn row(&self, row: usize) -> u64 {
        let skipped: u64 = self.gaps.iter().filter(|gap| gap.at <= row).map(|gap| gap.count).sum();
        self.passed + skipped + row as u64 + 1
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<RecordBatch, ConvertError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let batch = self.rows.batch();
        self.gaps = self.rows.gaps();
        let batch = batch.and_then(|batch| batch.map(|batch| self.accept(&batch)).transpose()).transpose();
        if let Some(Ok(batch)) = &batch {
            self.passed += batch.num_rows() as u64 + self.gaps.iter().map(|gap| gap.count).sum::<u64>();
        }
        self.ended = !matches!(batch, Some(Ok(_)));
        batch
    }
}
