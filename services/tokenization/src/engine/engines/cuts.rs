//! Where a text falls into words whose ids, one after the other, are those of the whole text.
//!
//! What holds two words together is named for each kind of tokenizer in [`super::shape`]: a pre-token, a token of the
//! vocabulary, or an added token. Where a space or a newline stands between two plain ASCII characters, nothing else
//! does: ASCII composes with nothing before it, and no known pattern looks behind a match.

use std::ops::Range;

use super::parts::Parts;

/// What becomes of the space before a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// It is the word's first character.
    Kept,
    /// It goes: the tokenizer forgets spaces.
    Forgotten,
    /// It goes, as the tokenizer puts a mark for it before each text.
    Marked,
}

/// Between which characters words end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cuts {
    /// ASCII characters that a word may end with before a space.
    last: [bool; 256],
    /// ASCII characters that may follow the space.
    first: [bool; 256],
    space: Space,
    /// Whether words end after a newline between a visible character and a letter, too.
    lines: bool,
    /// Whether blanks of any kind and number are what one space is.
    runs: bool,
    /// Into which a word falls that was not seen before, unless it is longer than so many bytes.
    parts: Parts,
    longest: usize,
}

const SPACES: u64 = 0x2020_2020_2020_2020;
const NEWLINES: u64 = 0x0A0A_0A0A_0A0A_0A0A;

impl Cuts {
    /// At one space between any two visible characters.
    pub(super) fn new(space: Space, lines: bool) -> Self {
        let visible = std::array::from_fn(|byte| u8::try_from(byte).is_ok_and(|byte| byte.is_ascii_graphic()));
        Self { last: visible, first: visible, space, lines, runs: false, parts: Parts::none(), longest: usize::MAX }
    }

    /// The same, where a run of blanks is as good as a space.
    pub(super) fn with_runs(self, runs: bool) -> Self {
        Self { runs, ..self }
    }

    /// The same, with words that fall into parts.
    pub(super) fn with_parts(self, parts: Parts) -> Self {
        Self { parts, ..self }
    }

    /// No word ends with `last` before a space.
    pub(super) fn not_after(&mut self, last: u8) {
        self.last[usize::from(last)] = false;
    }

    /// No space before `first` is a cut.
    pub(super) fn not_before(&mut self, first: u8) {
        self.first[usize::from(first)] = false;
    }

    pub(super) fn not_after_lines(&mut self) {
        self.lines = false;
    }

    /// The same, of words of at most so many bytes.
    pub(super) fn with_parts_up_to(self, longest: usize, parts: Parts) -> Self {
        Self { parts, longest, ..self }
    }

    /// No part of a word holds a part of `token` or ends beside it.
    pub(super) fn leave_alone(&mut self, token: &str) {
        self.parts.leave_alone(token);
    }

    /// No part of a word holds a part of `token`.
    pub(super) fn hold_together(&mut self, token: &str) {
        self.parts.hold_together(token);
    }

    /// Whether the space before a word is not part of it.
    pub(super) fn drop_spaces(&self) -> bool {
        self.space != Space::Kept
    }

    pub(super) fn space(&self) -> Space {
        self.space
    }

    /// The parts of a word of `text`, in order.
    pub(super) fn parts<'a>(&'a self, text: &'a str, word: Range<usize>) -> impl Iterator<Item = Range<usize>> + 'a {
        let bytes = text.as_bytes();
        let (mut start, is_whole) = (word.start, word.len() > self.longest);
        std::iter::from_fn(move || {
            let is_end = |at: &usize| *at == word.end || !is_whole && self.parts.part(bytes[at - 1], bytes[*at]);
            let end = (start + 1..=word.end).find(is_end)?;
            Some(std::mem::replace(&mut start, end)..end)
        })
    }

    /// The words of `text`, in order; one, where there is no place to cut.
    pub(super) fn words<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let bytes = text.as_bytes();
        let mut next = (!bytes.is_empty()).then_some(0);
        std::iter::from_fn(move || {
            let start = next.take()?;
            let Some((end, after)) = self.cut(bytes, start) else { return Some(start..bytes.len()) };
            next = Some(after);
            Some(start..end)
        })
    }

    /// The words of `text` joined to pieces of at least so many bytes.
    pub(super) fn pieces<'a>(&'a self, text: &'a str, least: usize) -> impl Iterator<Item = &'a str> {
        let mut rest = Some(text);
        std::iter::from_fn(move || {
            let text = rest.take()?;
            let Some((end, after)) = self.cut(text.as_bytes(), least) else { return Some(text) };
            rest = Some(&text[after..]);
            Some(&text[..end])
        })
    }

    /// The first place behind `start` at which a word ends, and where the next one begins.
    #[inline]
    fn cut(&self, text: &[u8], start: usize) -> Option<(usize, usize)> {
        let mut at = start;
        loop {
            at = blank(text, at + 1)?;
            let [before, blank, after] = *text.get(at - 1..at + 2)? else { return None };
            if self.runs {
                let run = text[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\t' | b'\r')).count();
                let after = *text.get(at + run)?;
                if self.last[usize::from(before)] && self.first[usize::from(after)] {
                    return Some((at, at + run));
                }
                at += run - 1;
            } else if blank == b' ' {
                if self.last[usize::from(before)] && self.first[usize::from(after)] {
                    return Some((at, at + usize::from(self.drop_spaces())));
                }
            } else if self.lines && before.is_ascii_graphic() && after.is_ascii_alphabetic() {
                return Some((at + 1, at + 1));
            }
        }
    }
}

