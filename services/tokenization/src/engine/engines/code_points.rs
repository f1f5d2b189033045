//! Which code points two engines treat alike.
//!
//! Libraries differ in the version of Unicode that they were made for: what is unassigned in one is a letter, or has a
//! decomposition, in the other. So each code point beyond ASCII is tried the first time it is seen, in every position
//! that a pre-tokenizer or a normaliser tells apart, and a text that holds one on which the engines differ is not the
//! fast engine's. That is two table lookups for a character afterwards.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};

/// All planes: a bit each in two tables is 272 KB.
const LIMIT: u32 = 0x11_0000;
/// Text that is looked at together, while it is ASCII.
const BLOCK: usize = 64;

/// Scripts with characters that compose in pairs only by newer versions of Unicode than the reference's: one of the
/// pair alone would show nothing.
const NEWLY_COMPOSED: [RangeInclusive<u32>; 5] =
    [0x105C0..=0x105FF, 0x11380..=0x113FF, 0x11900..=0x1195F, 0x16100..=0x1613F, 0x16D40..=0x16D7F];

/// What is known of each code point; grows while texts are read, on any thread.
pub(super) struct CodePoints {
    alike: Box<[AtomicU64]>,
    different: Box<[AtomicU64]>,
}

impl CodePoints {
    pub(super) fn new() -> Self {
        let table = || (0..LIMIT / 64).map(|_| AtomicU64::new(0)).collect();
        Self { alike: table(), different: table() }
    }

    /// Whether all characters of `text` are treated alike; `alike` compares the engines on a probe.
    pub(super) fn hold(&self, text: &str, alike: impl Fn(&str) -> bool) -> bool {
        let mut rest = text;
        while !rest.is_empty() {
            let blocks = rest.as_bytes().as_chunks::<BLOCK>().0;
            // The bytes of a block are put together without a branch between them.
            let plain = blocks.iter().take_while(|block| block.iter().fold(0, |all, byte| all | byte).is_ascii());
            rest = &rest[BLOCK * plain.count()..];
            let (mixed, after) = rest.split_at(rest.ceil_char_boundary(BLOCK));
            if mixed.chars().any(|c| !c.is_ascii() && !self.is_alike(c, &alike)) {
                return false;
            }
            rest = after;
        }
        true
    }

    fn is_alike(&self, c: char, alike: impl Fn(&str) -> bool) -> bool {
        let code = u32::from(c);
        let (Some(known), Some(other)) = (self.alike.get(code as usize / 64), self.different.get(code as usize / 64))
        else {
            return false;
        };
        let bit = 1 << (code % 64);
        // Each bit says all that depends on it, so that no order among them is needed.
        if known.load(Ordering::Relaxed) & bit != 0 {
            return true;
        }
        if other.load(Ordering::Relaxed) & bit != 0 {
            return false;
        }
        let is_alike = !NEWLY_COMPOSED.iter().any(|range| range.contains(&code)) && alike(&probe(c));
        let table = if is_alike { known } else { other };
        table.fetch_or(bit, Ordering::Relaxed);
        is_alike
    }
}

/// `c` between letters, digits, spaces and punctuation; doubled; and among marks of both orders of combining.
fn probe(c: char) -> String {
    format!("a{c}b {c} {c}{c}1{c}2.{c}!{c}'{c}s\n{c}\r\n {c}A{c}e{c}\u{323}e\u{301}{c} e\u{323}{c}\u{4E00}{c}\u{E9}{c}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_point_is_tried_once() {
        let points = CodePoints::new();
        let tried = std::cell::Cell::new(0);
        let alike = |probe: &str| {
            tried.set(tried.get() + 1);
            !probe.contains('\u{30FF}')
        };
        let plain = "x".repeat(200);
        for _ in 0..2 {
            assert!(points.hold(&format!("{plain}é{plain}日é"), alike));
            assert!(!points.hold(&format!("{plain}日\u{30FF}"), alike));
            // Not even tried: newly composed.
            assert!(points.hold("\u{E0001}", alike) && !points.hold("a\u{16121}", alike));
        }
        assert_eq!(tried.get(), 4);
        assert!(points.hold("", alike) && points.hold(&plain, alike));
    }
}
