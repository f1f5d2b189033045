//! A file on the Hub for a reader that jumps about in it, as Parquet's does: fetched in blocks when they are needed,
//! each once, and no more of them than a budget allows.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use hub::HubError;
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};

/// Fetched at once, at least: a page's header costs no request of its own.
const BLOCK: u64 = 256 << 10;

/// Gives bytes `first..first + length` of the file; blocking.
type Fetch = dyn Fn(u64, u64) -> Result<Vec<u8>, HubError> + Send + Sync;

/// The file. Clones share what was fetched.
#[derive(Clone)]
pub(crate) struct Ranged {
    fetch: Arc<Fetch>,
    size: u64,
    budget: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    blocks: BTreeMap<u64, Bytes>,
    fetched: u64,
    failure: Option<Failure>,
}

/// Why a read was refused, which a decoder would only repeat as text.
#[derive(Debug)]
pub(crate) enum Failure {
    Hub(HubError),
    /// More bytes are needed than are allowed.
    Budget,
}

impl Ranged {
    /// A file of `size` bytes, of which at most `budget` may be fetched.
    pub(crate) fn new(
        size: u64,
        budget: u64,
        fetch: impl Fn(u64, u64) -> Result<Vec<u8>, HubError> + Send + Sync + 'static,
    ) -> Self {
        Self { fetch: Arc::new(fetch), size, budget, state: Arc::default() }
    }

    /// Why reading ended, if it was not the decoder's doing.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.state().failure.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, start: u64, length: u64) -> io::Result<Vec<u8>> {
        let end = start.checked_add(length).filter(|end| *end <= self.size).ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut state = self.state();
        let numbers = start / BLOCK..end.div_ceil(BLOCK);
        // Neighbours that are missing come with one request.
        let missing = numbers.clone().find(|number| !state.blocks.contains_key(number));
        if let Some(first) = missing {
            let last = numbers.clone().rev().find(|number| !state.blocks.contains_key(number)).unwrap_or(first);
            self.load(&mut state, first, last)?;
        }
        let mut found = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        for number in numbers {
            let block = state.blocks.get(&number).ok_or(io::ErrorKind::UnexpectedEof)?;
            let at = number * BLOCK;
            let place = |position: u64| usize::try_from(position.clamp(at, at + BLOCK) - at).unwrap_or(usize::MAX);
            found.extend_from_slice(block.get(place(start)..place(end)).ok_or(io::ErrorKind::UnexpectedEof)?);
        }
        Ok(found)
    }

    /// Fetches blocks `first` to `last`; ones in between that are there already come again.
    fn load(&self, state: &mut State, first: u64, last: u64) -> io::Result<()> {
        let start = first * BLOCK;
        let length = ((last + 1) * BLOCK).min(self.size) - start;
        state.fetched += length;
        if state.fetched > self.budget {
            state.failure = Some(Failure::Budget);
            return Err(io::Error::other("more of the file is needed than may be fetched"));
        }
        let fetched = match (self.fetch)(start, length) {
            Ok(fetched) => Bytes::from(fetched),
            Err(error) => {
                state.failure = Some(Failure::Hub(error));
                return Err(io::Error::other("the file could not be fetched"));
            }
        };
        for number in first..=last {
            let at = usize::try_from((number - first) * BLOCK).unwrap_or(usize::MAX).min(fetched.len());
            let end = at.saturating_add(usize::try_from(BLOCK).unwrap_or(usize::MAX)).min(fetched.len());
            state.blocks.insert(number, fetched.slice(at..end));
        }
        Ok(())
    }
}

impl Length for Ranged {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Ranged {
    type T = Reader;

    fn get_read(&self, start: u64) -> Result<Reader, ParquetError> {
        Ok(Reader { file: self.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        Ok(self.read(start, length as u64)?.into())
    }
}

/// Reads on from a place in the file.
pub(crate) struct Reader {
    file: Ranged,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.file.size.saturating_sub(self.at);
        // To the end of the block at most: the caller may want no more.
        let length = left.min(BLOCK - self.at % BLOCK).min(buffer.len() as u64);
        let found = self.file.read(self.at, length)?;
        buffer[..found.len()].copy_from_slice(&found);
        self.at += found.len() as u64;
        Ok(found.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{convert::head, plan::Options};
    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
    use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};

    fn parquet(rows: i64) -> Vec<u8> {
        let column = |n: i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(
                (0..rows).map(|row| row.wrapping_mul(0x9e37_79b9_7f4a_7c15u64.cast_signed()) ^ n),
            ))
        };
        let batch = RecordBatch::try_from_iter([("a", column(0)), ("b", column(1))]).unwrap();
        let properties = WriterProperties::builder().set_dictionary_enabled(false).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    fn ranged(bytes: Vec<u8>, budget: u64) -> Ranged {
        let size = bytes.len() as u64;
        let slice = move |first: u64, length: u64| {
            let first = usize::try_from(first).unwrap();
            Ok(bytes[first..first + usize::try_from(length).unwrap()].to_vec())
        };
        Ranged::new(size, budget, slice)
    }

    #[test]
    fn the_first_rows_of_a_large_row_group_cost_a_few_blocks() {
        let bytes = parquet(2_000_000);
        assert!(bytes.len() > 30 << 20);
        let file = ranged(bytes, 8 << 20);
        let head = head::of_parquet(&file, "a.parquet", &Options::default(), 3).unwrap();
        assert_eq!((head.rows.num_rows(), head.schema.fields().len()), (3, 2));
        let fetched = file.state().fetched;
        assert!(fetched <= 5 << 20, "{fetched} bytes were fetched");
    }

    #[test]
    fn a_budget_is_kept_and_named() {
        let file = ranged(parquet(2_000_000), BLOCK);
        assert!(head::of_parquet(&file, "a.parquet", &Options::default(), 3).is_err());
        assert!(matches!(file.failure(), Some(Failure::Budget)));
    }

    #[test]
    fn any_part_is_what_the_file_has_there() {
        let bytes: Vec<u8> = (0..3 * BLOCK + 17).map(|n| (n % 251) as u8).collect();
        let file = ranged(bytes.clone(), u64::MAX);
        for (start, length) in
            [(0, 1), (BLOCK - 1, 2), (BLOCK / 2, 2 * BLOCK), (3 * BLOCK, 17), (0, 3 * BLOCK + 17), (5, 0)]
        {
            let from = usize::try_from(start).unwrap();
            let expected = &bytes[from..from + usize::try_from(length).unwrap()];
            assert_eq!(file.get_bytes(start, usize::try_from(length).unwrap()).unwrap(), expected, "{start} {length}");
        }
        assert!(file.get_bytes(3 * BLOCK, 18).is_err());
        let mut read = Vec::new();
        file.get_read(BLOCK - 3).unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes[usize::try_from(BLOCK - 3).unwrap()..]);
    }
}
