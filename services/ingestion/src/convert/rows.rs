//! Cuts JSON text into rows: one per line, the items of one array, or objects that span lines.
//!
//! Which of them is found out from the beginning of the file, as `datasets` does. A row is handed on as its bytes,
//! with the line on which it begins, so that whatever is wrong with it can be named.

mod inner;
mod value;

use std::io::{BufRead, Read};

pub(super) use self::value::Scanner;
use self::value::{are_several, breaks_off, is_prefix, whole};
use super::{ConvertError, ahead::Ahead, batches::ROW_BYTES, compressed::Plain};

/// A row as it stands in the file.
#[derive(Debug)]
pub(super) struct Row<'a> {
    /// Counted from 1.
    pub line: u64,
    pub bytes: &'a [u8],
}

/// The rows of a file, one after the other.
pub(super) struct Rows {
    input: Ahead,
    /// The last row, unless it lies in the input.
    buffer: Vec<u8>,
    /// Bytes of the input that are the last row.
    in_input: usize,
    /// The line that the next byte is on.
    line: u64,
    form: Form,
    items: Items,
    /// Where in one object the array is.
    field: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing but white space was seen.
    Unknown,
    Lines,
    /// Objects after each other, whatever the lines.
    Objects,
    /// The items of an array; whether a comma must come first.
    Array {
        comma: bool,
    },
    Ended,
}

/// What the items of an array are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Items {
    Rows,
    /// Values of the one column `text`.
    Texts,
}

impl Rows {
    /// `field` is that of the file's one object which holds the rows, if these are not the file itself.
    pub(super) fn new(input: Plain, field: Option<&str>) -> Result<Self, ConvertError> {
        let mut input = Ahead::new(input);
        let has_mark = input.fill_buf().map(|head| head.starts_with(b"\xef\xbb\xbf"));
        if has_mark.map_err(|e| input.error(e))? {
            input.consume(3);
        }
        let (field, items) = (field.map(str::to_owned), Items::Rows);
        Ok(Self { input, buffer: Vec::new(), in_input: 0, line: 1, form: Form::Unknown, items, field })
    }

    pub(super) fn file(&self) -> &str {
        self.input.file()
    }

