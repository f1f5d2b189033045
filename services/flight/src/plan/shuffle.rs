//! The order of one epoch of one source: position → row.
//!
//! # Specification
//!
//! With `key(…)` and `permute` of [`super::permutation`], `n` rows, and the source's place in the plan counted from 0:
//!
//! ```text
//! K = key of the words seed, source, epoch
//!
//! none:    row = position
//! global:  row = permute(n, K with the word 0, position)
//! block:   blocks are rows [0, B), [B, 2B) …; the last may be short. Slot s of the epoch holds block
//!          permute(number of blocks, K with 1, s). Eight slots in a row make a group (the last may have fewer), and
//!          inside a group g that holds m rows, the row at place q is the one that lies, with the group's blocks
//!          joined in the order of their slots, at place permute(m, K with 2 + g, q).
//! ```
//!
//! `block` reads long runs of a file, as object storage wants it, and still mixes rows of eight distant places.

use serde::{Deserialize, Serialize};

use super::permutation::{Key, Permutation};

/// Slots of a group.
const GROUP: u64 = 8;
const GLOBAL: u64 = 0;
const BLOCKS: u64 = 1;
const GROUPS: u64 = 2;

/// How a plan orders the rows of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Shuffle {
    #[default]
    None,
    Global,
    Block {
        rows: u32,
    },
}

/// One epoch's order.
#[derive(Debug, Clone)]
pub(super) enum Order {
    Stored,
    Global(Permutation),
    Block(Blocks),
}

impl Order {
    /// Of `size` rows, at least one.
    pub(super) fn new(shuffle: Shuffle, size: u64, (seed, source, epoch): (u64, usize, u64)) -> Self {
        let key = Key::new(seed).with(source as u64).with(epoch);
        match shuffle {
            Shuffle::None => Self::Stored,
            Shuffle::Global => Self::Global(Permutation::new(size, key.with(GLOBAL))),
            Shuffle::Block { rows } => Self::Block(Blocks::new(size, u64::from(rows.max(1)), key)),
        }
    }

    pub(super) fn row(&self, position: u64) -> u64 {
        match self {
            Self::Stored => position,
            Self::Global(permutation) => permutation.row(position),
            Self::Block(blocks) => blocks.row(position),
        }
    }
}

/// Blocks in the order of their slots.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    rows: u64,
    count: u64,
    order: Permutation,
    /// Where the last block of the source went, and how many rows it lacks.
    short_slot: u64,
    missing: u64,
    key: Key,
}

impl Blocks {
    fn new(size: u64, rows: u64, key: Key) -> Self {
        let count = size.div_ceil(rows);
        let order = Permutation::new(count, key.with(BLOCKS));
        let short_slot = order.position(count - 1);
        Self { rows, count, short_slot, missing: count * rows - size, order, key }
    }

    /// The position at which a slot begins; of slot `count`, the number of rows.
    fn start(&self, slot: u64) -> u64 {
        slot * self.rows - if slot > self.short_slot { self.missing } else { 0 }
    }

    /// The last of the slots 0, `step`, 2 · `step` … that begins at or before `position`.
    fn slot_at(&self, position: u64, step: u64) -> u64 {
        let slot = position / (step * self.rows) * step;
        // The short block pulls everything behind it forward, by less than a block.
        if slot + step < self.count && position >= self.start(slot + step) { slot + step } else { slot }
    }

    fn row(&self, position: u64) -> u64 {
        let first = self.slot_at(position, GROUP);
        let start = self.start(first);
        let length = self.start((first + GROUP).min(self.count)) - start;
        let inside = Permutation::new(length, self.key.with(GROUPS + first / GROUP));
        let place = start + inside.row(position - start);
        let slot = self.slot_at(place, 1);
        self.order.row(slot) * self.rows + (place - self.start(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_has_each_row_once() {
        let shuffles = [1, 2, 3, 7, 50, 1000].map(|rows| Shuffle::Block { rows });
        let mut checked = 0;
        for size in (1..60).chain([255, 256, 257, 1000]) {
            for shuffle in shuffles.into_iter().chain([Shuffle::None, Shuffle::Global]) {
                for epoch in 0..3 {
                    let order = Order::new(shuffle, size, (9, 0, epoch));
                    let mut rows: Vec<u64> = (0..size).map(|position| order.row(position)).collect();
                    rows.sort_unstable();
                    assert_eq!(rows, (0..size).collect::<Vec<_>>(), "{shuffle:?} of {size}");
                    checked += 1;
                }
            }
        }
        println!("{checked} orders");
    }

    #[test]
    fn seeds_epochs_and_sources_differ() {
        let rows = |key| {
            let order = Order::new(Shuffle::Global, 1000, key);
            (0..1000).map(|position| order.row(position)).collect::<Vec<_>>()
        };
        let orders = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)].map(rows);
        for (n, one) in orders.iter().enumerate() {
            assert!(orders[n + 1..].iter().all(|other| one != other));
            let fixed = one.iter().zip(0..).filter(|(row, position)| *row == position).count();
            assert!(fixed < 10, "{fixed} rows stayed where they were");
        }
    }

    #[test]
    fn a_group_of_blocks_is_eight_runs_of_the_file() {
        let order = Order::new(Shuffle::Block { rows: 100 }, 10_050, (3, 0, 0));
        let blocks: std::collections::BTreeSet<u64> = (0..800).map(|position| order.row(position) / 100).collect();
        assert!(blocks.len() <= 9, "800 rows from {} blocks", blocks.len());
    }
}
