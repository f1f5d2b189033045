//! Text files: one row per line, in the one column `text`.
//!
//! As `datasets` reads them with Python's universal newlines: a line ends with `\n`, `\r\n` or `\r` and with nothing
//! else; empty lines are rows; no row follows the last line break. Bytes that are not UTF-8 are an error.

use std::{io::BufRead, sync::Arc};

use arrow_array::{RecordBatch, builder::StringBuilder};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use dataset_model::OnBadRows;

use super::{
    ConvertError, ReadBatches,
    batches::{BATCH_BYTES, ROW_BYTES},
    compressed::Plain,
    skips::{Gap, Skips},
};

/// Short lines: so many in a batch at most.
const DECODE_ROWS: usize = 64 << 10;

/// The only schema that text has.
pub(super) fn schema() -> Schema {
    Schema::new(vec![Field::new("text", DataType::Utf8, true)])
}

/// The lines of a file.
pub(super) struct TextBatches {
    input: Plain,
    schema: SchemaRef,
    buffer: Vec<u8>,
    line: u64,
    skips: Skips,
}

impl TextBatches {
    pub(super) fn new(input: Plain, on_bad_rows: OnBadRows) -> Self {
        Self { input, schema: Arc::new(schema()), buffer: Vec::new(), line: 0, skips: Skips::new(on_bad_rows) }
    }

    /// Reads the next line into the buffer; false at the end.
    fn read_line(&mut self) -> Result<bool, ConvertError> {
        self.buffer.clear();
        self.line += 1;
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) => return Err(self.input.error(error)),
            };
            if chunk.is_empty() {
                return Ok(!self.buffer.is_empty());
            }
            let end = memchr::memchr2(b'\n', b'\r', chunk);
            let taken = end.unwrap_or(chunk.len());
            self.buffer.extend_from_slice(&chunk[..taken]);
            let is_return = end.is_some_and(|at| chunk[at] == b'\r');
            self.input.consume(taken + usize::from(end.is_some()));
            if self.buffer.len() as u64 > ROW_BYTES {
                let (file, place) = (self.input.file().to_owned(), format!("line {}", self.line));
                return Err(ConvertError::RowTooLarge { file, place, limit: ROW_BYTES });
            }
            if is_return {
                self.skip_newline()?;
            }
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    /// `\r\n` is one line break.
    fn skip_newline(&mut self) -> Result<(), ConvertError> {
        match self.input.fill_buf().map(|chunk| chunk.first() == Some(&b'\n')) {
            Ok(true) => self.input.consume(1),
            Ok(false) => {}
            Err(error) => return Err(self.input.error(error)),
        }
        Ok(())
    }
}

impl ReadBatches for TextBatches {
    fn batch(&mut self) -> Result<Option<RecordBatch>, ConvertError> {
        let mut texts = StringBuilder::new();
        let (mut rows, mut bytes) = (0, 0);
        while rows < DECODE_ROWS && bytes < BATCH_BYTES && self.read_line()? {
            let Ok(text) = std::str::from_utf8(&self.buffer) else {
                let (file, why) = (self.input.file().to_owned(), "it is not UTF-8".to_owned());
                self.skips.leave_out(rows, ConvertError::BadLine { file, line: self.line, why })?;
                continue;
            };
            texts.append_value(text);
            rows += 1;
            bytes += self.buffer.len() as u64;
        }
        if rows == 0 {
            return Ok(self.skips.rest(&self.schema));
        }
        let cast = |source| ConvertError::Cast { file: self.input.file().to_owned(), source };
        RecordBatch::try_new(Arc::clone(&self.schema), vec![Arc::new(texts.finish())]).map(Some).map_err(cast)
    }

    fn gaps(&mut self) -> Vec<Gap> {
        self.skips.take()
    }
}