    /// The next row, or none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>, ConvertError> {
        self.input.consume(std::mem::take(&mut self.in_input));
        self.buffer.clear();
        let line = match self.form {
            Form::Unknown => self.first()?,
            Form::Lines => self.line_in_input()?,
            Form::Objects | Form::Array { .. } => self.value()?,
            Form::Ended => None,
        };
        let Some(line) = line else { return Ok(None) };
        if self.in_input == 0 {
            return Ok(Some(Row { line, bytes: &self.buffer }));
        }
        // It was looked at just now, so that nothing is read and nothing fails.
        let shown = self.input.fill_buf().unwrap_or_default();
        Ok(shown.get(..self.in_input).map(|bytes| Row { line, bytes }))
    }

    /// The first row, which shows the form of the others.
    fn first(&mut self) -> Result<Option<u64>, ConvertError> {
        if self.field.is_some() {
            self.enter_field()?;
            return self.value();
        }
        match self.skip_space()? {
            None => Ok(None),
            Some(b'[') => {
                self.enter_array()?;
                self.value()
            }
            Some(_) => {
                let line = self.line()?;
                if are_several(&self.buffer) {
                    self.line = line.unwrap_or(1);
                    self.input.put_back(std::mem::take(&mut self.buffer));
                    self.form = Form::Objects;
                    return self.value();
                }
                if breaks_off(&self.buffer) && self.goes_on()? {
                    self.form = Form::Objects;
                    let mut scanner = Scanner::default();
                    scanner.feed(&self.buffer);
                    self.rest_of_value(scanner, line.unwrap_or(1))?;
                } else {
                    self.form = Form::Lines;
                }
                Ok(line)
            }
        }
    }

    /// Whether a value that the first line begins goes on with what follows; else that line was cut off.
    fn goes_on(&mut self) -> Result<bool, ConvertError> {
        let line = self.line;
        let next = self.skip_space()?;
        // Errors in the row are counted from its first line.
        self.buffer.extend((line..self.line).map(|_| b'\n'));
        let Some(next) = next else { return Ok(false) };
        if !is_prefix(&self.buffer, &[next]) {
            return Ok(false);
        }
        // An object may stand there as a part of the value, or as the next row.
        if next == b'{' { self.goes_on_behind_line() } else { Ok(true) }
    }

    /// The same when the next line may be a row: then what follows that line tells.
    fn goes_on_behind_line(&mut self) -> Result<bool, ConvertError> {
        let (first, line) = (std::mem::take(&mut self.buffer), self.line);
        self.line()?;
        let mut read = std::mem::replace(&mut self.buffer, first);
        let is_row = whole(&read).is_ok();
        let mut goes_on = true;
        if is_row {
            let behind = self.line;
            let next = self.skip_space()?;
            goes_on = next.is_some_and(|next| is_prefix(&self.buffer, &[&read, &[next][..]].concat()));
            read.extend((behind..self.line).map(|_| b'\n'));
        }
        self.line = line;
        self.input.put_back(read);
        Ok(goes_on)
    }

    /// The next line that is not blank, left where it is if it lies there in one piece.
    fn line_in_input(&mut self) -> Result<Option<u64>, ConvertError> {
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) => return Err(self.input.error(error)),
            };
            let Some(end) = memchr::memchr(b'\n', chunk) else { return self.line() };
            let text = chunk[..end].trim_ascii();
            let (is_blank, is_null) = (text.is_empty(), text == NULL);
            let line = self.line;
            self.line += 1;
            if is_null {
                self.buffer.extend_from_slice(EMPTY);
            } else if !is_blank {
                self.in_input = end + 1;
                return Ok(Some(line));
            }
            self.input.consume(end + 1);
            if is_null {
                return Ok(Some(line));
            }
        }
    }

    /// The next line that is not blank.
    fn line(&mut self) -> Result<Option<u64>, ConvertError> {
        loop {
            self.buffer.clear();
            let read = (&mut self.input).take(ROW_BYTES + 1).read_until(b'\n', &mut self.buffer);
            match read.map_err(|e| self.input.error(e))? {
                0 => return Ok(None),
                n if n as u64 > ROW_BYTES => return Err(self.too_large(self.line)),
                _ => {}
            }
            let line = self.line;
            self.line += 1;
            if self.buffer.trim_ascii() == NULL {
                self.buffer = EMPTY.to_vec();
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    /// The next value of an array or of a sequence of objects.
    fn value(&mut self) -> Result<Option<u64>, ConvertError> {
        let mut next = self.skip_space()?;
        if let Form::Array { comma } = self.form {
            match next {
                Some(b']') => return self.end_of_array(),
                Some(b',') if comma => {
                    self.input.consume(1);
                    next = self.skip_space()?;
                }
                Some(_) if !comma => {}
                Some(_) => return Err(self.unparted("a comma is missing")),
                None => return Err(self.unparted("the array is not closed")),
            }
            self.form = Form::Array { comma: true };
        }
        let begun = self.line;
        match next {
            Some(_) if self.items == Items::Texts => return self.text(begun).map(Some),
            Some(b'{') => {}
            Some(b'n') if matches!(self.form, Form::Array { .. }) => return self.null(begun).map(Some),
            Some(_) => return Err(self.unparted("a row must be an object")),
            None if self.form == Form::Objects => return Ok(None),
            None => return Err(self.unparted("the array is not closed")),
        }
        self.rest_of_value(Scanner::default(), begun)?;
        Ok(Some(begun))
    }

    fn end_of_array(&mut self) -> Result<Option<u64>, ConvertError> {
        self.input.consume(1);
        if self.field.is_some() {
            self.leave_field()?;
        }
        match self.skip_space()? {
            None => {
                self.form = Form::Ended;
                Ok(None)
            }
            Some(_) => Err(self.unparted("something follows the array")),
        }
    }

    /// Reads on until the value in the buffer is whole.
    fn rest_of_value(&mut self, mut scanner: Scanner, begun: u64) -> Result<(), ConvertError> {
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) => return Err(self.input.error(error)),
            };
            if chunk.is_empty() {
                let why = "an object is not complete at the end of the file";
                return Err(ConvertError::Unparted { file: self.file().to_owned(), line: begun, why });
            }
            let end = scanner.feed(chunk);
            let taken = end.unwrap_or(chunk.len());
            self.buffer.extend_from_slice(&chunk[..taken]);
            self.line += newlines(&chunk[..taken]);
            self.input.consume(taken);
            if self.buffer.len() as u64 > ROW_BYTES {
                return Err(self.too_large(begun));
            }
            if end.is_some() {
                return Ok(());
            }
        }
    }

    /// The next byte that is not white space; it is not consumed.
    fn skip_space(&mut self) -> Result<Option<u8>, ConvertError> {
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) => return Err(self.input.error(error)),
            };
            if chunk.is_empty() {
                return Ok(None);
            }
            let space = chunk.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let next = chunk.get(space).copied();
            self.line += newlines(&chunk[..space]);
            self.input.consume(space);
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    fn unparted(&self, why: &'static str) -> ConvertError {
        ConvertError::Unparted { file: self.file().to_owned(), line: self.line, why }
    }

    fn too_large(&self, line: u64) -> ConvertError {
        let place = format!("the row that begins on line {line}");
        ConvertError::RowTooLarge { file: self.file().to_owned(), place, limit: ROW_BYTES }
    }
}

/// A row that is null has null in every column, as one without keys has.
const NULL: &[u8] = b"null";
const EMPTY: &[u8] = b"{}";

