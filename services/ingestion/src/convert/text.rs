//! Text files: one row per line, paragraph or file, in the one column `text`.
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
use crate::plan::options::{Options, SampleBy};

/// Short lines: so many in a batch at most.
const DECODE_ROWS: usize = 64 << 10;

/// The only schema that text has, but for the name.
pub(super) fn schema(options: &Options) -> Schema {
    Schema::new(vec![Field::new(options.text_column(), DataType::Utf8, true)])
}

/// The rows of a file.
pub(super) struct TextBatches {
    input: Plain,
    schema: SchemaRef,
    sample_by: SampleBy,
    keep_linebreaks: bool,
    buffer: Vec<u8>,
    /// Of the last line that was read, and of the first one of the row.
    line: u64,
    begun: u64,
    /// Whether the one row of a file was read.
    ended: bool,
    skips: Skips,
}

impl TextBatches {
    pub(super) fn new(input: Plain, options: &Options, on_bad_rows: OnBadRows) -> Self {
        Self {
            input,
            schema: Arc::new(schema(options)),
            sample_by: options.sample_by,
            keep_linebreaks: options.keep_linebreaks,
            buffer: Vec::new(),
            line: 0,
            begun: 1,
            ended: false,
            skips: Skips::new(on_bad_rows),
        }
    }

    /// Reads the next row into the buffer; false at the end.
    fn read_row(&mut self) -> Result<bool, ConvertError> {
        self.buffer.clear();
        self.begun = self.line + 1;
        match self.sample_by {
            SampleBy::Line => {
                let is_row = self.read_line()?;
                if !self.keep_linebreaks && self.buffer.last() == Some(&b'\n') {
                    self.buffer.pop();
                }
                Ok(is_row)
            }
            SampleBy::Paragraph => self.read_paragraph(),
            SampleBy::Document => {
                while self.read_line()? {}
                Ok(!std::mem::replace(&mut self.ended, true))
            }
        }
    }

    /// What is left between two line breaks behind each other, unless it is nothing.
    fn read_paragraph(&mut self) -> Result<bool, ConvertError> {
        while self.read_line()? {
            if self.buffer == b"\n\n" {
                self.buffer.clear();
                self.begun = self.line + 1;
            } else if self.buffer.ends_with(b"\n\n") {
                self.buffer.truncate(self.buffer.len() - 2);
                return Ok(true);
            }
        }
        Ok(!self.buffer.is_empty())
    }

    /// Adds the next line to the buffer, whatever ends it with a line feed; false at the end.
    fn read_line(&mut self) -> Result<bool, ConvertError> {
        let begun = self.buffer.len();
        self.line += 1;
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) => return Err(self.input.error(error)),
            };
            if chunk.is_empty() {
                return Ok(self.buffer.len() > begun);
            }
            let end = memchr::memchr2(b'\n', b'\r', chunk);
            let taken = end.unwrap_or(chunk.len());
            self.buffer.extend_from_slice(&chunk[..taken]);
            let is_return = end.is_some_and(|at| chunk[at] == b'\r');
            self.input.consume(taken + usize::from(end.is_some()));
            if self.buffer.len() as u64 > ROW_BYTES {
                return Err(self.too_large());
            }
            if is_return {
                self.skip_newline()?;
            }
            if end.is_some() {
                self.buffer.push(b'\n');
                return Ok(true);
            }
        }
    }

    fn too_large(&self) -> ConvertError {
        let place = match self.sample_by {
            SampleBy::Line => format!("line {}", self.begun),
            SampleBy::Paragraph => format!("the paragraph that begins on line {}", self.begun),
            SampleBy::Document => "the one row".to_owned(),
        };
        ConvertError::RowTooLarge { file: self.input.file().to_owned(), place, limit: ROW_BYTES }
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
        while rows < DECODE_ROWS && bytes < BATCH_BYTES && self.read_row()? {
            let Ok(text) = std::str::from_utf8(&self.buffer) else {
                let (file, why) = (self.input.file().to_owned(), "it is not UTF-8".to_owned());
                self.skips.leave_out(rows, ConvertError::BadLine { file, line: self.begun, why })?;
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
