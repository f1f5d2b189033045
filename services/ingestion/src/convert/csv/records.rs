//! Cuts CSV text into rows of cells, with the line on which each begins.
//!
//! The first row names the columns, as pandas does: a name that comes again gets a number, and none becomes
//! `Unnamed: n`. Blank lines are no rows, a short row lacks its last cells, and a long one is an error.

use std::{
    collections::{HashMap, HashSet},
    io::{self, Cursor, Read},
};

use csv::{ByteRecord, ReaderBuilder};

use crate::convert::{ConvertError, batches::ROW_BYTES, compressed::Plain};

/// More columns than any table has.
const COLUMNS: usize = 10_000;
/// Put behind the file: a quote that is never closed swallows it, and that is how it is noticed.
const END: &[u8] = b"\n\x1etokenmill: end of file\x1e\n";

/// The rows of a file, one after the other.
pub(super) struct Records {
    reader: csv::Reader<Bounded>,
    record: ByteRecord,
    names: Vec<String>,
}

/// A row.
pub(super) struct Row<'a> {
    record: &'a ByteRecord,
    columns: usize,
    file: &'a str,
    line: u64,
}

impl<'a> Row<'a> {
    /// Its cells in order; an error when there are too many, or one of them is no text.
    pub(super) fn cells(&self) -> Result<impl Iterator<Item = &'a str> + use<'a>, ConvertError> {
        let (record, columns) = (self.record, self.columns);
        let bad = |why| ConvertError::BadLine { file: self.file.to_owned(), line: self.line, why };
        if record.len() > columns {
            return Err(bad(format!("it has {} cells, and the table {columns} columns", record.len())));
        }
        // All at once is fast; a character that begins in one cell and ends in the next is none.
        let text = std::str::from_utf8(record.as_slice()).ok();
        let range = |cell| record.range(cell).unwrap_or_default();
        let text = text.filter(|text| (0..record.len()).all(|cell| text.is_char_boundary(range(cell).end)));
        let text = text.ok_or_else(|| bad("it is not UTF-8".to_owned()))?;
        Ok((0..record.len()).map(move |cell| &text[record.range(cell).unwrap_or_default()]))
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn bytes(&self) -> u64 {
        self.record.as_slice().len() as u64
    }
}

impl Records {
    pub(super) fn open(input: Plain, delimiter: u8) -> Result<Self, ConvertError> {
        let input = Bounded { plain: input, end: Cursor::new(END), since: 0 };
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(input);
        let mut records = Self { reader, record: ByteRecord::new(), names: Vec::new() };
        if let Some(line) = records.read()? {
            let columns = records.record.len();
            let row = Row { record: &records.record, columns, file: records.file(), line };
            if columns > COLUMNS {
                let what = format!("more than {COLUMNS} columns");
                return Err(ConvertError::TooComplex { file: row.file.to_owned(), line, what });
            }
            let why = "the names of the columns are not UTF-8";
            let cells = row.cells().map_err(|_| ConvertError::Unparted { file: row.file.to_owned(), line, why })?;
            records.names = names(cells);
        }
        Ok(records)
    }

    pub(super) fn file(&self) -> &str {
        self.reader.get_ref().plain.file()
    }

    /// The columns; none in a file without a single row.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The next row, or none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>, ConvertError> {
        let Some(line) = self.read()? else { return Ok(None) };
        let file = self.reader.get_ref().plain.file();
        Ok(Some(Row { record: &self.record, columns: self.names.len(), file, line }))
    }

    /// Reads on to the next row that is not blank; gives its line, or none at the end.
    fn read(&mut self) -> Result<Option<u64>, ConvertError> {
        loop {
            self.reader.get_mut().since = 0;
            let more = self.reader.read_byte_record(&mut self.record).map_err(|error| self.failed(error))?;
            let line = self.record.position().map_or(0, csv::Position::line);
            let end = END.trim_ascii();
            match self.record.iter().next_back() {
                Some(cell) if self.record.len() == 1 && cell == end => return Ok(None),
                Some(cell) if cell.windows(end.len()).any(|window| window == end) => {
                    let (file, why) = (self.file().to_owned(), "a quoted cell is not closed");
                    return Err(ConvertError::Unparted { file, line, why });
                }
                _ if !more => return Ok(None),
                Some(cell) if self.record.len() == 1 && !cell.is_empty() && cell.trim_ascii().is_empty() => {}
                _ => return Ok(Some(line)),
            }
        }
    }

    fn failed(&self, error: csv::Error) -> ConvertError {
        let line = self.reader.position().line();
        match error.into_kind() {
            csv::ErrorKind::Io(error) if error.get_ref().and_then(|inner| inner.downcast_ref()) == Some(&TooLarge) => {
                let place = format!("the row that begins on line {line}");
                ConvertError::RowTooLarge { file: self.file().to_owned(), place, limit: ROW_BYTES }
            }
            csv::ErrorKind::Io(error) => self.reader.get_ref().plain.error(error),
            other => ConvertError::BadLine { file: self.file().to_owned(), line, why: format!("{other:?}") },
        }
    }
}

/// As pandas names them (`_get_header` in `pandas/_libs/parsers.pyx`): first those that have a name, and no number makes
/// a name that stands elsewhere in the row.
fn names<'a>(cells: impl Iterator<Item = &'a str>) -> Vec<String> {
    let cells: Vec<&str> = cells.collect();
    let unnamed = |number| format!("Unnamed: {number}");
    let plain = cells.iter().enumerate().map(|(n, cell)| if cell.is_empty() { unnamed(n) } else { (*cell).to_owned() });
    let mut names: Vec<String> = plain.collect();
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    // How often a name was met, with the numbers behind it that were tried.
    let mut counts: HashMap<String, usize> = HashMap::new();
    let (with_name, without): (Vec<usize>, Vec<usize>) =
        (0..cells.len()).partition(|number| !cells[*number].is_empty());
    for number in with_name.into_iter().chain(without) {
        let plain = names[number].clone();
        let (mut name, mut count) = (plain.clone(), counts.get(&plain).copied().unwrap_or_default());
        while count > 0 {
            counts.insert(plain.clone(), count + 1);
            name = format!("{plain}.{count}");
            count = if taken.contains(&name) { count + 1 } else { 0 };
        }
        taken.insert(name.clone());
        counts.insert(name.clone(), 1);
        names[number] = name;
    }
    names
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("too large")]
struct TooLarge;

/// The file, then the end mark; an error when no row ends for too long.
struct Bounded {
    plain: Plain,
    end: Cursor<&'static [u8]>,
    /// Bytes since the last row.
    since: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since > ROW_BYTES {
            return Err(io::Error::other(TooLarge));
        }
        let read = match self.plain.read(buffer)? {
            0 => self.end.read(buffer)?,
            read => read,
        };
        self.since += read as u64;
        Ok(read)
    }
}
