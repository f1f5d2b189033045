//! The proof that a plan reads each row once: every row of every rank is computed and ticked off.
//!
//! Of one source, the whole epoch that the plan's first step belongs to; of several, the plan's own steps, in which no
//! epoch of a source may have a row twice.

use serde::Serialize;

use super::{Plan, Row};

/// Rows that one proof may compute: half a minute's work, and a bit of memory for each row.
pub(crate) const MAX_ROWS: u64 = 1 << 28;
/// Dropped rows that a verdict lists.
const LISTED: usize = 100;

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    /// No row twice, and none missing but the dropped ones.
    pub(crate) exactly_once: bool,
    /// None when sources are mixed.
    pub(crate) epoch: Option<u64>,
    pub(crate) world_size: u32,
    pub(crate) steps: u64,
    pub(crate) rows_read: u64,
    pub(crate) duplicate_rows: u64,
    pub(crate) missing_rows: u64,
    /// The tail that `drop_last` leaves out.
    pub(crate) dropped_rows: u64,
    /// The first hundred of them, as rows of the source.
    pub(crate) dropped: Vec<u64>,
    pub(crate) sources: Vec<Counted>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Counted {
    pub(crate) rows: u64,
    pub(crate) rows_read: u64,
    /// Whole epochs among them.
    pub(crate) epochs: u64,
}

/// Rows of one source that were seen in its current epoch.
struct Seen {
    bits: Vec<u64>,
    rows: u64,
    read: u64,
    in_epoch: u64,
    epochs: u64,
    duplicates: u64,
    missing: u64,
}

impl Seen {
    fn new(rows: u64, already: u64) -> Self {
        let words = usize::try_from(rows.div_ceil(64)).unwrap_or(usize::MAX);
        Self { bits: vec![0; words], rows, read: 0, in_epoch: already, epochs: 0, duplicates: 0, missing: 0 }
    }

    fn word(row: u64) -> (usize, u64) {
        (usize::try_from(row / 64).unwrap_or(usize::MAX), 1 << (row % 64))
    }

    fn has(&self, row: u64) -> bool {
        let (word, bit) = Self::word(row);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    fn tick(&mut self, row: u64) {
        let (word, bit) = Self::word(row);
        match self.bits.get_mut(word) {
            Some(bits) if *bits & bit == 0 && row < self.rows => *bits |= bit,
            _ => self.duplicates += 1,
        }
        self.read += 1;
        self.in_epoch += 1;
    }

    /// Begins a new epoch when the source came to the end of one; `whole`: it was read from its beginning.
    fn turn(&mut self, whole: bool) {
        if self.in_epoch == self.rows {
            let ticked: u64 = self.bits.iter().map(|bits| u64::from(bits.count_ones())).sum();
            if whole {
                self.missing += self.rows - ticked;
                self.epochs += 1;
            }
            self.bits.fill(0);
            self.in_epoch = 0;
        }
    }
}

impl Plan {
    /// How many rows [`Self::verify`] will compute.
    pub(crate) fn rows_to_verify(&self) -> u64 {
        let steps = self.steps();
        let steps = self.steps_per_epoch().unwrap_or(steps.end - steps.start);
        let bitmaps: u64 = self.row_counts().iter().fold(0, |sum, rows| sum.saturating_add(*rows));
        steps.saturating_mul(u64::from(self.request().global_batch_rows)).max(bitmaps)
    }

    /// Computes and counts. Takes time and memory in proportion to [`Self::rows_to_verify`].
    pub(crate) fn verify(&self) -> Verdict {
        match self.steps_per_epoch() {
            Some(per_epoch) => self.verify_epoch(per_epoch),
            None => self.verify_mixture(),
        }
    }

    fn verify_epoch(&self, per_epoch: u64) -> Verdict {
        let first = self.request().start_step / per_epoch * per_epoch;
        let mut seen = Seen::new(self.row_counts()[0], 0);
        self.each(first..first + per_epoch, |row| seen.tick(row.row));
        let unread = (0..seen.rows).filter(|row| !seen.has(*row));
        // Not what the steps leave out, but what they may.
        let tail = seen.rows % u64::from(self.request().global_batch_rows);
        let dropped_rows = if self.request().drop_last { tail } else { 0 };
        let dropped = unread.clone().take(LISTED).collect();
        let missing_rows = (unread.count() as u64).saturating_sub(dropped_rows);
        let counted = Counted { rows: seen.rows, rows_read: seen.read, epochs: 1 };
        Verdict {
            exactly_once: seen.duplicates == 0 && missing_rows == 0,
            epoch: self.step(first).epoch,
            world_size: self.request().world_size,
            steps: per_epoch,
            rows_read: seen.read,
            duplicate_rows: seen.duplicates,
            missing_rows,
            dropped_rows,
            dropped,
            sources: vec![counted],
        }
    }

    fn verify_mixture(&self) -> Verdict {
        let before = self.had_before(self.request().start_step);
        let mut seen: Vec<Seen> =
            self.row_counts().iter().zip(&before).map(|(rows, had)| Seen::new(*rows, had % rows)).collect();
        // An epoch that began before the first step is read in part only.
        let mut whole: Vec<bool> = seen.iter().map(|one| one.in_epoch == 0).collect();
        self.each(self.steps(), |row| {
            let one = &mut seen[row.source];
            one.tick(row.row);
            one.turn(whole[row.source]);
            whole[row.source] |= one.in_epoch == 0;
        });
        let sum = |of: fn(&Seen) -> u64| seen.iter().map(of).sum::<u64>();
        let (duplicate_rows, missing_rows) = (sum(|one| one.duplicates), sum(|one| one.missing));
        let counted = |one: &Seen| Counted { rows: one.rows, rows_read: one.read, epochs: one.epochs };
        Verdict {
            exactly_once: duplicate_rows == 0 && missing_rows == 0,
            epoch: None,
            world_size: self.request().world_size,
            steps: self.steps().end - self.steps().start,
            rows_read: sum(|one| one.read),
            duplicate_rows,
            missing_rows,
            dropped_rows: 0,
            dropped: Vec::new(),
            sources: seen.iter().map(counted).collect(),
        }
    }

    fn each(&self, steps: std::ops::Range<u64>, mut see: impl FnMut(Row)) {
        let (mut walk, mut rows) = (self.walk(), Vec::new());
        for step in steps {
            for rank in 0..self.request().world_size {
                walk.rows(step, rank, &mut rows);
                rows.drain(..).for_each(&mut see);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_comes_twice_is_counted() {
        let mut seen = Seen::new(3, 0);
        for row in [0, 2, 2] {
            seen.tick(row);
        }
        seen.turn(true);
        assert_eq!((seen.duplicates, seen.missing, seen.epochs, seen.in_epoch), (1, 1, 1, 0));
        seen.tick(7);
        assert_eq!(seen.duplicates, 2, "no such row");
    }
}
