//! Where a word falls into parts whose ids, one after the other, are those of the word.
//!
//! A word that was not seen before is mostly one that was, beside another comma or bracket. Two ASCII characters may be
//! parted where nothing that a tokenizer looks for holds both: no pre-token, no token of the vocabulary, no added token.
//! Then merges on one side do not depend on the other, and neither does the best path through pieces, as long as their
//! scores add up without rounding.

use std::fmt;

use serde_json::Value;

/// Bytes of a word in which scores add up, see [`Parts::outside_scored`].
pub(super) const LONGEST_SCORED: usize = 1 << 10;

/// For each ASCII character a bit for each that may be parted from it when it follows.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Parts(Box<[u128; 128]>);

impl Parts {
    /// Nothing is parted.
    pub(super) fn none() -> Self {
        Self(Box::new([0; 128]))
    }

    /// Around each punctuation mark.
    pub(super) fn around_punctuation() -> Self {
        let is_mark = |byte: u8| byte.is_ascii_punctuation();
        Self::of_pairs(|before, after| {
            (is_mark(before) || is_mark(after)) && before.is_ascii_graphic() && after.is_ascii_graphic()
        })
    }

    /// Between visible characters, spaces and newlines that stand beside each other in no token, whatever their case, and
    /// are not unknown to a tokenizer that spells by bytes what has no token.
    pub(super) fn outside<'a>(tokens: impl Iterator<Item = &'a str> + Clone) -> Self {
        let byte = |token: &str| match token.as_bytes() {
            [byte] => Some(*byte),
            // One that has no token itself is spelled by its byte.
            [b'<', b'0', b'x', digits @ .., b'>'] => u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok(),
            _ => None,
        };
        let known = tokens.clone().filter_map(byte).filter(|byte| byte.is_ascii_graphic() || b" \n".contains(byte));
        Self::between(known, tokens)
    }

    /// Between these characters, where no token has both.
    fn between<'a>(characters: impl Iterator<Item = u8>, tokens: impl Iterator<Item = &'a str>) -> Self {
        let mut known = [false; 128];
        for byte in characters.filter(u8::is_ascii) {
            known[usize::from(byte)] = true;
        }
        let is_known = |byte: u8| known[usize::from(byte)];
        let mut parts = Self::of_pairs(|before, after| is_known(before) && is_known(after));
        tokens.for_each(|token| parts.hold_together(token));
        parts
    }

    /// Between visible characters that are pieces and stand together in none. What is added up before must not change
    /// how two paths compare, so scores that do not add up without rounding part nothing.
    pub(super) fn outside_scored(pieces: &[Value]) -> Self {
        // 36 binary places, 6 before them, and 10 for so many pieces as a word may have: less than the 53 of a float.
        const PLACES: f64 = 68_719_476_736.0;
        let adds_up = |score: f64| score.abs() <= 64.0 && (score * PLACES).fract() == 0.0;
        if !pieces.iter().all(|piece| piece[1].as_f64().is_some_and(adds_up)) {
            return Self::none();
        }
        let pieces = pieces.iter().filter_map(|piece| piece[0].as_str());
        let single = pieces.clone().filter_map(|piece| <[u8; 1]>::try_from(piece.as_bytes()).ok());
        Self::between(single.map(|[byte]| byte).filter(u8::is_ascii_graphic), pieces)
    }

    fn of_pairs(may_part: impl Fn(u8, u8) -> bool) -> Self {
        let mut parts = Self::none();
        for before in 0..128 {
            for after in (0..128).filter(|after| may_part(before, *after)) {
                parts.0[usize::from(before)] |= 1 << after;
            }
        }
        parts
    }

    /// No two characters that stand beside each other in `text`, in upper or lower case, are parted.
    pub(super) fn hold_together(&mut self, text: &str) {
        for pair in text.as_bytes().windows(2) {
            let [before, after] = [pair[0], pair[1]];
            if before.is_ascii() && after.is_ascii() {
                for before in [before.to_ascii_lowercase(), before.to_ascii_uppercase()] {
                    self.0[usize::from(before)] &= !(1 << after.to_ascii_lowercase() | 1 << after.to_ascii_uppercase());
                }
            }
        }
    }

    /// Nothing ends or begins at the ends of `token`, nor inside.
    pub(super) fn leave_alone(&mut self, token: &str) {
        self.hold_together(token);
        let cases = |byte: u8| [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()].into_iter().filter(u8::is_ascii);
        for first in token.bytes().next().into_iter().flat_map(cases) {
            self.0.iter_mut().for_each(|after| *after &= !(1 << first));
        }
        for last in token.bytes().next_back().into_iter().flat_map(cases) {
            self.0[usize::from(last)] = 0;
        }
    }

    /// Whether `after` begins another part than `before`, which it follows.
    #[inline]
    pub(super) fn part(&self, before: u8, after: u8) -> bool {
        before.is_ascii() && after.is_ascii() && self.0[usize::from(before)] >> after & 1 != 0
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: u32 = self.0.iter().map(|after| after.count_ones()).sum();
        write!(f, "Parts({pairs} pairs)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parted(parts: &Parts, text: &str) -> String {
        let bytes = text.as_bytes();
        let ends = |at: &usize| parts.part(bytes[at - 1], bytes[*at]);
        let mut places: Vec<usize> = (1..text.len()).filter(ends).collect();
        places.insert(0, 0);
        places.push(text.len());
        places.windows(2).map(|place| &text[place[0]..place[1]]).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn words_are_parted_where_no_token_holds_them() {
        let mut parts = Parts::around_punctuation();
        assert_eq!(parted(&parts, "(the_mill's-é.b\u{301})..."), "(|the|_|mill|'|s|-é.|b\u{301})|.|.|.");
        parts.leave_alone("[SEP]");
        assert_eq!(parted(&parts, "a-[SEP]-b[sep]x[1],"), "a|-[SEP]-|b[sep]x[|1|],");

        let tokens = ["a", "b", ".", "(", "ab", "()", "é.", "▁a"];
        let parts = Parts::outside(tokens.into_iter());
        assert_eq!(parted(&parts, "ab.ba(a)ABé.."), "ab|.|b|a|(|a)ABé.|.");
        assert_eq!(parted(&Parts::none(), "a.b"), "a.b");

        let spelled = Parts::outside(["a", "<0x0A>", "<0x7E>", " a", " "].into_iter());
        assert_eq!(parted(&spelled, "a\na~ a  a"), "a|\n|a|~| a| | a");
        let scored =
            |score: f64| [json!(["a", -1.5]), json!(["\n", -2.0]), json!([".", score]), json!(["<0x7E>", -1.0])];
        assert_eq!(parted(&Parts::outside_scored(&scored(-3.25)), "a.a\na~"), "a|.|a\na~");
        assert_eq!(parted(&Parts::outside_scored(&scored(-0.1)), "a.a"), "a.a");
    }
}
