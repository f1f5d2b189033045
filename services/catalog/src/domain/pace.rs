//! How fast a counter grows, smoothed, and when it will be done.

use std::time::{Duration, Instant};

/// Time constant of the smoothing: what lies this far back counts a third.
const MEMORY: Duration = Duration::from_secs(10);

/// The pace of one counter.
#[derive(Debug)]
pub(crate) struct Pace {
    at: Instant,
    count: u64,
    /// Per second; none before two observations.
    rate: Option<f64>,
}

impl Pace {
    pub(crate) fn new(now: Instant, count: u64) -> Self {
        Self { at: now, count, rate: None }
    }

    /// Takes an observation; a counter that fell back (a task was taken up again) starts anew.
    #[expect(clippy::cast_precision_loss, reason = "a speed for display")]
    pub(crate) fn observe(&mut self, now: Instant, count: u64) {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        if count < self.count {
            *self = Self::new(now, count);
        } else if elapsed > 0.0 {
            let rate = (count - self.count) as f64 / elapsed;
            let keep = (-elapsed / MEMORY.as_secs_f64()).exp();
            self.rate = Some(self.rate.map_or(rate, |old| old * keep + rate * (1.0 - keep)));
            (self.at, self.count) = (now, count);
        }
    }

    /// Units per second.
    pub(crate) fn per_second(&self) -> f64 {
        self.rate.unwrap_or(0.0)
    }

    /// Seconds until `total`; none while nothing moves.
    #[expect(clippy::cast_precision_loss, reason = "a time for display")]
    pub(crate) fn eta_seconds(&self, total: u64) -> Option<f64> {
        let rate = self.rate.filter(|rate| *rate > 0.0)?;
        Some(total.saturating_sub(self.count) as f64 / rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_steady_counter_and_starts_anew_when_it_falls_back() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 0);
        for second in 1..=10 {
            pace.observe(start + Duration::from_secs(second), second * 100);
        }
        assert!((pace.per_second() - 100.0).abs() < 1e-6);
        assert!((pace.eta_seconds(2000).unwrap() - 10.0).abs() < 1e-6);
        pace.observe(start + Duration::from_secs(11), 50);
        assert_eq!(pace.eta_seconds(2000), None);
    }
}
