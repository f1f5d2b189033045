//! The second rule for a lost worker: a heartbeat count that stands still by our own monotonic clock.
//!
//! The first rule compares the lease with the database's clock. When that clock is set back, a lease may seem to live
//! for ever; this one does not depend on it.

use dataset_model::TaskId;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// A lease as the reconciler sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub task_id: TaskId,
    pub attempt: u64,
    pub heartbeat_count: u64,
    /// By the database's clock.
    pub expired: bool,
}

/// What was seen of each lease, and since when.
#[derive(Debug, Default)]
pub struct Silence(HashMap<TaskId, (Lease, Instant)>);

impl Silence {
    /// Takes note of all leases at `now`; returns those whose count has stood still for `patience`.
    pub fn observe(&mut self, leases: &[Lease], now: Instant, patience: Duration) -> Vec<Lease> {
        let mut seen = HashMap::with_capacity(leases.len());
        let mut silent = Vec::new();
        for lease in leases {
            let same = |old: &Lease| (old.attempt, old.heartbeat_count) == (lease.attempt, lease.heartbeat_count);
            let since = self.0.get(&lease.task_id).filter(|(old, _)| same(old)).map_or(now, |(_, since)| *since);
            if now.duration_since(since) >= patience {
                silent.push(*lease);
            }
            seen.insert(lease.task_id, (*lease, since));
        }
        self.0 = seen;
        silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_stands_still() {
        let lease = Lease { task_id: TaskId::new(), attempt: 1, heartbeat_count: 4, expired: false };
        let (mut silence, start, patience) = (Silence::default(), Instant::now(), Duration::from_secs(90));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(silence.observe(&[lease], at(0), patience).is_empty());
        assert!(silence.observe(&[lease], at(89), patience).is_empty());
        assert_eq!(silence.observe(&[lease], at(90), patience), [lease]);
        let beaten = Lease { heartbeat_count: 5, ..lease };
        assert!(silence.observe(&[beaten], at(91), patience).is_empty());
        let claimed_again = Lease { attempt: 2, ..beaten };
        assert!(silence.observe(&[claimed_again], at(200), patience).is_empty());
    }
}
