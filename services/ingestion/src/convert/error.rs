//! Why a source file gives no rows; each becomes one reason in `failure.rs`. Files are named as in the repository.

use std::{error::Error, io};

use arrow_schema::{ArrowError, DataType};

/// A source file that cannot be converted. Lines and rows count from 1.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    #[error("line {line} of `{file}` is not a valid row: {why}")]
    BadLine { file: String, line: u64, why: String },
    /// Where this row ends nobody knows, nor where any behind it begins.
    #[error("the rows of `{file}` cannot be told apart from line {line} on: {why}")]
    Unparted { file: String, line: u64, why: &'static str },
    #[error("byte {byte} of `{file}` is no text in the encoding that the card names")]
    NoText { file: String, byte: u64 },
    #[error("`{file}` is not a whole parquet file")]
    BadParquet { file: String, source: Box<dyn Error + Send + Sync> },
    #[error("row group {row_group} of `{file}` cannot be read")]
    BadRowGroup { file: String, row_group: usize, source: Box<dyn Error + Send + Sync> },
    #[error("`{file}` is not a whole arrow file or stream")]
    BadArrow { file: String, source: Box<dyn Error + Send + Sync> },
    #[error("record batch {batch} of `{file}` cannot be read")]
    BadBatch { file: String, batch: usize, source: Box<dyn Error + Send + Sync> },
    #[error("`{file}` cannot be decompressed: it is not a whole {kind} file")]
    BadCompression { file: String, kind: &'static str, source: io::Error },
    #[error("`{file}` is compressed with {kind}, which is not supported")]
    UnsupportedCompression { file: String, kind: &'static str },
    #[error("`{member}` in `{file}` cannot be read: {why}")]
    BadMember { file: String, member: String, why: String },
    #[error("`{file}` holds no file that rows are read from")]
    NoMembers { file: String },
    #[error("`{file}` has no columns")]
    NoColumns { file: String },
    #[error("`{file}` has no column `{column}`, which the card names")]
    MissingColumn { file: String, column: String },
    #[error("`{file}` has two columns named `{column}`")]
    DuplicateColumn { file: String, column: String },
    #[error("{place} of `{file}` is larger than {limit} bytes")]
    RowTooLarge { file: String, place: String, limit: u64 },
    #[error("{place} of `{file}` takes more than {limit} bytes of memory to read")]
    TooMuchMemory { file: String, place: String, limit: u64 },
    #[error("`{file}` unpacks to more than {ratio} times its {size} bytes")]
    Bomb { file: String, size: u64, ratio: u64 },
    #[error("line {line} of `{file}` has {what}")]
    TooComplex { file: String, line: u64, what: String },
    #[error("column `{column}` of `{file}` is {found} at line {line}, but {expected} before")]
    MixedTypes { file: String, line: u64, column: String, expected: &'static str, found: &'static str },
    #[error("column `{column}` is {left} in `{first}` and {right} in `{file}`")]
    SchemasDiffer { first: String, file: String, column: String, left: DataType, right: DataType },
    #[error("column `{column}` is {wanted} in other files, which does not hold its value in row {row} of `{file}`")]
    DoesNotFit { file: String, row: u64, column: String, wanted: DataType },
    #[error("column `{column}` is declared as {wanted}, which does not hold its value in row {row} of `{file}`")]
    NotAsDeclared { file: String, row: u64, column: String, wanted: DataType },
    #[error("column `{column}` of `{file}` is not as the card declares it: {why}")]
    Undeclared { file: String, column: String, why: String },
    #[error("the columns of `{file}` cannot be brought into the dataset's types")]
    Cast { file: String, source: ArrowError },
    #[error("column `{column}` does not hold text; those that do are {texts:?}")]
    NoTextColumn { column: String, texts: Vec<String> },
    /// No fault of the file: all of it must be looked at.
    #[error("a row of `{file}` is not as those at its beginning")]
    Unforeseen { file: String },
    #[error("`{file}` could not be read from the local disk")]
    Disk { file: String, source: io::Error },
    #[error("stopped")]
    Stopped,
}
