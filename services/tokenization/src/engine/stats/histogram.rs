//! How often each id occurs.
//!
//! Text has few frequent words: their counters are together in the processor's fastest cache when each has 32 bits. What
//! they cannot hold any more goes into others of 64 bits.

/// Counters for ids below a limit; sums of up to 2^64.
#[derive(Debug, Clone)]
pub struct Histogram {
    recent: Vec<u32>,
    /// How many more may be counted there.
    room: u32,
    /// What was counted before; nothing, as long as there was room.
    before: Vec<u64>,
}

impl Histogram {
    /// For ids below `id_count`.
    pub fn new(id_count: usize) -> Self {
        Self { recent: vec![0; id_count], room: u32::MAX, before: Vec::new() }
    }

    /// Counts each of the ids once.
    pub fn add(&mut self, ids: &[u32]) {
        for part in ids.chunks(1 << 30) {
            let count = u32::try_from(part.len()).unwrap_or(u32::MAX);
            if self.room < count {
                self.make_room();
            }
            self.room -= count;
            let counters = &mut self.recent[..];
            for id in part {
                counters[*id as usize] += 1;
            }
        }
    }

    /// Counts one id so many times; false when it is not below the limit.
    pub fn add_times(&mut self, id: u32, times: u64) -> bool {
        self.make_room();
        let counter = self.before.get_mut(id as usize);
        counter.map(|counter| *counter += times).is_some()
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        self.make_room();
        self.before.iter_mut().zip(other.iter()).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// The count of each id, from 0.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        let before = self.before.iter().copied().chain(std::iter::repeat(0));
        self.recent.iter().zip(before).map(|(recent, before)| u64::from(*recent) + before)
    }

    fn make_room(&mut self) {
        self.before.resize(self.recent.len(), 0);
        if self.room < u32::MAX {
            let counters = self.before.iter_mut().zip(&mut self.recent);
            counters.for_each(|(before, recent)| *before += u64::from(std::mem::take(recent)));
            self.room = u32::MAX;
        }
    }
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Histogram {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_where_counters_are_full() {
        let mut counted = Histogram::new(3);
        counted.add(&[0, 2, 2]);
        counted.room = 4;
        counted.add(&[2, 2, 1]);
        assert_eq!((counted.room, counted.before.len()), (1, 0));
        counted.add(&[0, 2]);
        assert_eq!((counted.room, counted.before.as_slice()), (u32::MAX - 2, &[1, 1, 4][..]));
        assert!(counted.add_times(1, 1 << 40) && !counted.add_times(3, 1));
        assert_eq!(counted.iter().collect::<Vec<_>>(), [2, 1 + (1 << 40), 5]);
        let mut twice = counted.clone();
        twice.merge(&counted);
        assert_eq!(twice.iter().collect::<Vec<_>>(), [4, 2 + (1 << 41), 10]);
        assert!(twice != counted && counted == counted.clone());
    }
}
