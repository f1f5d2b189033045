//! Which source each position of a mixed plan reads: Tijdeman's sequence, periodic, with counts.
//!
//! # Specification
//!
//! The weights are divided by their greatest common divisor; `T` is then their sum, and one period has `T` positions.
//! With `k` sources and `D = 2k - 2`, position `t - 1` (`t` = 1 … `T`) goes to one of the sources `i` with
//! `D * (w[i] * t - T * x[i]) >= T`, where `x[i]` counts what the source got before: to the one for which
//! `T * (D - 1 + D * x[i]) / w[i]` is least (a fraction, not rounded); of equals, the first.
//!
//! After any number of positions every source has had its share to within less than one row (R. Tijdeman, *The
//! chairman assignment problem*, Discrete Mathematics 32, 1980), so a period ends even and the next one is the same.

/// The sum of the reduced weights is at most this.
pub(super) const MAX_PERIOD: u64 = 65_536;

/// One period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mixture {
    /// Rows of each source in a period.
    weights: Vec<u64>,
    turns: Vec<Turn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    source: u16,
    /// Rows that the source had in this period before.
    before: u32,
}

/// Weights without their common divisor.
pub(super) fn reduced(weights: &[u32]) -> Vec<u64> {
    let divisor = weights.iter().fold(0, |a, b| gcd(a, u64::from(*b))).max(1);
    weights.iter().map(|weight| u64::from(*weight) / divisor).collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Mixture {
    /// Of weights that are at least 1 and whose reduced sum is at most [`MAX_PERIOD`].
    pub(super) fn new(weights: &[u32]) -> Self {
        let weights = reduced(weights);
        let period: u64 = weights.iter().sum();
        let spread = 2 * weights.len() as u64 - 2;
        let mut had = vec![0u64; weights.len()];
        let turns = (1..=period).map(|t| {
            let is_due = |source: &usize| spread * (weights[*source] * t) >= period + spread * period * had[*source];
            let deadline = |source: usize| period * (spread + spread * had[source] - u64::from(spread > 0));
            // Fractions are compared crosswise: deadline / weight.
            let earliest = (0..weights.len()).filter(is_due).reduce(|a, b| {
                if u128::from(deadline(b)) * u128::from(weights[a]) < u128::from(deadline(a)) * u128::from(weights[b]) {
                    b
                } else {
                    a
                }
            });
            // A single source is never due by the rule above; with several, one always is.
            let source = earliest.unwrap_or(0);
            let before = u32::try_from(had[source]).unwrap_or(u32::MAX);
            had[source] += 1;
            Turn { source: u16::try_from(source).unwrap_or(u16::MAX), before }
        });
        let turns = turns.collect();
        Self { weights, turns }
    }

    /// Rows of each source in a period.
    pub(super) fn weights(&self) -> &[u64] {
        &self.weights
    }

    /// Rows that each source had before a position.
    pub(super) fn had_before(&self, position: u64) -> Vec<u64> {
        let period = self.turns.len() as u64;
        let mut had: Vec<u64> = self.weights.iter().map(|weight| position / period * weight).collect();
        // Below the length, which is at most 65,536.
        for turn in &self.turns[..usize::try_from(position % period).unwrap_or(0)] {
            had[usize::from(turn.source)] += 1;
        }
        had
    }

    /// The source of a position, and how many rows of it came before.
    pub(super) fn at(&self, position: u64) -> (usize, u64) {
        let period = self.turns.len() as u64;
        let (whole, rest) = (position / period, position % period);
        // Below the length, which is at most 65,536.
        let turn = self.turns[usize::try_from(rest).unwrap_or(0)];
        let source = usize::from(turn.source);
        (source, whole * self.weights[source] + u64::from(turn.before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(weights: &[u32]) {
        let mixture = Mixture::new(weights);
        let period: u64 = mixture.weights().iter().sum();
        let mut had = vec![0u64; weights.len()];
        for position in 0..2 * period {
            let (source, before) = mixture.at(position);
            assert_eq!(before, had[source], "{weights:?} at {position}");
            had[source] += 1;
            for (count, weight) in had.iter().zip(mixture.weights()) {
                let (share, count) = (weight * (position + 1), count * period);
                assert!(share.abs_diff(count) < period, "{weights:?}: {had:?} after {}", position + 1);
            }
        }
        let twice: Vec<u64> = mixture.weights().iter().map(|weight| 2 * weight).collect();
        assert_eq!(had, twice, "periods end even");
    }

    proptest! {
        #[test]
        fn shares_are_kept_within_one_row(weights in prop::collection::vec(1u32..300, 1..12)) {
            check(&weights);
        }
    }

    #[test]
    fn the_extremes() {
        for weights in [&[1][..], &[7], &[1, 1], &[65_535, 1], &[40_000, 25_000, 536], &[2_000_000, 1_000_000]] {
            check(weights);
        }
        check(&[1; 64]);
    }
}
