//! Arrow files and streams into batches, as their writer cut them.
//!
//! The file is a stranger's. A message says itself how long it is, and the decoder reserves that much before it reads:
//! so all lengths are held against the file first, and what packed buffers claim to become against a limit.

mod claims;

use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek, SeekFrom},
    ops::Range,
};

use arrow_array::RecordBatch;
use arrow_ipc::{
    MessageHeader,
    reader::{FileReader, StreamReader},
    root_as_footer, root_as_message,
};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};

use self::claims::Claims;
use super::{
    ConvertError, ReadBatches,
    guard::{Cause, guard},
};

/// The longest record batch that is taken: it is held in memory whole.
const MESSAGE_BYTES: u64 = 512 << 20;
const MAGIC: &[u8] = b"ARROW1";
/// What stands before a message's length.
const CONTINUATION: u32 = u32::MAX;
/// Length of the footer and magic, at the very end of a file.
const TRAILER: u64 = 10;

type Rows = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>;

/// The rows of a file or a stream: the first bytes tell which.
pub(super) struct ArrowBatches {
    path: String,
    schema: SchemaRef,
    rows: Rows,
    next: usize,
}

impl ArrowBatches {
    pub(super) fn open(file: &File, path: &str) -> Result<Self, ConvertError> {
        let (schema, rows) = guard(|| open(file)).map_err(|source| match source.downcast::<TooLong>() {
            Ok(long) => {
                ConvertError::RowTooLarge { file: path.to_owned(), place: long.to_string(), limit: MESSAGE_BYTES }
            }
            Err(source) => ConvertError::BadArrow { file: path.to_owned(), source },
        })?;
        Ok(Self { path: path.to_owned(), schema, rows, next: 0 })
    }

    /// The columns as the file declares them.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

impl ReadBatches for ArrowBatches {
    fn batch(&mut self) -> Result<Option<RecordBatch>, ConvertError> {
        let number = self.next;
        self.next += 1;
        let bad = |source| ConvertError::BadBatch { file: self.path.clone(), batch: number, source };
        guard(|| self.rows.next().transpose().map_err(Into::into)).map_err(bad)
    }
}

fn open(file: &File) -> Result<(SchemaRef, Rows), Cause> {
    let size = file.metadata()?.len();
    let mut input = file.try_clone()?;
    let mut head = [0; MAGIC.len()];
    input.rewind()?;
    let is_file = input.read_exact(&mut head).is_ok() && head == MAGIC;
    if is_file {
        check_file(&mut input, size)?;
        input.rewind()?;
        let reader = FileReader::try_new(BufReader::new(input), None)?;
        check_types(&reader.schema())?;
        Ok((reader.schema(), Box::new(reader)))
    } else {
        check_stream(&mut input, size)?;
        input.rewind()?;
        let reader = StreamReader::try_new(BufReader::new(input), None)?;
        check_types(&reader.schema())?;
        Ok((reader.schema(), Box::new(reader)))
    }
}

/// The decoder takes types as they are declared, and gives up where it first makes room for one that cannot be.
fn check_types(schema: &SchemaRef) -> Result<(), Cause> {
    let impossible =
        |field: &Field| impossible(field.data_type()).map(|why| format!("column `{}` {why}", field.name()));
    match schema.flattened_fields().into_iter().find_map(impossible) {
        Some(why) => Err(why.into()),
        None => Ok(()),
    }
}

fn impossible(data_type: &DataType) -> Option<&'static str> {
    match data_type {
        DataType::FixedSizeBinary(width) | DataType::FixedSizeList(_, width) if *width < 0 => {
            Some("is of a negative width")
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => None,
            _ => Some("is a map of something else than keys and values"),
        },
        DataType::Dictionary(_, values) => impossible(values),
        _ => None,
    }
}

/// A message that is longer than is taken.
#[derive(Debug, thiserror::Error)]
#[error("record batch {0}")]
struct TooLong(usize);

/// Holds a message against the file that should contain it.
fn check_message(number: usize, start: u64, length: i64, size: u64) -> Result<u64, Cause> {
    let end = u64::try_from(length).ok().and_then(|length| start.checked_add(length)).filter(|end| *end <= size);
    let end = end.ok_or_else(|| format!("message {number} reaches beyond the end"))?;
    if end - start > MESSAGE_BYTES {
        return Err(Box::new(TooLong(number)));
    }
    Ok(end)
}

fn check_claims(number: usize, bytes: u64) -> Result<(), Cause> {
    if bytes > MESSAGE_BYTES { Err(Box::new(TooLong(number))) } else { Ok(()) }
}

