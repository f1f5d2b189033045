//! Which source rows a shard stands for, and which of them it does not hold.
//!
//! Rows wait until a batch of them is full. However many gaps lie between rows, a shard has one range for consecutive rows
//! of a file: ranges go to the catalog, and the gaps stay in the shard's own file.

use std::{collections::VecDeque, sync::Arc};

use dataset_model::SourceRange;
use shard_store::SkippedRuns;

use crate::convert::Gap;

/// Rows of a source file, and those behind them that were skipped.
#[derive(Debug)]
struct Run {
    file: Arc<str>,
    row_start: u64,
    kept: u64,
    skipped: u64,
}

impl Run {
    fn is_followed_by(&self, file: &str, row_start: u64) -> bool {
        &*self.file == file && self.row_start + self.kept + self.skipped == row_start
    }
}

/// Where the rows come from that are not in a shard yet.
#[derive(Debug, Default)]
pub(super) struct Waiting(VecDeque<Run>);

impl Waiting {
    /// The next `row_count` rows of a file, with the gaps between them; `row_start` is the first, skipped or not.
    pub(super) fn push(&mut self, file: &str, mut row_start: u64, row_count: usize, gaps: &[Gap]) {
        let known = self.0.back().filter(|run| &*run.file == file).map(|run| Arc::clone(&run.file));
        let (file, mut at, end) = (known.unwrap_or_else(|| Arc::from(file)), 0, (row_count, 0));
        for (to, skipped) in gaps.iter().map(|gap| (gap.at, gap.count)).chain([end]) {
            let kept = (to - at) as u64;
            match self.0.back_mut() {
                Some(last) if last.is_followed_by(&file, row_start) && (last.skipped == 0 || kept == 0) => {
                    last.kept += kept;
                    last.skipped += skipped;
                }
                _ if kept + skipped > 0 => self.0.push_back(Run { file: Arc::clone(&file), row_start, kept, skipped }),
                _ => {}
            }
            row_start += kept + skipped;
            at = to;
        }
    }

    /// Runs of rows that are consecutive.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// What an open shard stands for.
#[derive(Debug, Default)]
pub(super) struct Sources {
    ranges: Vec<SourceRange>,
    skipped: SkippedRuns,
}

impl Sources {
    /// Takes the next `rows` rows; what was skipped behind the last of them goes with those that follow it.
    pub(super) fn take(&mut self, waiting: &mut Waiting, mut rows: u64) {
        while rows > 0
            && let Some(run) = waiting.0.front_mut()
        {
            let kept = run.kept.min(rows);
            rows -= kept;
            let skipped = if rows > 0 { run.skipped } else { 0 };
            self.add(&run.file, run.row_start, kept, skipped);
            run.row_start += kept + skipped;
            run.kept -= kept;
            run.skipped -= skipped;
            if run.kept + run.skipped == 0 {
                waiting.0.pop_front();
            }
        }
    }

    /// Takes what was skipped behind the last row of all.
    pub(super) fn take_rest(&mut self, waiting: &mut Waiting) {
        for run in waiting.0.drain(..) {
            self.add(&run.file, run.row_start, run.kept, run.skipped);
        }
    }

    pub(super) fn gaps(&self) -> usize {
        self.skipped.len()
    }

    pub(super) fn into_parts(self) -> (Vec<SourceRange>, SkippedRuns) {
        (self.ranges, self.skipped)
    }

    fn add(&mut self, file: &str, row_start: u64, kept: u64, skipped: u64) {
        self.skipped.keep(kept);
        self.skipped.skip(skipped);
        let end = |range: &SourceRange| range.row_start + range.row_count + range.skipped_count;
        match self.ranges.last_mut() {
            Some(last) if last.source_file == file && end(last) == row_start => {
                last.row_count += kept;
                last.skipped_count += skipped;
            }
            _ => {
                let source_file = file.to_owned();
                self.ranges.push(SourceRange { source_file, row_start, row_count: kept, skipped_count: skipped });
            }
        }
    }
}
