//! A keyed permutation of `[0, size)` without a table: any position's row is computed, in either direction.
//!
//! # Specification
//!
//! A client in any language gets the same order by this; `proto/tokenmill/flight/v1/read_plan_vectors.json` has
//! examples. All numbers are unsigned 64-bit, `+` and `*` wrap, `^` is exclusive or, `>>` fills with zeros.
//!
//! ```text
//! GOLDEN = 0x9e3779b97f4a7c15
//! mix(z):  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
//!          z = (z ^ (z >> 27)) * 0x94d049bb133111eb
//!          return z ^ (z >> 31)
//!
//! key of words w1, w2, …:   h = 0;  for each w:  h = mix((h ^ w) + GOLDEN)
//! round keys of a key h:    k[i] = mix(h + (i + 1) * GOLDEN),  i = 0 … 7
//!
//! permute(size, h, x):      bits = number of binary digits of size - 1        (size 1: the answer is 0)
//!                           L has the upper bits / 2 digits of x (rounded down), R the other, lower ones
//!   again:  for i = 0 … 7:  i even:  L = L ^ (the low digits of mix(R ^ k[i]), as many as L has)
//!                           i odd:   R = R ^ (the low digits of mix(L ^ k[i]), as many as R has)
//!           x = L and R joined;  when x >= size: again, from this x     (cycle walking)
//! ```
//!
//! Eight rounds of a Feistel network over the smallest power of two that holds `size`, which is less than twice as
//! large: two walks at most on average. `mix` is the finaliser of `SplitMix64`. Which words make a key is said where it
//! is made ([`super::shuffle`]). It mixes well and is no cipher.

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const ROUNDS: usize = 8;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a permutation depends on beside its size: words, absorbed one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u64);

impl Key {
    pub(super) fn new(word: u64) -> Self {
        Self(0).with(word)
    }

    pub(super) fn with(self, word: u64) -> Self {
        Self(mix((self.0 ^ word).wrapping_add(GOLDEN)))
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Permutation {
    size: u64,
    right_bits: u32,
    left_mask: u64,
    right_mask: u64,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// `size` is at least 1.
    pub(super) fn new(size: u64, key: Key) -> Self {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        let right_bits = bits - bits / 2;
        let mask = |bits: u32| (1 << bits) - 1;
        let mut state = key.0;
        let keys = std::array::from_fn(|_| {
            state = state.wrapping_add(GOLDEN);
            mix(state)
        });
        Self { size, right_bits, left_mask: mask(bits / 2), right_mask: mask(right_bits), keys }
    }

    /// The row at a position below the size.
    pub(super) fn row(&self, position: u64) -> u64 {
        self.walk(position, |left, right| {
            for keys in self.keys.chunks_exact(2) {
                *left ^= mix(*right ^ keys[0]) & self.left_mask;
                *right ^= mix(*left ^ keys[1]) & self.right_mask;
            }
        })
    }

    /// The position of a row below the size.
    pub(super) fn position(&self, row: u64) -> u64 {
        self.walk(row, |left, right| {
            for keys in self.keys.chunks_exact(2).rev() {
                *right ^= mix(*left ^ keys[1]) & self.right_mask;
                *left ^= mix(*right ^ keys[0]) & self.left_mask;
            }
        })
    }

    fn walk(&self, from: u64, rounds: impl Fn(&mut u64, &mut u64)) -> u64 {
        let mut x = from;
        loop {
            let (mut left, mut right) = (x >> self.right_bits, x & self.right_mask);
            rounds(&mut left, &mut right);
            x = (left << self.right_bits) | right;
            // Ends for every start below the size: the cycle that it lies on comes back to it.
            if x < self.size {
                return x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_sizes_are_permuted_in_both_directions() {
        for size in 1..200 {
            let permutation = Permutation::new(size, Key::new(size).with(7));
            let mut rows: Vec<u64> = (0..size).map(|position| permutation.row(position)).collect();
            for (position, row) in (0..).zip(&rows) {
                assert_eq!(permutation.position(*row), position);
            }
            rows.sort_unstable();
            assert_eq!(rows, (0..size).collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn large_sizes_have_an_inverse(size in 1u64..1 << 62, key: u64, position: u64) {
            let permutation = Permutation::new(size, Key::new(key));
            let row = permutation.row(position % size);
            prop_assert!(row < size);
            prop_assert_eq!(permutation.position(row), position % size);
        }
    }

    #[test]
    fn every_row_comes_to_every_place_equally_often() {
        const SIZE: usize = 10;
        const KEYS: u64 = 20_000;
        let mut counts = [[0u32; SIZE]; SIZE];
        for key in 0..KEYS {
            let permutation = Permutation::new(SIZE as u64, Key::new(key));
            for (position, counts) in counts.iter_mut().enumerate() {
                counts[usize::try_from(permutation.row(position as u64)).unwrap()] += 1;
            }
        }
        let expected = f64::from(u32::try_from(KEYS).unwrap()) / 10.0;
        let chi_square: f64 = counts.iter().flatten().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
        // 81 degrees of freedom: above 127 in one of a thousand.
        println!("chi square {chi_square:.1} over {KEYS} keys");
        assert!(chi_square < 127.0, "{chi_square}");
    }
}
