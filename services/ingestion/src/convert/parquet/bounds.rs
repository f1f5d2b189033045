//! How many rows of a row group may be decoded at once, so that this takes no more memory than a limit.
//!
//! For each column the decoder holds: its dictionary, as it lies in the page and as values; the pages that these rows
//! touch; the levels and values made of them. Of that the headers of the pages tell the first two, since in a column
//! without lists a page has as many rows as values. What is made of a page that lists its values is not larger than the
//! page; what refers to a dictionary has at most its longest value each time. Only lists can have any number of values in
//! a row, from a few bytes: when the sum over the whole row group is too much, their repetition levels are looked at
//! first, and so are the pages of encodings which say the length of a list that the decoder allocates, and of codecs
//! whose decoder [does not hold on](unpacked) to the size of a page.
//! Thus nothing in the file makes the decoder allocate more than the limit.

use std::sync::Arc;

use parquet::{
    basic::{Encoding, Type},
    column::page::{Page, PageReader},
    file::{
        metadata::{ColumnChunkMetaData, RowGroupMetaData},
        reader::ChunkReader,
        serialized_reader::SerializedPageReader,
    },
};

use super::{
    inside::{Levels, Rows, count_rows},
    pages::{Heads, PageHead},
    unpacked,
};
use crate::convert::{
    BOMB_RATIO,
    guard::{Cause, guard},
};

/// Any file may need so much …
const ANY_FILE: u64 = 768 << 20;
/// … and a large one so much: a page of 1 GiB, and its values.
const LARGE_FILE: u64 = 2 << 30;

/// What a file of this size may need at once.
pub(super) fn memory(file_bytes: u64) -> u64 {
    file_bytes.saturating_mul(BOMB_RATIO).clamp(ANY_FILE, LARGE_FILE)
}

/// How many rows, `most` at most, or none when a single one needs more than `limit` bytes. `first` is how many are read
/// at all, if these are not all: then no more pages than theirs are looked at.
pub(super) fn rows_at_once<R: ChunkReader + 'static>(
    file: &Arc<R>,
    group: &RowGroupMetaData,
    (most, first): (u64, Option<u64>),
    limit: u64,
) -> Result<Option<u64>, Cause> {
    let mut columns = Vec::with_capacity(group.num_columns());
    for chunk in group.columns() {
        let all = || Heads::new(&**file, chunk).collect::<Result<Vec<_>, Cause>>();
        let heads = match first {
            // What lies behind the rows may be broken, and who reads the whole file never looks into it.
            Some(rows) => guard(|| first_heads(file, group, chunk, rows, limit)).or_else(|_| all())?,
            None => all()?,
        };
        columns.push(Column::new(file, group, chunk, heads, limit)?);
    }
    let rows = fitting(&columns, most, limit);
    if rows == Some(most) || columns.iter().all(|column| column.levels.repeated == 0) {
        return Ok(rows);
    }
    for (column, chunk) in columns.iter_mut().zip(group.columns()).filter(|(column, _)| column.levels.repeated > 0) {
        column.look_inside(&mut open(file, group, chunk)?)?;
    }
    Ok(fitting(&columns, most, limit))
}

fn fitting(columns: &[Column], most: u64, limit: u64) -> Option<u64> {
    let fits = |rows: &u64| {
        let needed =
            columns.iter().fold(0_u64, |sum, column| sum.saturating_add(column.needs(rows.saturating_mul(BATCHES))));
        needed <= limit
    };
    std::iter::successors(Some(most), |rows| Some(rows / 2)).take_while(|rows| *rows > 0).find(fits)
}

/// What decoding a column takes.
#[derive(Debug)]
struct Column {
    pages: Vec<PageHead>,
    levels: Levels,
    dictionary: u64,
    /// Of each value, apart from the bytes of texts that stand in the pages.
    value: u64,
    /// Values of a row, at most.
    longest_row: u64,
}

/// Two levels and an offset, in the decoder and once more when lists are put together.
const AROUND_VALUE: u64 = 16;
/// A dictionary lies in its page, as values, and as an array …
const DICTIONARY_COPIES: u64 = 3;
/// … with a place for each value.
const DICTIONARY_ENTRY: u64 = 16;
/// Batches of rows that are there at the same time: one is decoded, some wait, one is written.
pub(super) const BATCHES: u64 = 4;

