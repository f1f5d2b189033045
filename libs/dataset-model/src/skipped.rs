//! Rows that an ingest left out because they are broken: how many, and the first of them.

use serde::{Deserialize, Serialize};

/// Bytes of JSON that the shown rows take at most.
const SHOWN_BYTES: usize = 16 << 10;

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedRow {
    /// Path in the repository.
    pub file: String,
    /// Where the row begins, counted from 1.
    pub line: u64,
    pub why: String,
}

/// What was left out of a task, a split or a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SkippedRows {
    pub count: u64,
    /// The first of them in the order of the source, as many as are shown.
    pub first: Vec<SkippedRow>,
}

impl SkippedRows {
    /// So many are shown at most.
    pub const SHOWN: usize = 100;

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds what follows in the order of the source. `first` are the first of `count` rows.
    pub fn extend(&mut self, count: u64, first: impl IntoIterator<Item = SkippedRow>) {
        add((&mut self.count, &mut self.first), count, first, (Self::SHOWN, SHOWN_BYTES));
    }
}

/// Adds the first of `count` items to those that are shown, of which there are at most so many, of so many bytes of JSON.
pub(crate) fn add<T: Serialize>(
    (all, shown): (&mut u64, &mut Vec<T>),
    count: u64,
    first: impl IntoIterator<Item = T>,
    (most, most_bytes): (usize, usize),
) {
    // Once one is not shown, none behind it is.
    if shown.len() as u64 == *all {
        let mut bytes = shown.iter().map(json_bytes).fold(0, usize::saturating_add);
        let fits = |item: &T| {
            bytes = bytes.saturating_add(json_bytes(item));
            bytes <= most_bytes
        };
        let room = most.saturating_sub(shown.len());
        shown.extend(first.into_iter().take(room).take_while(fits));
    }
    *all += count;
}

fn json_bytes(item: &impl Serialize) -> usize {
    serde_json::to_vec(item).map_or(usize::MAX, |json| json.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: std::ops::Range<u64>, bytes: usize) -> impl Iterator<Item = SkippedRow> {
        lines.map(move |line| SkippedRow { file: "a.jsonl".into(), line, why: "x".repeat(bytes) })
    }

    #[test]
    fn the_first_hundred_are_shown_and_all_are_counted() {
        let mut skipped = SkippedRows::default();
        skipped.extend(60, rows(1..61, 10));
        skipped.extend(1000, rows(61..161, 10));
        skipped.extend(1, rows(0..1, 1));
        assert_eq!((skipped.count, skipped.first.len()), (1061, 100));
        assert!(skipped.first.iter().map(|row| row.line).eq(1..=100));
    }

    #[test]
    fn long_ones_are_fewer_and_none_is_left_out_between_them() {
        let mut skipped = SkippedRows::default();
        skipped.extend(3, rows(1..4, 7000));
        assert_eq!((skipped.count, skipped.first.len()), (3, 2));
        skipped.extend(1, rows(9..10, 1));
        assert_eq!((skipped.count, skipped.first.len()), (4, 2));
    }
}
