//! Where a long document may be cut so that its pieces have the same ids as the whole.
//!
//! After `x\n` and before a letter, x a visible ASCII character. No pre-token of the byte-level patterns in
//! [`super::shape`] reaches across: none has a newline before a letter; and the newline, which follows no other
//! whitespace, is a pre-token by itself or the end of one, whether a letter or the end of the text comes after it.
//! `BertPreTokenizer` drops whitespace. For other tokenizers, `shape` shows that no token spans the place.
//! Nor do ASCII characters compose with what is before them.

/// Longer texts are cut.
pub(super) const LONG: usize = 48 * 1024;
/// A piece is at least so long: fast engines start threads of their own from 64 KiB on, which are not ours to count.
const PIECE: usize = 24 * 1024;

/// The pieces of `text`, in order; one, where there is no place to cut.
pub(super) fn of(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some(end) = end(text.as_bytes()) else { return Some(text) };
        let (piece, after) = text.split_at(end);
        rest = Some(after);
        Some(piece)
    })
}

/// The first place to cut after [`PIECE`] bytes; none when little would be left, or when there is none.
fn end(text: &[u8]) -> Option<usize> {
    let is_cut = |bytes: &[u8]| bytes[0].is_ascii_graphic() && bytes[1] == b'\n' && bytes[2].is_ascii_alphabetic();
    if text.len() <= LONG {
        return None;
    }
    Some(PIECE + text[PIECE - 2..].windows(3).position(is_cut)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_after_lines_and_lose_nothing() {
        let line = |n: usize| format!("{}{}\n", "a wörd ".repeat(n % 9), "x".repeat(n % 4));
        let text: String = (0..9000).map(line).collect();
        let pieces: Vec<&str> = of(&text).collect();
        assert!(pieces.len() > 5 && pieces.concat() == text);
        for piece in &pieces[..pieces.len() - 1] {
            assert!(piece.len() >= PIECE && piece.len() < LONG && piece.ends_with("x\n"));
        }
        let unbroken = "x \n\n".repeat(LONG);
        assert_eq!(of(&unbroken).collect::<Vec<_>>(), [unbroken.as_str()]);
        assert_eq!(of("").collect::<Vec<_>>(), [""]);
    }
}
