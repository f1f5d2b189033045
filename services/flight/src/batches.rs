//! The stored batches of a source, numbered through all its shards, so that a row is found by one search.

use shard_store::ShardReader;

/// See the module.
#[derive(Debug)]
pub(crate) struct Batches {
    /// The first row of each batch, counted from the source's first, and the number of rows at the end.
    starts: Vec<u64>,
    /// The number of each shard's first batch.
    shards: Vec<usize>,
}

impl Batches {
    /// Of a source's shards, in their order.
    pub(crate) fn new(readers: &[ShardReader]) -> Self {
        let of_shard = |reader: &ShardReader| (0..reader.batch_count()).map(|n| reader.batch_rows(n)).collect();
        Self::of_rows(readers.iter().map(of_shard))
    }

    fn of_rows(shards: impl Iterator<Item = Vec<std::ops::Range<u64>>>) -> Self {
        let (mut batches, mut rows) = (Self { starts: vec![0], shards: Vec::new() }, 0);
        for shard in shards {
            batches.shards.push(batches.count());
            for batch in shard {
                rows += batch.end - batch.start;
                batches.starts.push(rows);
            }
        }
        batches
    }

    pub(crate) fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of the batch that holds a row, and the row's place in it; None beyond the end.
    pub(crate) fn of_row(&self, row: u64) -> Option<(usize, usize)> {
        // The last that begins at or before the row: empty ones begin where the next does.
        let number = self.starts.partition_point(|start| *start <= row) - 1;
        (number < self.count()).then(|| (number, usize::try_from(row - self.starts[number]).unwrap_or(usize::MAX)))
    }

    /// The shard of a batch, and the batch's number in it.
    pub(crate) fn place(&self, number: usize) -> (usize, usize) {
        let shard = self.shards.partition_point(|first| *first <= number) - 1;
        (shard, number - self.shards[shard])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_batches_are_found_through_all_shards() {
        let batches = Batches::of_rows([vec![0..4, 4..4, 4..10], vec![], vec![0..5, 5..5]].into_iter());
        assert_eq!(batches.count(), 5);
        let found: Vec<_> = [0, 3, 4, 9, 10, 14, 15, u64::MAX].map(|row| batches.of_row(row)).into();
        let expected = [(0, 0), (0, 3), (2, 0), (2, 5), (3, 0), (3, 4)].map(Some);
        assert_eq!(found, [&expected[..], &[None, None]].concat());
        assert_eq!([0, 1, 2, 3, 4].map(|number| batches.place(number)), [(0, 0), (0, 1), (0, 2), (2, 0), (2, 1)]);
        assert_eq!(Batches::of_rows(std::iter::empty()).of_row(0), None);
    }
}
