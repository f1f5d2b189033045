//! Counts as Arrow tables: a task's own, which `finish` adds up, and the whole vocabulary's, which stays.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt32Type, UInt64Type};
use arrow_array::{RecordBatch, StringArray, UInt8Array, UInt32Array, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::Counts;
use crate::engine::vocabulary::Vocabulary;

/// What a row of a task's table counts.
const OF_ID: u8 = 0;
const OF_LENGTH: u8 = 1;
const OF_DROPPED: u8 = 2;

/// Columns of a task's table: `of` (0 = a vocabulary id, 1 = a length, 2 = a dropped id), `key`, `count`.
pub fn task_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("of", DataType::UInt8, false),
        Field::new("key", DataType::UInt32, false),
        Field::new("count", DataType::UInt64, false),
    ]))
}

/// A task's counts, those above 0. Its totals travel with its commit.
pub fn task_table(counts: &Counts) -> Result<RecordBatch, ArrowError> {
    let ids = (0_u32..).zip(counts.vocabulary.iter()).map(|(id, count)| (OF_ID, id, count));
    let lengths = (0_u32..).zip(&counts.lengths).map(|(length, count)| (OF_LENGTH, length, *count));
    let dropped = counts.dropped.iter().map(|(id, count)| (OF_DROPPED, *id, *count));
    let rows: Vec<_> = ids.chain(lengths).chain(dropped).filter(|(.., count)| *count > 0).collect();
    let of = UInt8Array::from_iter_values(rows.iter().map(|(of, ..)| *of));
    let key = UInt32Array::from_iter_values(rows.iter().map(|(_, key, _)| *key));
    let count = UInt64Array::from_iter_values(rows.iter().map(|(.., count)| *count));
    RecordBatch::try_new(task_schema(), vec![Arc::new(of), Arc::new(key), Arc::new(count)])
}

/// A table that no task of this tokenization wrote.
#[derive(Debug, thiserror::Error)]
#[error("the table counts {of} {key}, which this tokenization cannot have")]
pub struct ForeignTable {
    of: u8,
    key: u32,
}

/// Adds a batch of a task's table, whose columns must be those of [`task_schema`].
pub fn add_table(counts: &mut Counts, table: &RecordBatch) -> Result<(), ForeignTable> {
    let of = table.column(0).as_primitive::<UInt8Type>().values();
    let keys = table.column(1).as_primitive::<UInt32Type>().values();
    let added = table.column(2).as_primitive::<UInt64Type>().values();
    for ((&of, &key), added) in of.iter().zip(keys).zip(added) {
        let is_ours = match of {
            OF_ID => counts.vocabulary.add_times(key, *added),
            OF_LENGTH => counts.lengths.get_mut(key as usize).map(|count| *count += added).is_some(),
            OF_DROPPED if (key as usize) < counts.vocabulary.id_count() => {
                *counts.dropped.entry(key).or_default() += added;
                true
            }
            _ => false,
        };
        if !is_ours {
            return Err(ForeignTable { of, key });
        }
    }
    Ok(())
}

/// Columns of the whole vocabulary's table.
pub fn vocabulary_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::UInt32, false),
        Field::new("token", DataType::Utf8, false),
        Field::new("count", DataType::UInt64, false),
    ]))
}

/// Every id of the vocabulary in order, also those that never occur.
pub fn vocabulary_table(counts: &Counts, vocabulary: &Vocabulary) -> Result<RecordBatch, ArrowError> {
    let rows = || (0_u32..).zip(counts.vocabulary.iter()).filter(|(id, _)| vocabulary.has(*id));
    let id = UInt32Array::from_iter_values(rows().map(|(id, _)| id));
    let token = StringArray::from_iter_values(rows().map(|(id, _)| vocabulary.token(id)));
    let count = UInt64Array::from_iter_values(rows().map(|(_, count)| count));
    RecordBatch::try_new(vocabulary_schema(), vec![Arc::new(id), Arc::new(token), Arc::new(count)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_add_up() {
        let mut counts = Counts::new(5, 3);
        counts.add_tokens::<UInt32Type>(&[4, 4, 1, 0], 1);
        counts.add_lengths(3, 1);
        counts.add_lengths(1, 1);
        counts.dropped.insert(2, 7);
        let mut twice = Counts::new(5, 3);
        let table = task_table(&counts).unwrap();
        add_table(&mut twice, &table).unwrap();
        add_table(&mut twice, &table).unwrap();
        assert_eq!(
            (twice.vocabulary.iter().collect::<Vec<_>>(), twice.lengths),
            (vec![2, 2, 0, 0, 4], vec![0, 2, 0, 2])
        );
        assert_eq!(twice.dropped, [(2, 14)].into());
        for (ids, longest) in [(4, 3), (5, 2)] {
            assert!(add_table(&mut Counts::new(ids, longest), &table).is_err());
        }
        counts.dropped = [(5, 1)].into();
        assert!(add_table(&mut Counts::new(5, 3), &task_table(&counts).unwrap()).is_err());
    }
}
