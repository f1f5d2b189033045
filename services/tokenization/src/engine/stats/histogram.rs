//! How often each id occurs.
//!
//! Text has few frequent words, and between two chunks of it encoding takes the cache for itself: counters of 16 bits
//! come back the soonest. What they cannot hold any more goes into others of 64 bits.

use crate::engine::format::TokenId;

/// Counters for ids below a limit; sums of up to 2^64.
#[derive(Debug, Clone)]
pub struct Histogram {
    recent: Vec<u16>,
    /// What left `recent` when it was full.
    before: Vec<u64>,
}

impl Histogram {
    /// For ids below `id_count`.
    pub fn new(id_count: usize) -> Self {
        Self { recent: vec![0; id_count], before: vec![0; id_count] }
    }

    pub fn id_count(&self) -> usize {
        self.recent.len()
    }

    /// Takes the counters into the cache for so many ids: one after the other is faster than as the ids come, unless
    /// these are few.
    pub fn warm(&self, ids: usize) {
        const IN_A_LINE: usize = 64 / size_of::<u16>();
        if ids > self.recent.len() / 2 {
            std::hint::black_box(self.recent.iter().step_by(IN_A_LINE).fold(0, |all, counter| all | counter));
        }
    }

    /// Counts each of the ids so many times.
    pub fn add<T: TokenId>(&mut self, ids: &[T::Native], times: u64) {
        match u16::try_from(times) {
            Ok(0) => {}
            Ok(times) => self.add_few::<T>(ids, times),
            Err(_) => ids.iter().for_each(|id| _ = self.add_times(T::id(*id), times)),
        }
    }

    #[inline(never)]
    fn add_few<T: TokenId>(&mut self, ids: &[T::Native], times: u16) {
        let Self { recent, before } = self;
        let (recent, before) = (&mut recent[..], &mut before[..]);
        let mut one = |id: u32| {
            let counter = &mut recent[id as usize];
            let (next, is_full) = counter.overflowing_add(times);
            *counter = next;
            if is_full {
                carry(before, id);
            }
        };
        // One by one, the loop itself would cost as much as counting.
        let (fours, rest) = ids.as_chunks::<4>();
        for four in fours {
            for id in four {
                one(T::id(*id));
            }
        }
        for id in rest {
            one(T::id(*id));
        }
    }

    /// Counts one id so many times; false when it is not below the limit.
    pub fn add_times(&mut self, id: u32, times: u64) -> bool {
        let counter = self.before.get_mut(id as usize);
        counter.map(|counter| *counter += times).is_some()
    }

    /// The count of one id, which is 0 from then on.
    pub fn take(&mut self, id: u32) -> u64 {
        let id = id as usize;
        u64::from(std::mem::take(&mut self.recent[id])) + std::mem::take(&mut self.before[id])
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        self.before.iter_mut().zip(other.iter()).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// The count of each id, from 0.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.recent.iter().zip(&self.before).map(|(recent, before)| u64::from(*recent) + before)
    }
}

/// Out of the loop, which is the faster for it.
#[cold]
#[inline(never)]
fn carry(before: &mut [u64], id: u32) {
    before[id as usize] += 1 << u16::BITS;
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Histogram {}

#[cfg(test)]
mod tests {
    use arrow_array::types::UInt32Type;

    use super::*;

    #[test]
    fn nothing_is_lost_where_counters_are_full() {
        let mut counted = Histogram::new(3);
        counted.add::<UInt32Type>(&[0, 2, 2, 2, 0, 1], 1);
        counted.add::<UInt32Type>(&vec![2; 1 << 16], 2);
        counted.add::<UInt32Type>(&[0, 1], 0);
        assert_eq!((counted.recent.as_slice(), counted.before.as_slice()), (&[2, 1, 3][..], &[0, 0, 2 << 16][..]));
        counted.add::<UInt32Type>(&[1], 1 << 40);
        assert!(!counted.add_times(3, 1));
        let all = [2, 1 + (1 << 40), 3 + (2 << 16)];
        assert_eq!(counted.iter().collect::<Vec<_>>(), all);
        let mut twice = counted.clone();
        twice.merge(&counted);
        assert_eq!(twice.iter().collect::<Vec<_>>(), all.map(|count| 2 * count));
        assert!(twice != counted && counted == counted.clone());
        assert_eq!((counted.take(2), counted.take(2), counted.take(0)), (all[2], 0, 2));
        assert_eq!(counted.iter().collect::<Vec<_>>(), [0, all[1], 0]);
    }
}
