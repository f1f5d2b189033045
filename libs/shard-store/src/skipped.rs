//! Which source rows are not in a shard: a run-length list in the footer of its file.
//!
//! `sources` of a shard are the spans of source rows that it stands for, one after the other. The list counts through
//! them, `[kept,skipped,kept,skipped,…]`, as a JSON array of numbers; rows behind the last skipped one are not in it.
//! It is read as it lies there: a shard may have a million of them.

use crate::{ShardReader, StoreError};

/// Under this name the footer has it, if any row was skipped.
pub(crate) const FOOTER_KEY: &str = "tokenmill.skipped_rows";

/// A list in the making.
#[derive(Debug, Default)]
pub struct SkippedRuns {
    text: String,
    kept: u64,
    skipped: u64,
    closed: usize,
}

impl SkippedRuns {
    /// The next rows are in the shard.
    pub fn keep(&mut self, rows: u64) {
        if rows > 0 {
            self.close();
            self.kept += rows;
        }
    }

    /// The next rows are not.
    pub fn skip(&mut self, rows: u64) {
        self.skipped += rows;
    }

    /// Pairs of kept and skipped rows so far.
    pub fn len(&self) -> usize {
        self.closed + usize::from(self.skipped > 0)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn into_text(mut self) -> Option<String> {
        self.close();
        (!self.text.is_empty()).then(|| self.text + "]")
    }

    fn close(&mut self) {
        if self.skipped > 0 {
            let begin = if self.text.is_empty() { '[' } else { ',' };
            self.text.push(begin);
            self.text.push_str(&self.kept.to_string());
            self.text.push(',');
            self.text.push_str(&self.skipped.to_string());
            (self.kept, self.skipped) = (0, 0);
            self.closed += 1;
        }
    }
}

impl ShardReader {
    /// For each of these rows of the shard, in ascending order, the number of skipped ones before it. `skipped` is how
    /// many there are in all, as the manifest says: no digest of a batch covers the list.
    pub fn skipped_before(&self, rows: &[u64], skipped: u64) -> Result<Vec<u64>, StoreError> {
        let damaged = StoreError::NotAShard { key: self.key().to_owned(), problem: "its skipped rows are damaged" };
        let Some(text) = self.footer_value(FOOTER_KEY)? else {
            return if skipped == 0 { Ok(vec![0; rows.len()]) } else { Err(damaged) };
        };
        self.check_unchanged()?;
        before(&text, rows).filter(|(_, counted)| *counted == skipped).map(|(before, _)| before).ok_or(damaged)
    }
}

/// The skipped rows before each of `rows`, and all of them.
fn before(text: &str, rows: &[u64]) -> Option<(Vec<u64>, u64)> {
    let mut numbers = text.strip_prefix('[')?.strip_suffix(']')?.split(',').map(str::parse::<u64>);
    let mut rows = rows.iter().peekable();
    let (mut found, mut kept, mut skipped) = (Vec::with_capacity(rows.len()), 0_u64, 0_u64);
    while let Some(more) = numbers.next() {
        kept = kept.checked_add(more.ok()?)?;
        while rows.next_if(|row| **row < kept).is_some() {
            found.push(skipped);
        }
        skipped = skipped.checked_add(numbers.next()?.ok()?)?;
    }
    found.extend(rows.map(|_| skipped));
    Some((found, skipped))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(runs: &[(u64, u64)]) -> Option<String> {
        let mut list = SkippedRuns::default();
        for (kept, skipped) in runs {
            list.keep(*kept);
            list.skip(*skipped);
        }
        list.into_text()
    }

    #[test]
    fn runs_are_joined_and_the_kept_end_is_left_out() {
        assert_eq!(list(&[(0, 2), (3, 1), (0, 4), (2, 0), (1, 1), (9, 0)]).as_deref(), Some("[0,2,3,5,3,1]"));
        assert_eq!(list(&[(7, 0)]), None);
    }

    #[test]
    fn rows_are_told_how_many_were_skipped_before_them() {
        let text = list(&[(0, 2), (3, 1), (2, 4)]).unwrap();
        assert_eq!(before(&text, &[0, 2, 3, 4, 5, 5, 99]), Some((vec![2, 2, 3, 3, 7, 7, 7], 7)));
        for broken in ["", "[", "[]", "[1]", "[1,2,3]", "[1,x]", "[1,-2]", "[18446744073709551615,1,1,1]"] {
            assert_eq!(before(broken, &[0]), None, "{broken}");
        }
    }
}
