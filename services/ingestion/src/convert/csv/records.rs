//! Cuts CSV text into rows of cells, with the line on which each begins.
//!
//! The first row names the columns, as pandas does: a name that comes again gets a number, and none becomes
//! `Unnamed: n`. Blank lines are no rows, a short row lacks its last cells, and a long one is an error.

use std::{
    collections::{HashMap, HashSet},
    io::{self, Cursor, Read},
};

use csv::{ByteRecord, ReaderBuilder};
use memchr::memmem;

use super::cutter::Cutter;
use crate::{
    convert::{ConvertError, batches::ROW_BYTES, compressed::Plain},
    plan::options::{Columns, Dialect, Header, TableOptions},
};

/// More columns than any table has.
const COLUMNS: usize = 10_000;
/// Put behind the file: a quote that is never closed swallows it, and that is how it is noticed.
const END: &[u8] = b"\n\x1etokenmill: end of file\x1e\n";

/// The rows of a file, one after the other.
pub(super) struct Records {
    lines: Lines,
    record: ByteRecord,
    names: Vec<String>,
    /// The cells of a row that are read, unless all are.
    places: Option<Vec<usize>>,
    /// The line of a row that was read and not given yet.
    peeked: Option<u64>,
    /// Rows that are still wanted.
    missing: u64,
}

/// What cuts them into cells.
enum Lines {
    Plain(Box<csv::Reader<Bounded>>),
    Odd(Box<Cutter>),
}

/// A row.
pub(super) struct Row<'a> {
    record: &'a ByteRecord,
    columns: usize,
    places: Option<&'a [usize]>,
    file: &'a str,
    line: u64,
}

impl<'a> Row<'a> {
    /// Its cells in order; an error when there are too many, or one of them is no text.
    pub(super) fn cells(&self) -> Result<impl Iterator<Item = &'a str> + use<'a>, ConvertError> {
        let (record, columns, places) = (self.record, self.columns, self.places);
        let bad = |why| ConvertError::BadLine { file: self.file.to_owned(), line: self.line, why };
        if places.is_none() && record.len() > columns {
            return Err(bad(format!("it has {} cells, and the table {columns} columns", record.len())));
        }
        // All at once is fast; a character that begins in one cell and ends in the next is none.
        let text = std::str::from_utf8(record.as_slice()).ok();
        let range = |cell| record.range(cell).unwrap_or_default();
        let text = text.filter(|text| (0..record.len()).all(|cell| text.is_char_boundary(range(cell).end)));
        let text = text.ok_or_else(|| bad("it is not UTF-8".to_owned()))?;
        let place = move |cell| places.map_or(cell, |places| places[cell]);
        let count = places.map_or(record.len(), <[usize]>::len);
        Ok((0..count).map(move |cell| &text[record.range(place(cell)).unwrap_or_default()]))
    }

    pub(super) fn file(&self) -> &'a str {
        self.file
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn bytes(&self) -> u64 {
        self.record.as_slice().len() as u64
    }
}

impl Records {
    pub(super) fn open(input: Plain, separator: u8, options: &TableOptions) -> Result<Self, ConvertError> {
        let lines = if options.dialect == Dialect::default() {
            let input = Bounded { plain: input, end: Cursor::new(END), since: 0 };
            let mut reader = ReaderBuilder::new();
            reader.has_headers(false).flexible(true).delimiter(separator);
            Lines::Plain(Box::new(reader.from_reader(input)))
        } else {
            Lines::Odd(Box::new(Cutter::new(input, separator, options.dialect.clone())))
        };
        let missing = options.most_rows.unwrap_or(u64::MAX);
        let mut records =
            Self { lines, record: ByteRecord::new(), names: Vec::new(), places: None, peeked: None, missing };
        let first = match options.header {
            Header::Row(before) => {
                for _ in 0..before {
                    records.read()?;
                }
                records.read()?
            }
            Header::Absent => records.peek()?,
        };
        if let Some(line) = first {
            let found = records.found_names(line, options)?;
            records.names = records.chosen_names(found, options)?;
        }
        Ok(records)
    }