fn check_file(input: &mut File, size: u64) -> Result<(), Cause> {
    let trailer = size.checked_sub(TRAILER).ok_or("it has no footer")?;
    input.seek(SeekFrom::Start(trailer))?;
    let mut end = [0; 10];
    input.read_exact(&mut end)?;
    let [a, b, c, d, magic @ ..] = end;
    if magic != MAGIC {
        return Err("it has no footer".into());
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let start = trailer.checked_sub(length).ok_or("its footer is longer than the file")?;
    input.seek(SeekFrom::Start(start))?;
    let footer = read(input, length)?;
    let footer = root_as_footer(&footer).map_err(|error| error.to_string())?;
    let blocks = footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten());
    let mut claims = Claims::default();
    for (number, block) in blocks.enumerate() {
        let start = u64::try_from(block.offset()).map_err(|_| "a message has no place")?;
        let body = check_message(number, start, block.metaDataLength().into(), size)?;
        let end = check_message(number, body, block.bodyLength(), size)?;
        input.seek(SeekFrom::Start(start))?;
        let metadata = read(input, body - start)?;
        // Behind its length, which writers before 2019 put at the very beginning.
        let prefix = if metadata.starts_with(&CONTINUATION.to_le_bytes()) { 8 } else { 4 };
        let metadata = metadata.get(prefix..).ok_or("a message breaks off")?;
        let message = root_as_message(metadata).map_err(|error| error.to_string())?;
        check_claims(number, claims.with(message, body..end, input)?)?;
    }
    Ok(())
}

fn check_stream(input: &mut File, size: u64) -> Result<(), Cause> {
    input.rewind()?;
    let mut messages = Messages { input, at: 0, size, number: 0, claims: Claims::default() };
    while messages.next()?.is_some() {}
    Ok(())
}

/// Of the head of a file or stream: where its messages begin, and where the last whole record batch ends. None when
/// there is no whole one.
pub(super) fn whole_batches(head: &[u8]) -> Option<Range<usize>> {
    // A file is a stream between two magics, of which the first is filled up with zeros to a multiple of eight bytes.
    let padding = |rest: &[u8]| rest.iter().take_while(|byte| **byte == 0).count();
    let start = head.strip_prefix(MAGIC).map_or(0, |rest| (MAGIC.len() + padding(rest)) / 8 * 8) as u64;
    let (input, size, claims) = (Cursor::new(head), head.len() as u64, Claims::default());
    let mut messages = Messages { input, at: start, size, number: 0, claims };
    messages.input.set_position(start);
    let mut end = None;
    while let Ok(Some(message)) = messages.next() {
        if message == MessageHeader::RecordBatch {
            end = usize::try_from(messages.at).ok();
        }
    }
    Some(usize::try_from(start).ok()?..end?)
}

/// Walks from message to message, each held against the bytes that there are.
struct Messages<R> {
    input: R,
    /// Where the next message begins.
    at: u64,
    size: u64,
    number: usize,
    claims: Claims,
}

impl<R: Read + Seek> Messages<R> {
    /// What the next message is; none at the end.
    fn next(&mut self) -> Result<Option<MessageHeader>, Cause> {
        let Some(mut length) = word(&mut self.input)? else { return Ok(None) };
        let mut at = self.at + 4;
        // Writers before 2019 left it out.
        if length == CONTINUATION {
            length = word(&mut self.input)?.ok_or("it breaks off")?;
            at += 4;
        }
        if length == 0 {
            return Ok(None);
        }
        at = check_message(self.number, at, length.into(), self.size)?;
        let metadata = read(&mut self.input, length.into())?;
        let message = root_as_message(&metadata).map_err(|error| error.to_string())?;
        self.at = check_message(self.number, at, message.bodyLength(), self.size)?;
        check_claims(self.number, self.claims.with(message, at..self.at, &mut self.input)?)?;
        self.input.seek(SeekFrom::Start(self.at))?;
        self.number += 1;
        Ok(Some(message.header_type()))
    }
}

/// Four bytes; none at the end.
fn word(input: &mut impl Read) -> io::Result<Option<u32>> {
    let mut bytes = Vec::with_capacity(4);
    input.take(4).read_to_end(&mut bytes)?;
    match <[u8; 4]>::try_from(bytes) {
        Ok(word) => Ok(Some(u32::from_le_bytes(word))),
        Err(bytes) if bytes.is_empty() => Ok(None),
        Err(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn read(input: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}