impl Column {
    fn new<R: ChunkReader + 'static>(
        file: &Arc<R>,
        group: &RowGroupMetaData,
        chunk: &ColumnChunkMetaData,
        heads: Vec<PageHead>,
        limit: u64,
    ) -> Result<Self, Cause> {
        let levels = levels(chunk);
        let is_bytes = matches!(chunk.column_type(), Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY);
        let (dictionaries, pages): (Vec<_>, Vec<_>) = heads.into_iter().partition(|p| p.is_dictionary);
        // No decoder asks for the values of a dictionary before it makes room for them.
        let least = if chunk.column_type() == Type::BYTE_ARRAY { 4 } else { 1 };
        if dictionaries.iter().any(|page| page.values * least > page.plain) {
            return Err("a dictionary has more values than bytes".into());
        }
        let dictionary =
            dictionaries.iter().map(|page| page.plain * DICTIONARY_COPIES + page.values * DICTIONARY_ENTRY);
        let dictionary = dictionary.sum();
        let mut column = Self { pages, levels, dictionary, value: width(chunk), longest_row: 1 };
        let largest = column.pages.iter().map(|page| page.plain).max().unwrap_or(0);
        if column.needs(1) > limit {
            return Ok(column);
        }
        unpacked::check(&**file, chunk.compression(), &dictionaries)?;
        unpacked::check(&**file, chunk.compression(), &column.pages)?;
        if is_bytes && !dictionaries.is_empty() {
            column.value += longest_entry(&mut open(file, group, chunk)?, chunk.column_type())?;
        }
        if is_bytes && column.has(&[Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY]) {
            column.look_inside(&mut open(file, group, chunk)?)?;
            // Each of its values may have all of the one before in it.
            column.value += if column.has(&[Encoding::DELTA_BYTE_ARRAY]) { largest } else { 0 };
        } else if levels.repeated > 0 {
            // Any row may have all of them, as far as the headers tell.
            column.longest_row = column.pages.iter().map(|page| page.values).sum();
            column.pages.iter_mut().for_each(|page| page.rows = 0);
        }
        Ok(column)
    }

    fn look_inside(&mut self, pages: &mut dyn PageReader) -> Result<(), Cause> {
        let rows = count_rows(pages, self.levels, self.pages.len())?;
        self.longest_row = rows.longest;
        for (page, rows) in self.pages.iter_mut().zip(rows.of_pages) {
            page.rows = rows;
        }
        Ok(())
    }

    fn has(&self, encodings: &[Encoding]) -> bool {
        self.pages.iter().any(|page| encodings.iter().any(|encoding| *encoding as i32 == page.encoding))
    }

    /// Bytes to decode so many rows.
    fn needs(&self, rows: u64) -> u64 {
        let all: u64 = self.pages.iter().map(|page| page.values).sum();
        let values = rows.saturating_mul(self.longest_row).min(all.max(rows));
        // In the page, and as values.
        let pages = self.touched(rows).saturating_mul(2);
        let made = values.saturating_mul(self.value.saturating_add(AROUND_VALUE));
        self.dictionary.saturating_add(pages).saturating_add(made)
    }

    /// Bytes of the pages that so many consecutive rows lie in, at most, and one more page that is looked into.
    fn touched(&self, rows: u64) -> u64 {
        let (mut first, mut inner, mut bytes, mut most) = (0, 0_u64, 0_u64, 0_u64);
        for (last, page) in self.pages.iter().enumerate() {
            bytes += page.plain;
            if last > first + 1 {
                inner += self.pages[last - 1].rows;
            }
            // All rows of the pages between the first and the last, and one of the first.
            while inner.saturating_add(1) > rows {
                bytes -= self.pages[first].plain;
                first += 1;
                inner -= self.pages[first].rows;
            }
            most = most.max(bytes);
        }
        most
    }
}

