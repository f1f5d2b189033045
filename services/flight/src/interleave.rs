//! Rows of several arrays in any order: Arrow's `interleave`, and for lists of numbers a quicker way that copies each
//! row once into room of the right size.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, ListArray, make_array};
use arrow_buffer::{Buffer, MutableBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};
use std::ops::Range;
use std::sync::Arc;

/// Row by row: which array, and which row of it.
pub(crate) fn interleave(arrays: &[&dyn Array], rows: &[(usize, usize)]) -> Result<ArrayRef, ArrowError> {
    let Some((first, numbers)) = arrays.first().zip(numbers_of(arrays)) else {
        return arrow_select::interleave::interleave(arrays, rows);
    };
    match first.data_type() {
        DataType::List(item) => {
            let offsets: Vec<&OffsetBuffer<i32>> = arrays.iter().map(|list| list.as_list::<i32>().offsets()).collect();
            let range = |array: usize, row: usize| {
                let of_row = &offsets[array][row..=row + 1];
                usize::try_from(of_row[0]).unwrap_or(0)..usize::try_from(of_row[1]).unwrap_or(0)
            };
            let (ids, lengths) = numbers.gather(rows, range)?;
            let list = ListArray::try_new(Arc::clone(item), OffsetBuffer::new(ScalarBuffer::from(lengths)), ids, None);
            Ok(Arc::new(list?))
        }
        DataType::FixedSizeList(item, length) => {
            let width = usize::try_from(*length).unwrap_or(0);
            // A slice of an array has its values sliced too, so rows count from 0.
            let (ids, _) = numbers.gather(rows, |_, row| row * width..(row + 1) * width)?;
            Ok(Arc::new(FixedSizeListArray::try_new(Arc::clone(item), *length, ids, None)?))
        }
        _ => arrow_select::interleave::interleave(arrays, rows),
    }
}

/// The numbers in lists of several arrays.
struct Numbers {
    values: Vec<ArrayRef>,
    bytes: Vec<Buffer>,
    width: usize,
}

/// None where they are not lists of numbers, or where any is null.
fn numbers_of(arrays: &[&dyn Array]) -> Option<Numbers> {
    let values = arrays.iter().map(|array| {
        let values = match array.data_type() {
            DataType::List(_) => array.as_list::<i32>().values(),
            DataType::FixedSizeList(..) => array.as_fixed_size_list().values(),
            _ => return None,
        };
        (array.null_count() == 0 && values.null_count() == 0).then(|| Arc::clone(values))
    });
    let values = values.collect::<Option<Vec<_>>>()?;
    let width = values.first()?.data_type().primitive_width()?;
    let bytes = values.iter().map(|values| {
        let data = values.to_data();
        let start = data.offset() * width;
        data.buffers()[0].slice_with_length(start, data.len() * width)
    });
    Some(Numbers { bytes: bytes.collect(), values, width })
}

impl Numbers {
    /// The values of `rows`, and where each row of them begins and the last one ends.
    fn gather(
        &self,
        rows: &[(usize, usize)],
        range: impl Fn(usize, usize) -> Range<usize>,
    ) -> Result<(ArrayRef, Vec<i32>), ArrowError> {
        let mut offsets = Vec::with_capacity(rows.len() + 1);
        let mut count = 0;
        offsets.push(0);
        for &(array, row) in rows {
            count += range(array, row).len();
            let offset = i32::try_from(count);
            offsets.push(offset.map_err(|_| ArrowError::ComputeError("a message of over 2³¹ numbers".to_owned()))?);
        }
        let mut gathered = MutableBuffer::with_capacity(count * self.width);
        for &(array, row) in rows {
            let Range { start, end } = range(array, row);
            gathered.extend_from_slice(&self.bytes[array][start * self.width..end * self.width]);
        }
        let like = self.values[0].to_data().into_builder();
        let values = like.offset(0).len(count).nulls(None).buffers(vec![gathered.into()]).build()?;
        Ok((make_array(values), offsets))
    }
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
            for rows in [&rows[..], &[]] {
                let expected = arrow_select::interleave::interleave(&arrays, rows).unwrap();
                assert_eq!(&interleave(&arrays, rows).unwrap(), &expected, "{}", expected.data_type());
            }
        }
    }
}
