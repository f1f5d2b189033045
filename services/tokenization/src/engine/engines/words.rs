//! The ids of words that were seen before: text repeats its words, and a slow engine takes many times as long to
//! encode one as it takes to look one up.
//!
//! A word is compared with the whole of what is kept, so that a wrong id is not possible; one that is too long, or has
//! too many ids, is encoded each time.

use std::hint::black_box;
use std::ops::Range;

use super::cuts::{Cuts, Space};
use super::short::Short;
use crate::engine::encode::EncodeError;

/// Words that are looked up together, so that none waits for what another reads from memory.
const TOGETHER: usize = 32;
/// Text between two looks at the stop flag.
const STOP_BYTES: usize = 64 * 1024;

/// What stands behind the last id of a word; no vocabulary is so large.
const NONE: u32 = u32::MAX;

/// The words that one thread has seen; grows to 8 MiB as they come.
pub(super) struct Words {
    /// Words below 16 bytes of at most four ids, which most are: a pair is a line of the processor's cache.
    short: Table<2, 4>,
    /// Words below 48 bytes: names in code, addresses.
    long: Table<6, 20>,
    /// Of each ASCII character, how many ids it has as a text; 0 as long as nobody asked.
    of_character: [u8; 128],
}

/// How a text is encoded.
pub(super) struct Rules<'a> {
    pub(super) cuts: &'a Cuts,
    /// For parts that need no library.
    pub(super) short: Option<&'a Short>,
    pub(super) stop: &'a dyn Fn() -> bool,
}

/// Pairs of places; a word is in one of the two of its pair.
struct Table<const KEY: usize, const IDS: usize> {
    pairs: Vec<Pair<KEY, IDS>>,
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Pair<const KEY: usize, const IDS: usize>([Entry<KEY, IDS>; 2]);

#[derive(Clone, Copy)]
struct Entry<const KEY: usize, const IDS: usize> {
    /// No word has the key of an empty place, as no word is empty.
    word: Key<KEY>,
    /// Filled up with [`NONE`].
    ids: [u32; IDS],
}

/// A word, filled up with zeros; its length, and its place in the highest bit, in the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key<const N: usize>([u64; N]);

/// Where a word or a part of one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Where its ids are those of a text.
    Word,
    /// Behind another part, where it lacks the mark of a text.
    Inside,
}

/// On the way to its ids.
#[derive(Clone, Copy, Default)]
struct Word {
    start: usize,
    end: usize,
    key: Option<Key<2>>,
    pair: usize,
}

impl Words {
    pub(super) fn new() -> Self {
        Self { short: Table::new(1 << 17), long: Table::new(1 << 15), of_character: [0; 128] }
    }

