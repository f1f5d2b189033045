//! What a thread counts while documents pass.

use super::Counts;

/// Counts in the making. The tokens that filters drop are still among those of the vocabulary, and what stands around
/// every window is not yet; [`crate::engine::Recipe::sum`] makes counts of it.
#[derive(Debug)]
pub struct Tally {
    pub(in crate::engine) counts: Counts,
    /// End tokens of filtered documents, which are not among those of the vocabulary either.
    pub(in crate::engine) ends: u64,
}

impl Tally {
    /// Of nothing; `counts` says for which ids and lengths.
    pub(in crate::engine) fn new(counts: Counts) -> Self {
        Self { counts, ends: 0 }
    }

    /// Adds another thread's.
    pub(in crate::engine) fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.ends += other.ends;
    }
}
