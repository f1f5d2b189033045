//! Cuts tables whose card says how: other quotes, escapes, comments, ends of lines, lines to be skipped.
//!
//! The states are those of pandas' own cutter (`tokenizer.c`), so that the same text falls into the same cells. Tables
//! without such options go to a faster one, which knows less.

use std::io::{self, BufRead};

use csv::ByteRecord;

use crate::{
    convert::{ConvertError, batches::ROW_BYTES, compressed::Plain},
    plan::options::Dialect,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Row,
    /// Blanks that may be all that there is on the line.
    Blank,
    Cell,
    InCell,
    Escaped,
    Quoted,
    EscapedInQuotes,
    QuoteInQuotes,
    Space,
    Comment,
    CommentLine,
    Skipped,
    SkippedCell,
    SkippedQuoted,
    SkippedQuoteInQuotes,
}

/// What a byte ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Nothing,
    Row,
    /// A line that is no row.
    Line,
}

/// The rows of a file, as cells.
pub(super) struct Cutter {
    input: Plain,
    dialect: Dialect,
    separator: u8,
    state: State,
    cell: Vec<u8>,
    blanks: Vec<u8>,
    /// A line feed that comes next belongs to the carriage return before it.
    eat_newline: bool,
    has_begun: bool,
    /// The line that the next byte is on, counted from 1; and how many lines there were, where one in quotes is none.
    line: u64,
    passed: u64,
}

impl Cutter {
    pub(super) fn new(input: Plain, separator: u8, dialect: Dialect) -> Self {
        Self {
            input,
            dialect,
            separator,
            state: State::Row,
            cell: Vec::new(),
            blanks: Vec::new(),
            eat_newline: false,
            has_begun: false,
            line: 1,
            passed: 0,
        }
    }

    pub(super) fn file(&self) -> &str {
        self.input.file()
    }

    /// The cells of the next row, and the line on which it begins; none at the end.
    pub(super) fn read(&mut self, record: &mut ByteRecord) -> Result<Option<u64>, ConvertError> {
        record.clear();
        if !std::mem::replace(&mut self.has_begun, true) {
            self.skip_mark().map_err(|error| self.input.error(error))?;
        }
        let (mut begun, mut bytes) = (self.line, 0);
        loop {
            let byte = match self.input.fill_buf().map(|chunk| chunk.first().copied()) {
                Ok(Some(byte)) => byte,
                Ok(None) => return self.end(record, begun),
                Err(error) => return Err(self.input.error(error)),
            };
            self.input.consume(1);
            if std::mem::take(&mut self.eat_newline) && byte == b'\n' {
                continue;
            }
            let end = self.feed(byte, record);
            self.eat_newline = end != End::Nothing && byte == b'\r' && self.dialect.line_end.is_none();
            self.line += u64::from(self.eat_newline || byte == self.dialect.line_end.unwrap_or(b'\n'));
            bytes += 1;
            match end {
                End::Nothing if bytes > ROW_BYTES => {
                    let place = format!("the row that begins on line {begun}");
                    return Err(ConvertError::RowTooLarge { file: self.file().to_owned(), place, limit: ROW_BYTES });
                }
                End::Nothing => {}
                End::Line => (begun, bytes) = (self.line, 0),
                End::Row => return Ok(Some(begun)),
            }
        }
    }