    /// Those of all columns.
    fn found_names(&self, line: u64, options: &TableOptions) -> Result<Vec<String>, ConvertError> {
        let columns = self.record.len();
        let unparted = |why| ConvertError::Unparted { file: self.file().to_owned(), line, why };
        if columns > COLUMNS {
            let what = format!("more than {COLUMNS} columns");
            return Err(ConvertError::TooComplex { file: self.file().to_owned(), line, what });
        }
        match (&options.names, options.header) {
            (Some(names), Header::Row(_)) if names.len() != columns => {
                Err(unparted("the table and the card name different numbers of columns"))
            }
            (Some(names), _) => Ok(names.clone()),
            (None, Header::Absent) => Ok((0..columns).map(|number| number.to_string()).collect()),
            (None, Header::Row(_)) => {
                let row = Row { record: &self.record, columns, places: None, file: self.file(), line };
                let cells = row.cells().map_err(|_| unparted("the names of the columns are not UTF-8"))?;
                Ok(names(cells))
            }
        }
    }

    fn chosen_names(&mut self, names: Vec<String>, options: &TableOptions) -> Result<Vec<String>, ConvertError> {
        let missing = |column| ConvertError::MissingColumn { file: self.file().to_owned(), column };
        let number =
            |number: &usize| Some(*number).filter(|at| *at < names.len()).ok_or_else(|| missing(number.to_string()));
        let place =
            |column: &String| names.iter().position(|name| name == column).ok_or_else(|| missing(column.clone()));
        let mut places = match &options.columns {
            None => return Ok(names),
            Some(Columns::Numbered(numbers)) => numbers.iter().map(number).collect::<Result<Vec<_>, _>>()?,
            Some(Columns::Named(chosen)) => chosen.iter().map(place).collect::<Result<Vec<_>, _>>()?,
        };
        // In the order of the file.
        places.sort_unstable();
        places.dedup();
        let chosen = places.iter().map(|place| names[*place].clone()).collect();
        self.places = Some(places);
        Ok(chosen)
    }

    pub(super) fn file(&self) -> &str {
        match &self.lines {
            Lines::Plain(reader) => reader.get_ref().plain.file(),
            Lines::Odd(cutter) => cutter.file(),
        }
    }

    /// The columns; none in a file without a single row.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The next row, or none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>, ConvertError> {
        let Some(missing) = self.missing.checked_sub(1) else { return Ok(None) };
        let line = match self.peeked.take() {
            Some(line) => line,
            None => match self.read()? {
                Some(line) => line,
                None => return Ok(None),
            },
        };
        self.missing = missing;
        let (columns, places) = (self.names.len(), self.places.as_deref());
        Ok(Some(Row { record: &self.record, columns, places, file: self.file(), line }))
    }

    /// Reads the first row, which the next call gives.
    fn peek(&mut self) -> Result<Option<u64>, ConvertError> {
        self.peeked = self.read()?;
        Ok(self.peeked)
    }

    fn read(&mut self) -> Result<Option<u64>, ConvertError> {
        match &mut self.lines {
            Lines::Plain(reader) => read_plain(reader, &mut self.record),
            Lines::Odd(cutter) => cutter.read(&mut self.record),
        }
    }
}

/// Reads on to the next row that is not blank; gives its line, or none at the end.
fn read_plain(reader: &mut csv::Reader<Bounded>, record: &mut ByteRecord) -> Result<Option<u64>, ConvertError> {
    loop {
        reader.get_mut().since = 0;
        let more = reader.read_byte_record(record).map_err(|error| failed(reader, error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let end = END.trim_ascii();
        match record.iter().next_back() {
            Some(cell) if record.len() == 1 && cell == end => return Ok(None),
            Some(cell) if memmem::find(cell, end).is_some() => {
                let (file, why) = (reader.get_ref().plain.file().to_owned(), "a quoted cell is not closed");
                return Err(ConvertError::Unparted { file, line, why });
            }
            _ if !more => return Ok(None),
            Some(cell) if record.len() == 1 && !cell.is_empty() && cell.trim_ascii().is_empty() => {}
            _ => return Ok(Some(line)),
        }
    }
}

fn failed(reader: &csv::Reader<Bounded>, error: csv::Error) -> ConvertError {
    let (plain, line) = (&reader.get_ref().plain, reader.position().line());
    let file = plain.file().to_owned();
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.get_ref().and_then(|inner| inner.downcast_ref()) == Some(&TooLarge) => {
            let place = format!("the row that begins on line {line}");
            ConvertError::RowTooLarge { file, place, limit: ROW_BYTES }
        }
        csv::ErrorKind::Io(error) => plain.error(error),
        other => ConvertError::BadLine { file, line, why: format!("{other:?}") },
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