/// The headers of the pages that the first rows need; where only the pages tell, these are looked at as far as that.
fn first_heads<R: ChunkReader + 'static>(
    file: &Arc<R>,
    group: &RowGroupMetaData,
    chunk: &ColumnChunkMetaData,
    rows: u64,
    limit: u64,
) -> Result<Vec<PageHead>, Cause> {
    let (mut heads, mut pages) = (Heads::new(&**file, chunk), open(file, group, chunk)?);
    let (mut first, mut found, mut plain, mut begun) = (Vec::new(), Rows::default(), 0, 0);
    // A row has ended when the next one begins.
    while begun <= rows
        && plain <= limit
        && let Some(head) = heads.next().transpose()?
    {
        first.push(head);
        plain += head.plain;
        if levels(chunk).repeated == 0 {
            begun += if head.is_dictionary { 0 } else { head.rows };
        } else if plain <= limit {
            unpacked::check(&**file, chunk.compression(), &[head])?;
            pages.get_next_page()?.map_or(Ok(()), |page| found.look(&page, levels(chunk)))?;
            begun = found.of_pages.iter().sum();
        }
    }
    Ok(first)
}

fn levels(chunk: &ColumnChunkMetaData) -> Levels {
    Levels { repeated: chunk.column_descr().max_rep_level(), defined: chunk.column_descr().max_def_level() }
}

/// Bytes of a value that has always the same.
fn width(chunk: &ColumnChunkMetaData) -> u64 {
    match chunk.column_type() {
        Type::BOOLEAN => 1,
        Type::INT32 | Type::FLOAT => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        // The view of one.
        Type::BYTE_ARRAY => 16,
        Type::FIXED_LEN_BYTE_ARRAY => u64::from(chunk.column_descr().type_length().unsigned_abs()),
    }
}

fn open<R: ChunkReader + 'static>(
    file: &Arc<R>,
    group: &RowGroupMetaData,
    chunk: &ColumnChunkMetaData,
) -> Result<SerializedPageReader<R>, Cause> {
    let rows = usize::try_from(group.num_rows())?;
    Ok(SerializedPageReader::new(Arc::clone(file), chunk, rows, None)?)
}