/// The first space or newline from `at` on.
#[inline]
fn blank(text: &[u8], mut at: usize) -> Option<usize> {
    // Words are short: eight bytes at a time find their end sooner than a call.
    while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let eight = u64::from_le_bytes(*eight);
        let found = zero_bytes(eight ^ SPACES) | zero_bytes(eight ^ NEWLINES);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = text.get(at..)?;
    rest.iter().position(|byte| matches!(byte, b' ' | b'\n')).map(|found| at + found)
}

/// The high bit of each byte that is zero; above the lowest such byte, perhaps of others.
#[inline]
fn zero_bytes(eight: u64) -> u64 {
    eight.wrapping_sub(0x0101_0101_0101_0101) & !eight & 0x8080_8080_8080_8080
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<'a>(cuts: &'a Cuts, text: &'a str) -> Vec<&'a str> {
        cuts.words(text).map(|word| &text[word]).collect()
    }

    #[test]
    fn words_end_at_cuts_and_nothing_is_lost() {
        let text = " The mill's  wheel,\nit turns (é or\n\n 9) times.\nx";
        let kept = Cuts::new(Space::Kept, true);
        let expected = [" The", " mill's  wheel,\n", "it", " turns", " (é or\n\n 9)", " times.\n", "x"];
        assert_eq!(words(&kept, text), expected);
        let dropped = Cuts::new(Space::Forgotten, false);
        let expected = [" The", "mill's  wheel,\nit", "turns", "(é or\n\n 9)", "times.\nx"];
        assert_eq!(words(&dropped, text), expected);
        assert!(words(&kept, "").is_empty());
        for whole in [" ", "x", "\n", "  ", "é é", "日本 語", "a\u{301} b\u{301}"] {
            assert_eq!(words(&kept, whole).concat(), whole);
        }
    }

    #[test]
    fn blanks_that_are_forgotten_part_words_in_any_number() {
        let runs = Cuts::new(Space::Forgotten, false).with_runs(true);
        let text = "The \n\t mill\r\nturns\n\né  (it\u{a0} \n stops) \n";
        assert_eq!(words(&runs, text), ["The", "mill\r\nturns\n\né  (it\u{a0} \n stops) \n"]);
        assert_eq!(words(&runs, "a\nb  c\n\n\nd \r\n e\n"), ["a", "b", "c", "d", "e\n"]);
        let parts = Cuts::new(Space::Kept, true).with_parts(Parts::around_punctuation());
        let text = "see (the_mill)";
        let parted: Vec<&str> = parts.parts(text, 3..text.len()).map(|part| &text[part]).collect();
        assert_eq!(parted, [" (", "the", "_", "mill", ")"]);
    }

    #[test]
    fn pieces_are_words_joined() {
        let cuts = Cuts::new(Space::Kept, true);
        let line = |n: usize| format!("{}{}\n\n", "a wörd ".repeat(n % 9), "x".repeat(n % 4));
        let text: String = (0..900).map(line).collect();
        let pieces: Vec<&str> = cuts.pieces(&text, 1000).collect();
        assert!(pieces.len() > 5 && pieces.concat() == text);
        assert!(pieces[..pieces.len() - 1].iter().all(|piece| (1000..1200).contains(&piece.len())));
        let words: Vec<&str> = cuts.pieces(&text, 0).collect();
        assert!(pieces.iter().all(|piece| words.contains(&cuts.pieces(piece, 0).next().unwrap())));
        assert_eq!(words, self::words(&cuts, &text));
        let unbroken = "x \n\n".repeat(1000);
        assert_eq!(cuts.pieces(&unbroken, 10).collect::<Vec<_>>(), [unbroken.as_str()]);
        assert_eq!(cuts.pieces("", 10).collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn what_is_held_together_is_not_cut() {
        let mut cuts = Cuts::new(Space::Kept, true);
        cuts.not_after(b'>');
        cuts.not_before(b'<');
        cuts.not_after_lines();
        assert_eq!(words(&cuts, "a> b <s> c\nd e"), ["a> b <s> c\nd", " e"]);
    }

    #[test]
    fn blanks_are_found_at_every_place() {
        for length in 0..40 {
            let plain = "x".repeat(length);
            assert_eq!(blank(plain.as_bytes(), 0), None);
            for (at, sign) in (0..length).flat_map(|at| [(at, " "), (at, "\n")]) {
                let mut text = plain.clone();
                text.replace_range(at..=at, sign);
                assert_eq!(
                    (0..=at).map(|from| blank(text.as_bytes(), from)).collect::<Vec<_>>(),
                    vec![Some(at); at + 1]
                );
                assert_eq!(blank(text.as_bytes(), at + 1), None);
            }
        }
    }
}
