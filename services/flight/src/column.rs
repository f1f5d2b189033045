//! A column of a stored batch, ready to be picked from: lists of numbers and numbers are copied as bytes, each row once
//! into room of the right size; everything else is left to Arrow's `interleave`.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, ListArray, make_array};
use arrow_buffer::{Buffer, MutableBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};
use std::ops::Range;
use std::sync::Arc;

/// Rows that are fetched into the cache side by side before they are copied: each lies where nothing was read yet, and one
/// after the other would wait for memory each time.
const TOGETHER: usize = 32;
/// The processor fetches what follows by itself.
const TOUCHED_BYTES: usize = 512;

/// A column, and its bytes where a row is a run of them.
#[derive(Debug)]
pub(crate) struct Column {
    array: ArrayRef,
    runs: Option<Runs>,
}

/// Rows without nulls as runs of one buffer.
#[derive(Debug)]
struct Runs {
    /// The numbers themselves, or those in the lists.
    numbers: ArrayRef,
    bytes: Buffer,
    /// Of a number.
    width: usize,
    bounds: Bounds,
}

#[derive(Debug)]
enum Bounds {
    /// So many numbers in each row.
    Fixed(usize),
    /// In memory of their own: every pick asks for two of them.
    Offsets(Box<[i32]>),
}

impl Column {
    pub(crate) fn new(array: &ArrayRef) -> Self {
        Self { array: Arc::clone(array), runs: Runs::of(array) }
    }

    /// Bytes that every row takes beside those of [`Self::span`].
    pub(crate) fn fixed_bytes(&self) -> usize {
        match &self.runs {
            Some(Runs { width, bounds: Bounds::Fixed(count), .. }) => width * count,
            Some(Runs { bounds: Bounds::Offsets(_), .. }) => size_of::<i32>(),
            None => 0,
        }
    }

    /// Whether its rows differ in size.
    pub(crate) fn is_varying(&self) -> bool {
        !matches!(&self.runs, Some(Runs { bounds: Bounds::Fixed(_), .. }))
    }

    /// Where a row of a varying column lies among its bytes; of what Arrow picks, only how long it is.
    pub(crate) fn span(&self, row: usize) -> Range<usize> {
        match &self.runs {
            Some(runs) => runs.range(row),
            None => 0..self.array.slice(row, 1).to_data().get_slice_memory_size().unwrap_or(0),
        }
    }

    /// Rows of several columns of one type: for each, which column, and which row of it. `spans` are those of varying
    /// columns, row by row.
    pub(crate) fn gather(
        columns: &[&Self],
        rows: &[(usize, usize)],
        spans: &[Range<usize>],
    ) -> Result<ArrayRef, ArrowError> {
        let runs: Option<Vec<&Runs>> = columns.iter().map(|column| column.runs.as_ref()).collect();
        let Some((runs, first)) = runs.zip(columns.first()) else {
            let arrays: Vec<&dyn Array> = columns.iter().map(|column| &*column.array).collect();
            return arrow_select::interleave::interleave(&arrays, rows);
        };
        match first.array.data_type() {
            DataType::List(item) => {
                let places = rows.iter().zip(spans).map(|(&(column, _), span)| (column, span.clone()));
                let numbers = Runs::gather(&runs, places, spans.iter().map(Range::len).sum())?;
                let offsets = Runs::offsets(runs.first().map_or(1, |first| first.width), spans)?;
                Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, numbers, None)?))
            }
            DataType::FixedSizeList(item, length) => {
                let numbers = Runs::gather_fixed(&runs, rows)?;
                Ok(Arc::new(FixedSizeListArray::try_new(Arc::clone(item), *length, numbers, None)?))
            }
            _ => Runs::gather_fixed(&runs, rows),
        }
    }
}