    /// Appends the ids of all words of `text`, in order, what was not seen of them as `unseen` encodes it. Asks `stop`
    /// inside a long text.
    pub(super) fn encode(
        &mut self,
        text: &str,
        rules: &Rules<'_>,
        out: &mut Vec<u32>,
        mut unseen: impl FnMut(&str, &mut Vec<u32>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let (mut words, mut some, mut unwatched) = (rules.cuts.words(text), [Word::default(); TOGETHER], 0);
        loop {
            let (mut count, mut touched) = (0, 0);
            for (place, Range { start, end }) in some.iter_mut().zip(words.by_ref()) {
                let key = Key::of(text.as_bytes(), start, end, Place::Word);
                let pair = key.map_or(0, |key| self.short.pair(key));
                *place = Word { start, end, key, pair };
                // On its way into the processor's cache while the next words are looked for.
                touched ^= self.short.touch(pair);
                count += 1;
            }
            black_box(touched);
            let Some(last) = some[..count].last() else { return Ok(()) };
            if last.end - unwatched > STOP_BYTES {
                unwatched = last.end;
                if (rules.stop)() {
                    return Err(EncodeError::Stopped);
                }
            }
            for Word { start, end, key, pair } in some[..count].iter().copied() {
                if key.is_some_and(|key| self.short.find(key, pair, out)) {
                    continue;
                }
                let (before, long) = (out.len(), Key::of(text.as_bytes(), start, end, Place::Word));
                if long.is_some_and(|long| self.long.find(long, self.long.pair(long), out)) {
                    continue;
                }
                self.parts(text, start..end, rules, out, &mut unseen)?;
                self.keep(key, long, &out[before..]);
            }
        }
    }

    /// Appends the ids of a word that was not seen, part by part.
    fn parts(
        &mut self,
        text: &str,
        word: Range<usize>,
        rules: &Rules<'_>,
        out: &mut Vec<u32>,
        unseen: &mut impl FnMut(&str, &mut Vec<u32>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let mut unwatched = word.start;
        for part in rules.cuts.parts(text, word.clone()) {
            if part.end - unwatched > STOP_BYTES {
                unwatched = part.end;
                if (rules.stop)() {
                    return Err(EncodeError::Stopped);
                }
            }
            let begins = part.start == word.start;
            let by_rules = |out: &mut Vec<u32>| {
                rules.short.is_some_and(|short| short.encode(&text.as_bytes()[part.clone()], begins, out))
            };
            if part == word {
                return if by_rules(out) { Ok(()) } else { unseen(&text[part.clone()], out) };
            }
            let is_marked = rules.cuts.space() == Space::Marked;
            let place = if is_marked && !begins { Place::Inside } else { Place::Word };
            let short = Key::of(text.as_bytes(), part.start, part.end, place);
            if short.is_some_and(|short| self.short.find(short, self.short.pair(short), out)) {
                continue;
            }
            let long = Key::of(text.as_bytes(), part.start, part.end, place);
            if long.is_some_and(|long| self.long.find(long, self.long.pair(long), out)) {
                continue;
            }
            let before = out.len();
            match place {
                _ if by_rules(out) => {}
                Place::Word => unseen(&text[part], out)?,
                // Behind the character before it, which takes the mark.
                Place::Inside => {
                    let behind = part.start - 1;
                    let of_character = &mut self.of_character[usize::from(text.as_bytes()[behind] & 127)];
                    if *of_character == 0 {
                        unseen(&text[behind..part.start], out)?;
                        *of_character = u8::try_from(out.len() - before).unwrap_or(u8::MAX);
                        out.truncate(before);
                    }
                    unseen(&text[behind..part.end], out)?;
                    let end = (before + usize::from(*of_character)).min(out.len());
                    out.drain(before..end);
                }
            }
            self.keep(short, long, &out[before..]);
        }
        Ok(())
    }

    /// In the smaller place in which there is room for them, if there is one.
    fn keep(&mut self, short: Option<Key<2>>, long: Option<Key<6>>, ids: &[u32]) {
        if !short.is_some_and(|short| self.short.keep(short, ids)) {
            let _ = long.is_some_and(|long| self.long.keep(long, ids));
        }
    }
}

impl<const N: usize> Key<N> {
    /// Of the word from `start` to `end`; none when it is too long to be kept.
    #[inline]
    fn of(text: &[u8], start: usize, end: usize, place: Place) -> Option<Self> {
        let length = end - start;
        if length >= N * 8 {
            return None;
        }
        let mut copy = [0; 48];
        // Whole machine words are read where the text goes on, and what is behind the word is taken away.
        let bytes = if let Some(bytes) = text.get(start..start + N * 8) {
            bytes
        } else {
            copy[..length].copy_from_slice(&text[start..end]);
            &copy[..N * 8]
        };
        let (parts, _) = bytes.as_chunks();
        let mut word: [u64; N] = std::array::from_fn(|n| u64::from_le_bytes(parts[n]) & mask(length, n));
        word[N - 1] |= (length as u64 | u64::from(place == Place::Inside) << 7) << 56;
        Some(Self(word))
    }

    #[inline]
    fn hash(self) -> u64 {
        let fold = |hash: u64, part: u64| {
            let product = u128::from(hash ^ part) * 0x9E37_79B9_7F4A_7C15;
            #[expect(clippy::cast_possible_truncation, reason = "the halves of a product, folded")]
            let (low, high) = (product as u64, (product >> 64) as u64);
            low ^ high
        };
        self.0.into_iter().fold(0, fold)
    }

    #[inline]
    fn is(self, other: Self) -> bool {
        self.0.into_iter().zip(other.0).fold(0, |all, (a, b)| all | (a ^ b)) == 0
    }
}

/// What is left of the machine word `n` of a word of so many bytes.
#[inline]
fn mask(length: usize, n: usize) -> u64 {
    match length.saturating_sub(n * 8) {
        left @ 0..8 => (1 << (left * 8)) - 1,
        _ => u64::MAX,
    }
}

impl<const KEY: usize, const IDS: usize> Table<KEY, IDS> {
    /// `places` is a power of two.
    fn new(places: usize) -> Self {
        let empty = Entry { word: Key([0; KEY]), ids: [NONE; IDS] };
        Self { pairs: vec![Pair([empty; 2]); places / 2] }
    }

    #[inline]
    fn pair(&self, word: Key<KEY>) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "a place in the table")]
        let hash = word.hash() as usize;
        hash & (self.pairs.len() - 1)
    }

    #[inline]
    fn touch(&self, pair: usize) -> u32 {
        self.pairs[pair].0[0].ids[0]
    }

    /// Appends the ids of a word, if they are kept.
    #[inline]
    fn find(&mut self, word: Key<KEY>, pair: usize, out: &mut Vec<u32>) -> bool {
        let Pair([first, second]) = &mut self.pairs[pair];
        if !first.word.is(word) {
            if !second.word.is(word) {
                return false;
            }
            // Only a word that came again takes the first place: most never do, and push out one another.
            std::mem::swap(first, second);
        }
        let end = out.len() + first.ids.iter().filter(|id| **id != NONE).count();
        // A copy of fixed length is an instruction or two; what was too much goes again.
        out.extend_from_slice(&first.ids);
        out.truncate(end);
        true
    }

    /// Keeps the ids of a word that was not found; false when they are too many.
    fn keep(&mut self, word: Key<KEY>, of_word: &[u32]) -> bool {
        let mut ids = [NONE; IDS];
        let Some(kept) = ids.get_mut(..of_word.len()) else { return false };
        kept.copy_from_slice(of_word);
        let pair = self.pair(word);
        self.pairs[pair].0[1] = Entry { word, ids };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::cuts::Space;
    use super::*;

    /// One id for each byte, so that the text can be read back.
    #[expect(clippy::unnecessary_wraps, reason = "as an engine")]
    fn spell(word: &str, out: &mut Vec<u32>) -> Result<(), EncodeError> {
        out.extend(word.bytes().map(u32::from));
        Ok(())
    }

    fn by<'a>(cuts: &'a Cuts, stop: &'a dyn Fn() -> bool) -> Rules<'a> {
        Rules { cuts, short: None, stop }
    }

    fn joined(words: impl Iterator<Item = String>) -> String {
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_of_all_lengths_keep_their_ids() {
        let cuts = Cuts::new(Space::Kept, true);
        let (mut words, mut unseen) = (Words::new(), 0);
        let lengths = || (1..60_usize).chain((1..60).rev());
        let text = joined(lengths().map(|length| "abcdefghi".repeat(7)[..length].to_owned()));
        for round in 0..3 {
            let mut out = Vec::new();
            let count = |word: &str, out: &mut Vec<u32>| {
                unseen += usize::from(round == 2);
                spell(word, out)
            };
            words.encode(&text, &by(&cuts, &|| false), &mut out, count).unwrap();
            assert_eq!(out, text.bytes().map(u32::from).collect::<Vec<_>>());
        }
        // Of the 59 lengths, each there twice, those of more than 20 bytes have too many ids to be kept.
        assert_eq!(unseen, 2 * (60 - 20));
    }

    #[test]
    fn a_word_is_itself_whatever_is_beside_it() {
        for length in 1..16 {
            let word = "q".repeat(length);
            let alone = Key::<2>::of(word.as_bytes(), 0, length, Place::Word).unwrap();
            let inside =
                Key::<2>::of(format!("x{word}yyyyyyyyyyyyyyyyyyyyyyyyyyyyy").as_bytes(), 1, 1 + length, Place::Word)
                    .unwrap();
            assert_eq!(alone, inside);
            let zeros = format!("{}\0", &word[1..]);
            assert_ne!(alone, Key::of(zeros.as_bytes(), 0, length, Place::Word).unwrap());
            assert_ne!(alone, Key::of(word.as_bytes(), 0, length, Place::Inside).unwrap());
            let zero = |end| Key::<2>::of(b"a\0\0", 0, end, Place::Word);
            assert_ne!(zero(1), zero(2));
        }
        let long = [b'q'; 48];
        assert_eq!((Key::<2>::of(&long, 0, 16, Place::Word), Key::<6>::of(&long, 0, 48, Place::Word)), (None, None));
    }

    #[test]
    fn many_words_push_out_one_another_and_never_lie() {
        let cuts = Cuts::new(Space::Kept, true);
        let mut words = Words { short: Table::new(64), long: Table::new(64), of_character: [0; 128] };
        for round in 0..3_u32 {
            let text = joined((0..5000_u32).map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761) >> (round * 7))));
            let (mut out, mut expected) = (Vec::new(), Vec::new());
            words.encode(&text, &by(&cuts, &|| false), &mut out, spell).unwrap();
            spell(&text, &mut expected).unwrap();
            assert!(out == expected);
        }
    }

    #[test]
    fn a_long_text_can_be_stopped() {
        let (cuts, asked) = (Cuts::new(Space::Kept, true), std::cell::Cell::new(0));
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() == 3
        };
        let ended = Words::new().encode(&"word ".repeat(100_000), &by(&cuts, &stop), &mut Vec::new(), spell);
        assert!(matches!(ended, Err(EncodeError::Stopped)) && asked.get() == 3);
    }
}
