//! Where a long document may be cut so that its pieces have the same ids as the whole.

/// Longer texts are cut.
pub(super) const LONG: usize = 48 * 1024;
/// A piece is at least so long: fast engines start threads of their own from 64 KiB on, which are not ours to count.
const PIECE: usize = 24 * 1024;

/// Between which characters a tokenizer's texts may be cut; all of them are ASCII, which composes with nothing before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cuts {
    /// Before the one space between two letters, and after the one newline between a visible character and a letter.
    ///
    /// No pre-token of the byte-level patterns in [`super::shape`] reaches across. A letter ends one before a space,
    /// with which the next begins, and the patterns look ahead of whitespace only. None has a newline before a letter;
    /// and the newline, which follows no other whitespace, is a pre-token by itself or the end of one, whether a letter
    /// or the end of the text comes after it. `BertPreTokenizer` drops whitespace.
    Words,
    /// After a newline that is before a letter: no token of the vocabulary holds the two, and nothing else joins them.
    Lines,
}

impl Cuts {
    /// The pieces of `text`, in order; one, where there is no place to cut.
    pub(super) fn pieces(self, text: &str) -> impl Iterator<Item = &str> {
        let mut rest = Some(text);
        std::iter::from_fn(move || {
            let text = rest.take()?;
            let Some(end) = self.end(text.as_bytes()) else { return Some(text) };
            let (piece, after) = text.split_at(end);
            rest = Some(after);
            Some(piece)
        })
    }

    /// The first place to cut after [`PIECE`] bytes; none when little would be left, or when there is none.
    fn end(self, text: &[u8]) -> Option<usize> {
        if text.len() <= LONG {
            return None;
        }
        let is_cut = |around: &[u8]| match (self, around) {
            (Self::Words, [_, before, b' ', after]) => before.is_ascii_alphabetic() && after.is_ascii_alphabetic(),
            (Self::Words, [before, b'\n', after, _]) => before.is_ascii_graphic() && after.is_ascii_alphabetic(),
            (Self::Lines, [_, b'\n', after, _]) => after.is_ascii_alphabetic(),
            _ => false,
        };
        Some(PIECE + text[PIECE - 2..].windows(4).position(is_cut)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_at_cuts_and_lose_nothing() {
        let line = |n: usize| format!("{}{}\n\n", "a wörd ".repeat(n % 9), "x".repeat(n % 4));
        let text: String = (0..9000).map(line).collect();
        for (cuts, end, start) in [(Cuts::Words, ['a', 'd'], [' '; 2]), (Cuts::Lines, ['\n'; 2], ['a', 'x'])] {
            let pieces: Vec<&str> = cuts.pieces(&text).collect();
            assert!(pieces.len() > 5 && pieces.concat() == text);
            for pair in pieces.windows(2) {
                assert!(pair[0].len() >= PIECE && pair[0].len() < LONG);
                assert!(pair[0].ends_with(end) && pair[1].starts_with(start), "{cuts:?}");
            }
            assert_eq!(cuts.pieces("").collect::<Vec<_>>(), [""]);
        }
    }

    #[test]
    fn lines_without_spaces_are_cut_by_both_and_unbroken_text_by_none() {
        let lines = "base64/\n".repeat(LONG);
        let unbroken = "x \n\n".repeat(LONG);
        for cuts in [Cuts::Words, Cuts::Lines] {
            assert!(cuts.pieces(&lines).skip(1).all(|piece| piece.starts_with('b')));
            assert_eq!(cuts.pieces(&lines).collect::<String>(), lines);
            assert!(cuts.pieces(&lines).count() > 5);
        }
        assert_eq!(Cuts::Words.pieces(&unbroken).collect::<Vec<_>>(), [unbroken.as_str()]);
    }
}