impl Runs {
    fn of(array: &ArrayRef) -> Option<Self> {
        let (numbers, bounds) = match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                (list.values(), Bounds::Offsets(list.offsets()[..].into()))
            }
            // A slice of an array has its values sliced too, so rows count from 0.
            DataType::FixedSizeList(_, length) => {
                (array.as_fixed_size_list().values(), Bounds::Fixed(usize::try_from(*length).ok()?))
            }
            _ => (array, Bounds::Fixed(1)),
        };
        let width = numbers.data_type().primitive_width()?;
        if array.null_count() > 0 || numbers.null_count() > 0 {
            return None;
        }
        let data = numbers.to_data();
        let bytes = data.buffers()[0].slice_with_length(data.offset() * width, data.len() * width);
        Some(Self { numbers: Arc::clone(numbers), bytes, width, bounds })
    }

    /// Where a row lies among the bytes; empty where offsets decrease, as those of a file that is cut off may.
    fn range(&self, row: usize) -> Range<usize> {
        let (start, end) = match &self.bounds {
            Bounds::Fixed(count) => (row * count, (row + 1) * count),
            Bounds::Offsets(offsets) => {
                let offset = |row: usize| usize::try_from(offsets[row]).unwrap_or(0);
                (offset(row), offset(row + 1))
            }
        };
        start * self.width..end.max(start) * self.width
    }

    /// The numbers of rows that all have as many.
    fn gather_fixed(runs: &[&Self], rows: &[(usize, usize)]) -> Result<ArrayRef, ArrowError> {
        let places = rows.iter().map(|&(column, row)| (column, runs[column].range(row)));
        let size = places.clone().next().map_or(0, |(_, span)| span.len()) * rows.len();
        Self::gather(runs, places, size)
    }

    /// The numbers at `places`: of which column, and where among its bytes; `size` bytes in all.
    fn gather(
        runs: &[&Self],
        places: impl Iterator<Item = (usize, Range<usize>)>,
        size: usize,
    ) -> Result<ArrayRef, ArrowError> {
        let Some(first) = runs.first() else { return Err(refused("no column")) };
        let mut gathered = MutableBuffer::with_capacity(size);
        let mut together: Vec<&[u8]> = Vec::with_capacity(TOGETHER);
        let mut places = places.map(|(column, span)| runs[column].bytes.get(span));
        loop {
            together.clear();
            for place in places.by_ref().take(TOGETHER) {
                together.push(place.ok_or_else(|| refused("a row beyond its column"))?);
            }
            if together.is_empty() {
                break;
            }
            for touched in together.iter().flat_map(|place| place.iter().step_by(TOUCHED_BYTES)) {
                std::hint::black_box(*touched);
            }
            for place in &together {
                gathered.extend_from_slice(place);
            }
        }
        let like = first.numbers.to_data().into_builder();
        Ok(make_array(like.offset(0).len(size / first.width).nulls(None).buffers(vec![gathered.into()]).build()?))
    }

    /// Where each row begins among the numbers of all, and the last one ends; a number has `width` bytes.
    fn offsets(width: usize, spans: &[Range<usize>]) -> Result<OffsetBuffer<i32>, ArrowError> {
        let mut end = 0;
        let ends = spans.iter().map(|span| {
            end += span.len() / width;
            i32::try_from(end).map_err(|_| refused("a message of over 2³¹ numbers"))
        });
        let offsets = std::iter::once(Ok(0)).chain(ends).collect::<Result<Vec<i32>, _>>()?;
        Ok(OffsetBuffer::new(ScalarBuffer::from(offsets)))
    }
}

fn refused(what: &str) -> ArrowError {
    ArrowError::ComputeError(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::types::{Float64Type, UInt16Type};
    use arrow_array::{BooleanArray, Int64Array, StringArray};

    /// Arrays of one type, cut out of a longer one so that offsets do not begin at 0.
    fn halves(whole: &ArrayRef) -> Vec<ArrayRef> {
        let middle = whole.len() / 2;
        vec![whole.slice(1, middle - 1), whole.slice(middle, whole.len() - middle)]
    }

    #[test]
    fn it_is_arrows_interleave() {
        let numbers = |n: u16| Some((0..n % 9).map(Some));
        let holes =
            |n: u16| (!n.is_multiple_of(4)).then(|| (0..n % 5).map(|v| (!v.is_multiple_of(3)).then(|| f64::from(v))));
        let pair = |n: u16| Some([Some(n), Some(n + 1)]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(ListArray::from_iter_primitive::<UInt16Type, _, _>((0..100).map(numbers))),
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>((0..100).map(holes))),
            Arc::new(FixedSizeListArray::from_iter_primitive::<UInt16Type, _, _>((0..100).map(pair), 2)),
            Arc::new(Int64Array::from_iter_values(0..100)),
            Arc::new((0..100).map(|n| (n % 5 > 0).then_some(n % 2 == 0)).collect::<BooleanArray>()),
            Arc::new(StringArray::from_iter_values((0..100).map(|n| n.to_string()))),
        ];
        let rows: Vec<(usize, usize)> = (0..300).map(|n| (n * 7 % 2, n * 31 % 49)).collect();
        for column in columns {
            let halves = halves(&column);
            let arrays: Vec<&dyn Array> = halves.iter().map(AsRef::as_ref).collect();
            let columns: Vec<Column> = halves.iter().map(Column::new).collect();
            let columns: Vec<&Column> = columns.iter().collect();
            for rows in [&rows[..], &[]] {
                let expected = arrow_select::interleave::interleave(&arrays, rows).unwrap();
                let spans: Vec<_> = rows.iter().map(|&(column, row)| columns[column].span(row)).collect();
                assert_eq!(&Column::gather(&columns, rows, &spans).unwrap(), &expected, "{}", expected.data_type());
            }
        }
    }
}