/// The longest value of a dictionary, in which each stands behind its length.
fn longest_entry(pages: &mut dyn PageReader, kind: Type) -> Result<u64, Cause> {
    let Some(Page::DictionaryPage { buf, .. }) = pages.get_next_page()? else {
        return Err("a dictionary is not the first page of its column".into());
    };
    let (mut rest, mut longest) = (&*buf, 0);
    while let (Type::BYTE_ARRAY, Some((length, entries))) = (kind, rest.split_first_chunk()) {
        let length = u32::from_le_bytes(*length);
        longest = longest.max(u64::from(length));
        rest = entries.get(length as usize..).unwrap_or_default();
    }
    Ok(longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, ListArray, RecordBatch, StringArray, types::Int32Type};
    use bytes::Bytes;
    use parquet::{
        arrow::ArrowWriter,
        file::{metadata::ParquetMetaDataReader, properties::WriterProperties},
    };

    /// A file of one row group, and what is decoded at once of its first rows within a limit.
    fn at_once(column: ArrayRef, dictionary: bool, limit: u64) -> Option<u64> {
        of_first(column, dictionary, limit, None)
    }

    fn of_first(column: ArrayRef, dictionary: bool, limit: u64, first: Option<u64>) -> Option<u64> {
        let batch = RecordBatch::try_from_iter([("c", column)]).unwrap();
        let properties = WriterProperties::builder().set_dictionary_enabled(dictionary).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        let file = Arc::new(Bytes::from(writer.into_inner().unwrap()));
        let footer = ParquetMetaDataReader::new().parse_and_finish(&*file).unwrap();
        rows_at_once(&file, footer.row_group(0), (1024, first), limit).unwrap()
    }

    fn lists(lengths: impl Iterator<Item = usize>) -> ArrayRef {
        let rows = lengths.map(|length| Some(vec![Some(7); length]));
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(rows))
    }

    #[test]
    fn lists_are_counted_when_all_of_them_are_too_much() {
        for dictionary in [false, true] {
            // 20 bytes a value, of a million in all.
            let even = || lists(std::iter::repeat_n(100, 10_000));
            assert_eq!(at_once(even(), dictionary, 64 << 20), Some(1024));
            assert_eq!(at_once(even(), dictionary, 18 << 20), Some(1024), "1024 rows are 8 MiB in four batches");
            assert_eq!(at_once(even(), true, 3 << 20), Some(256));
            let one_long = || lists((0..1000).map(|n| if n == 500 { 1_000_000 } else { 1 }));
            assert_eq!(at_once(one_long(), true, 18 << 20), None);
        }
    }

    #[test]
    fn of_the_first_rows_no_more_pages_are_looked_at_than_theirs() {
        let late = || lists((0..50_000).map(|n| if n == 49_999 { 1_000_000 } else { 10 }));
        assert_eq!(at_once(late(), false, 18 << 20), None);
        assert_eq!(of_first(late(), false, 18 << 20, Some(5)), Some(1024));
        let early = || lists((0..5).map(|n| if n == 0 { 1_000_000 } else { 10 }));
        assert_eq!(of_first(early(), false, 18 << 20, Some(1)), None);
    }

    #[test]
    fn what_is_broken_behind_the_first_rows_is_not_their_fault() {
        let batch = RecordBatch::try_from_iter([("c", lists(std::iter::repeat_n(3, 40)))]).unwrap();
        let properties = WriterProperties::builder().set_data_page_row_count_limit(5).set_write_batch_size(1).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        let mut bytes = writer.into_inner().unwrap();
        let footer = ParquetMetaDataReader::new().parse_and_finish(&Bytes::from(bytes.clone())).unwrap();
        let group = footer.row_group(0);
        let whole = Bytes::from(bytes.clone());
        let heads: Vec<_> = Heads::new(&whole, group.column(0)).map(Result::unwrap).collect();
        assert!(heads.len() > 4, "{}", heads.len());
        // The length of the levels, which is now more than the page has.
        let at = usize::try_from(heads[2].at).unwrap();
        bytes[at..at + 4].fill(0xff);
        let broken = Arc::new(Bytes::from(bytes));
        assert!(first_heads(&broken, group, group.column(0), 5, 64 << 20).is_err(), "the second page is looked into");
        assert_eq!(rows_at_once(&broken, group, (5, Some(5)), 64 << 20).unwrap(), Some(5));
    }

    #[test]
    fn a_dictionary_counts_with_its_longest_value() {
        let texts = |longest: usize| -> ArrayRef {
            let text = |n| if n % 100 == 0 { "x".repeat(longest) } else { format!("{}", n % 100) };
            Arc::new(StringArray::from_iter_values((0..5000).map(text)))
        };
        assert_eq!(at_once(texts(10), true, 16 << 20), Some(1024));
        assert_eq!(at_once(texts(100_000), true, 16 << 20), Some(32));
        assert_eq!(at_once(texts(10_000_000), true, 16 << 20), None);
    }

    fn column(pages: &[(u64, u64)]) -> Column {
        let head =
            |(plain, rows): &(u64, u64)| PageHead { plain: *plain, rows: *rows, values: *rows, ..PageHead::default() };
        Column {
            pages: pages.iter().map(head).collect(),
            levels: Levels { repeated: 0, defined: 0 },
            dictionary: 0,
            value: 0,
            longest_row: 1,
        }
    }

    #[test]
    fn rows_touch_so_many_pages() {
        let even = column(&[(100, 10); 8]);
        let touched: Vec<u64> = [1, 2, 10, 11, 20, 21, 1000].iter().map(|rows| even.touched(*rows)).collect();
        assert_eq!(touched, [200, 200, 200, 300, 300, 400, 800]);
        assert_eq!(column(&[(1, 10), (900, 10), (1, 10), (1, 10)]).touched(10), 901);
        // A row may go on through pages in which none begins.
        assert_eq!(column(&[(1, 1), (5, 0), (5, 0), (1, 1), (1, 9)]).touched(1), 12);
        assert_eq!(column(&[]).touched(5), 0);
    }

    #[test]
    fn as_many_rows_as_the_limit_allows() {
        let pages = vec![(1 << 20, 1); 1000];
        let columns = [column(&pages), column(&pages)];
        assert_eq!(fitting(&columns, 1024, u64::MAX), Some(1024));
        let some = fitting(&columns, 1024, 512 << 20).unwrap();
        assert_eq!(some, 16, "of 64 rows in four batches 65 pages are touched, in two columns, each twice");
        assert_eq!(fitting(&columns, 1024, 7 << 20), None);
        assert_eq!(fitting(&columns, 0, u64::MAX), None);
    }
}