#[expect(clippy::naive_bytecount, reason = "objects that span lines are rare: not worth a dependency")]
fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use tokio_util::sync::CancellationToken;

    fn rows(text: &str) -> Result<Vec<(u64, String)>, ConvertError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut rows = Rows::new(Plain::open(&file, "f.json", &CancellationToken::new()).unwrap(), None)?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push((row.line, String::from_utf8_lossy(row.bytes).trim().to_owned()));
        }
        Ok(out)
    }

    fn lines(text: &str) -> Vec<u64> {
        rows(text).unwrap().into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn all_forms_and_the_lines_of_their_rows() {
        assert_eq!(lines("\u{feff}{\"a\":1}\n\n  \n{\"a\":2}"), [1, 4]);
        assert_eq!(lines("{\"a\":1}\r\n{\"a\":2}\r\n"), [1, 2]);
        assert_eq!(lines(" [ {\"a\":\"]}\\\"\"},\n{\"a\":[2]}\n,{}]\n "), [1, 2, 3]);
        assert_eq!(lines("{\n \"a\": 1\n}\n{\n \"a\": 2 }{}"), [1, 4, 5]);
        assert_eq!(lines("[]"), [0; 0]);
        assert_eq!(lines("{\"a\":1}{\"a\":2}\n{} {}"), [1, 1, 2, 2]);
        assert_eq!(rows("{\"a\":1}\r{\"a\":2}\r").unwrap().len(), 2);
        assert_eq!(rows("{\"a\":1}\nnull\r\nnull").unwrap()[1..], [(2, "{}".to_owned()), (3, "{}".to_owned())]);
        assert_eq!(lines(" \n"), [0; 0]);
        assert_eq!(rows("{\n\"a\": 1}").unwrap()[0].1, "{\n\"a\": 1}");
    }

    #[test]
    fn what_breaks_off_is_named_by_its_line() {
        for (text, line, word) in [
            ("[{\"a\":1},\n{\"a\":2}", 2, "not closed"),
            ("[{\"a\":1}\n{\"a\":2}]", 2, "comma"),
            ("[{},\n1]", 2, "object"),
            ("[{}]\n{}", 2, "follows"),
            ("{\"a\":1\n,", 1, "not complete"),
        ] {
            match rows(text) {
                Err(ConvertError::Unparted { line: l, why, .. }) => assert!(l == line && why.contains(word), "{why}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_first_line_that_is_cut_off_is_a_line() {
        for cut in ["{\"a\": \"te", "{\"a\": 1", "{\"a\": 1, ", "{\"a\": [1, 2", "{\"a\": {\"b\": tr", "tr", "\"te"] {
            assert_eq!(lines(&format!("{cut}\n\n{{\"a\": 1}}\n{{\"a\": 2}}\n")), [1, 3, 4], "{cut}");
            assert_eq!(lines(&format!("{cut}\n")), [1], "{cut}");
        }
        for cut in ["{\"a\":", "{\"a\": [", "{\"a\": [1,", "{\"a\": {\"b\":", "{\"a\": [{\"b\": 1}, "] {
            assert_eq!(lines(&format!("{cut}\n\n{{\"a\": 1}}\n\n{{\"a\": 2}}\n")), [1, 3, 5], "{cut}");
            assert_eq!(lines(&format!("{cut}\n{{\"a\": 1}}\n")), [1, 2], "{cut}");
        }
    }

    #[test]
    fn a_value_that_spans_lines_is_one_row_wherever_they_break() {
        assert_eq!(lines("{\"a\":\n{\"b\": 1}\n}\n{}"), [1, 4]);
        assert_eq!(lines("{\"a\":\n{\"b\": 1}}\n{\"a\":\n{}}"), [1, 3]);
        assert_eq!(lines("{\"a\": [{\"b\": 1},\n{\"b\": 2}]}{}\n{}"), [1, 2, 3]);
        assert_eq!(lines("{\"a\": [\n{\"b\": 1}\n\n,\n{}\n]}\n{}"), [1, 7]);
        assert_eq!(lines("{\"a\": 1,\n\"b\": [1,\n2]}\n"), [1]);
        assert_eq!(lines("{\"a\": [\n\n{\"b\": 1},\n{}]}\n{}"), [1, 5]);
        assert_eq!(rows("{\"a\":\n\n1}").unwrap()[0].1, "{\"a\":\n\n1}");
        assert_eq!(lines("{\"a\": NaN,\n\"b\": 1}\n{\"a\": 2,\n\"b\": 1}\n"), [1, 3]);
    }

    #[test]
    fn a_huge_line_is_refused() {
        let text = format!("{{}}\n{{\"a\":\"{}\"}}\n", "x".repeat(usize::try_from(ROW_BYTES).unwrap()));
        assert!(matches!(rows(&text), Err(ConvertError::RowTooLarge { place, .. }) if place.ends_with("line 2")));
    }
}
