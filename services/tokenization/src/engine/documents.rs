//! Encoded documents, one after the other in one buffer: what passes from stage to stage.
//!
//! A stage goes over all of them at once, because what encoding needs and what filtering and counting need do not fit
//! the cache together.

use std::ops::Range;

/// The ids of some documents: as an engine gives them, or as rows store them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documents<Id = u32> {
    pub ids: Vec<Id>,
    /// Of each id, whether the model said it; empty where rows do not say.
    pub mask: Vec<bool>,
    /// How many ids each document has.
    pub lengths: Vec<usize>,
}

impl<Id> Documents<Id> {
    /// Forgets them and keeps their space.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.mask.clear();
        self.lengths.clear();
    }

    /// Where the ids of each document lie.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let mut end = 0;
        self.lengths.iter().map(move |length| {
            let start = end;
            end += length;
            start..end
        })
    }
}