    fn skip_mark(&mut self) -> io::Result<()> {
        if self.input.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            self.input.consume(3);
        }
        Ok(())
    }

    fn is_end(&self, byte: u8) -> bool {
        self.dialect.line_end.map_or(byte == b'\n' || byte == b'\r', |end| byte == end)
    }

    fn is_separator(&self, byte: u8) -> bool {
        if self.dialect.by_space { byte == b' ' || byte == b'\t' } else { byte == self.separator }
    }

    fn is_blank(&self, byte: u8) -> bool {
        (byte == b' ' || byte == b'\t') && !self.is_separator(byte)
    }

    fn is_skipped(&self) -> bool {
        self.passed < self.dialect.skip_first || self.dialect.skip_lines.contains(&self.passed)
    }

    fn end_cell(&mut self, record: &mut ByteRecord) {
        record.push_field(&self.cell);
        self.cell.clear();
    }

    fn ends(&mut self, end: End) -> End {
        self.state = State::Row;
        self.passed += 1;
        end
    }

    fn feed(&mut self, byte: u8, record: &mut ByteRecord) -> End {
        match self.state {
            State::Row => self.row(byte, record),
            State::Blank if self.is_end(byte) => {
                self.blanks.clear();
                self.ends(End::Line)
            }
            State::Blank if byte == b' ' || byte == b'\t' => {
                if self.is_separator(byte) && !self.dialect.by_space {
                    return self.blanks_are_cell(byte, record);
                }
                self.blanks.push(byte);
                End::Nothing
            }
            State::Blank => self.blanks_are_cell(byte, record),
            State::Space => self.space(byte, record),
            State::Cell => self.cell(byte, record),
            State::InCell => self.in_cell(byte, record),
            State::Quoted | State::EscapedInQuotes => self.quoted(byte),
            State::QuoteInQuotes if self.dialect.quote == Some(byte) => self.keep(byte, State::Quoted),
            State::QuoteInQuotes if self.is_separator(byte) || self.is_end(byte) => self.in_cell(byte, record),
            State::Escaped | State::QuoteInQuotes => self.keep(byte, State::InCell),
            State::Comment if self.is_end(byte) => self.ends(End::Row),
            State::CommentLine if self.is_end(byte) => self.ends(End::Line),
            State::Comment | State::CommentLine => End::Nothing,
            State::Skipped | State::SkippedCell | State::SkippedQuoted | State::SkippedQuoteInQuotes => self.skip(byte),
        }
    }

    fn keep(&mut self, byte: u8, then: State) -> End {
        self.cell.push(byte);
        self.state = then;
        End::Nothing
    }

    fn row(&mut self, byte: u8, record: &mut ByteRecord) -> End {
        if self.is_skipped() {
            return self.skip(byte);
        }
        if self.is_end(byte) {
            return self.ends(if self.dialect.skip_blank_lines { End::Line } else { End::Row });
        }
        if self.dialect.comment == Some(byte) {
            self.state = State::CommentLine;
            return End::Nothing;
        }
        let begins_blank = self.is_blank(byte) || (self.dialect.by_space && self.is_separator(byte));
        if begins_blank && self.dialect.skip_blank_lines {
            self.blanks.push(byte);
            self.state = State::Blank;
            return End::Nothing;
        }
        if begins_blank && self.dialect.by_space {
            self.state = State::Space;
            return End::Nothing;
        }
        self.cell(byte, record)
    }

    /// There is more on the line than blanks, which begin its first cell unless they separate cells.
    fn blanks_are_cell(&mut self, byte: u8, record: &mut ByteRecord) -> End {
        let blanks = std::mem::take(&mut self.blanks);
        if self.dialect.by_space {
            return self.space(byte, record);
        }
        for blank in blanks {
            self.state = if self.cell.is_empty() { State::Cell } else { State::InCell };
            self.feed(blank, record);
        }
        self.feed(byte, record)
    }

    fn space(&mut self, byte: u8, record: &mut ByteRecord) -> End {
        if self.is_end(byte) {
            return self.ends(End::Row);
        }
        if self.dialect.comment == Some(byte) {
            self.state = State::Comment;
            return End::Nothing;
        }
        if byte == b' ' || byte == b'\t' { End::Nothing } else { self.cell(byte, record) }
    }

    fn cell(&mut self, byte: u8, record: &mut ByteRecord) -> End {
        self.state = State::Cell;
        if self.dialect.skip_initial_space && self.is_blank(byte) {
            return End::Nothing;
        }
        if self.dialect.quote == Some(byte) && !self.is_end(byte) {
            self.state = State::Quoted;
            return End::Nothing;
        }
        self.in_cell(byte, record)
    }

    fn in_cell(&mut self, byte: u8, record: &mut ByteRecord) -> End {
        if self.is_end(byte) {
            self.end_cell(record);
            return self.ends(End::Row);
        }
        if self.dialect.escape == Some(byte) {
            self.state = State::Escaped;
        } else if self.is_separator(byte) {
            self.end_cell(record);
            self.state = if self.dialect.by_space { State::Space } else { State::Cell };
        } else if self.dialect.comment == Some(byte) {
            self.end_cell(record);
            self.state = State::Comment;
        } else {
            self.keep(byte, State::InCell);
        }
        End::Nothing
    }

    fn quoted(&mut self, byte: u8) -> End {
        if self.state == State::EscapedInQuotes {
            return self.keep(byte, State::Quoted);
        }
        if self.dialect.escape == Some(byte) {
            self.state = State::EscapedInQuotes;
        } else if self.dialect.quote == Some(byte) {
            self.state = if self.dialect.double_quote { State::QuoteInQuotes } else { State::InCell };
        } else {
            self.cell.push(byte);
        }
        End::Nothing
    }

    fn skip(&mut self, byte: u8) -> End {
        let is_quote = self.dialect.quote == Some(byte);
        self.state = match self.state {
            State::SkippedQuoted if is_quote && self.dialect.double_quote => State::SkippedQuoteInQuotes,
            State::SkippedQuoted if is_quote => State::Skipped,
            State::SkippedQuoted => State::SkippedQuoted,
            State::SkippedQuoteInQuotes | State::SkippedCell | State::Row if is_quote => State::SkippedQuoted,
            _ if self.is_end(byte) => return self.ends(End::Line),
            State::SkippedQuoteInQuotes | State::SkippedCell | State::Skipped if self.is_separator(byte) => {
                State::SkippedCell
            }
            _ => State::Skipped,
        };
        End::Nothing
    }

    /// Behind the last byte.
    fn end(&mut self, record: &mut ByteRecord, begun: u64) -> Result<Option<u64>, ConvertError> {
        let unparted = |why| Err(ConvertError::Unparted { file: self.input.file().to_owned(), line: begun, why });
        match self.state {
            State::Quoted | State::EscapedInQuotes | State::SkippedQuoted => {
                return unparted("a quoted cell is not closed");
            }
            State::Escaped => return unparted("the file ends behind an escape"),
            State::InCell | State::Cell | State::QuoteInQuotes => self.end_cell(record),
            State::Space | State::Comment => {}
            _ => return Ok(None),
        }
        self.state = State::Row;
        Ok(Some(begun))
    }
}
