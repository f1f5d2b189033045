//! The ids of a short part of a word in plain ASCII, by the rules of the models themselves.
//!
//! A library takes a microsecond for a call, however short the text, and most words that nobody saw before fall into
//! parts that are no longer than this. What is here is what the reference does with one: WordPiece takes the longest piece
//! that fits, again and again; BPE merges the pair of lowest rank, of two the left one; Unigram takes the best path.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::Kind;
use super::cuts::Space;
use super::shape;

/// Characters of a part, its mark included: those of a machine word.
const LONGEST: usize = 16;
/// Stands for the mark that begins a word.
const MARK: u8 = b' ';
/// Begins a piece of WordPiece that goes on inside a word.
const INSIDE: u8 = 1;
const NO_ID: u32 = u32::MAX;

/// Encodes parts of words.
pub(super) struct Short {
    model: Model,
    /// Pieces of so many characters at most, and the beginnings of all of them.
    pieces: FxHashMap<u128, Piece>,
    /// What the normaliser makes of each ASCII character; 0 where the rules here do not do.
    becomes: [u8; 128],
    space: Space,
}

enum Model {
    WordPiece,
    /// Rank and outcome of each pair of ids.
    Bpe(FxHashMap<(u32, u32), (u32, u32)>),
    Unigram,
}

#[derive(Clone, Copy)]
struct Piece {
    /// None of a beginning only.
    id: u32,
    score: f64,
}

/// A part, its characters as the vocabulary has them.
struct Part {
    characters: [u8; LONGEST],
    length: usize,
}

impl Short {
    /// Of a `tokenizer.json` that [`shape`] knows. `becomes` says what its normaliser makes of a character.
    pub(super) fn of(json: &Value, kind: Kind, space: Space, becomes: impl Fn(u8) -> Option<u8>) -> Option<Self> {
        let mut short = Self { model: Model::Unigram, pieces: FxHashMap::default(), becomes: [0; 128], space };
        for character in b'!'..=b'~' {
            short.becomes[usize::from(character)] = becomes(character).unwrap_or(0);
        }
        for found in shape::found_first(json) {
            short.leave_out(found)?;
        }
        let model = json.get("model")?;
        match kind {
            Kind::ByteLevelBpe => return None,
            // A shorter word might be too long for it.
            Kind::WordPiece if model["max_input_chars_per_word"].as_u64()? < LONGEST as u64 => return None,
            Kind::WordPiece => {
                short.model = Model::WordPiece;
                let prefix = model["continuing_subword_prefix"].as_str()?;
                for (piece, id) in model["vocab"].as_object()? {
                    match piece.strip_prefix(prefix).filter(|_| !prefix.is_empty()) {
                        Some(inside) => short.add(&[&[INSIDE], inside.as_bytes()].concat(), id, 0.0)?,
                        None => short.add(piece.as_bytes(), id, 0.0)?,
                    }
                }
            }
            Kind::SentencePieceBpe => {
                // Longer ones are made of these.
                for (piece, id) in model["vocab"].as_object()?.iter().filter(|(piece, _)| piece.chars().count() == 1) {
                    short.add(&marked(piece), id, 0.0)?;
                }
                short.model = Model::Bpe(merges(model)?);
            }
            Kind::Unigram => {
                for (id, piece) in model["vocab"].as_array()?.iter().enumerate() {
                    short.add(&marked(piece[0].as_str()?), &id.into(), piece[1].as_f64()?)?;
                }
            }
        }
        Some(short)
    }

    /// What is found in a text before the model sees it is not for these rules.
    fn leave_out(&mut self, found: &str) -> Option<()> {
        let first = *found.as_bytes().first()?;
        if first.is_ascii_graphic() {
            for first in [first.to_ascii_lowercase(), first.to_ascii_uppercase()] {
                self.becomes[usize::from(first)] = 0;
            }
        }
        // With letters all words would be left out, and behind a mark any may follow.
        let is_run = found.chars().all(|c| found.starts_with(c)) && found.chars().nth(1).is_some();
        let is_word = first.is_ascii_alphanumeric() || (found.starts_with([' ', '▁']) && !is_run);
        (!is_word).then_some(())
    }

    fn add(&mut self, piece: &[u8], id: &Value, score: f64) -> Option<()> {
        if !is_plain(piece) {
            return Some(());
        }
        let id = u32::try_from(id.as_u64()?).ok()?;
        let mut key = 0;
        for (place, byte) in piece.iter().enumerate() {
            key |= u128::from(*byte) << (8 * place);
            let beginning = self.pieces.entry(key).or_insert(Piece { id: NO_ID, score: 0.0 });
            if place + 1 == piece.len() {
                *beginning = Piece { id, score };
            }
        }
        Some(())
    }

    /// Appends the ids of a part, which has its mark if it begins a word; false, and nothing, where it takes a library.
    #[inline]
    pub(super) fn encode(&self, part: &[u8], begins_word: bool, out: &mut Vec<u32>) -> bool {
        let before = out.len();
        let is_done = self.part(part, begins_word).is_some_and(|part| match &self.model {
            Model::WordPiece => self.longest_pieces(&part, out),
            Model::Bpe(merges) => self.merged(&part, merges, out),
            Model::Unigram => self.best_path(&part, out),
        });
        if !is_done {
            out.truncate(before);
        }
        is_done
    }

    fn part(&self, mut text: &[u8], begins_word: bool) -> Option<Part> {
        let mut part = Part { characters: [0; LONGEST], length: 0 };
        let has_mark = match self.space {
            Space::Forgotten => false,
            Space::Marked if begins_word => true,
            Space::Marked | Space::Kept => text.strip_prefix(b" ").inspect(|rest| text = rest).is_some(),
        };
        if has_mark {
            part.push(MARK)?;
        }
        if text.is_empty() {
            return None;
        }
        for byte in text {
            let becomes = *self.becomes.get(usize::from(*byte))?;
            part.push((becomes != 0).then_some(becomes)?)?;
        }
        Some(part)
    }

    /// The pieces that fit from `start` on, the shortest first, and where each ends.
    #[inline]
    fn fitting(&self, part: &Part, start: usize, inside: bool) -> impl Iterator<Item = (usize, Piece)> {
        let (mut key, mut place) = if inside { (u128::from(INSIDE), 1) } else { (0, 0) };
        let rest = part.characters[start..part.length].iter().enumerate();
        let beginnings = rest.map_while(move |(n, byte)| {
            // A piece is as long as a machine word at most.
            key |= u128::from(*byte).checked_shl(8 * place).filter(|_| place < 16)?;
            place += 1;
            self.pieces.get(&key).map(|piece| (start + n + 1, *piece))
        });
        beginnings.filter(|(_, piece)| piece.id != NO_ID)
    }

    fn longest_pieces(&self, part: &Part, out: &mut Vec<u32>) -> bool {
        let characters = &part.characters[..part.length];
        if part.length > 1 && !characters.iter().all(u8::is_ascii_alphanumeric) {
            return false;
        }
        let mut start = 0;
        while start < part.length {
            let Some((end, piece)) = self.fitting(part, start, start > 0).last() else { return false };
            out.push(piece.id);
            start = end;
        }
        true
    }

    fn merged(&self, part: &Part, merges: &FxHashMap<(u32, u32), (u32, u32)>, out: &mut Vec<u32>) -> bool {
        const NEVER: (u32, u32) = (u32::MAX, NO_ID);
        let (mut ids, mut count) = ([NO_ID; LONGEST], part.length);
        for (id, character) in ids.iter_mut().zip(&part.characters[..count]) {
            let Some(piece) = self.pieces.get(&u128::from(*character)) else { return false };
            *id = piece.id;
        }
        if ids[..count].contains(&NO_ID) {
            return false;
        }
        let merge = |ids: &[u32], at: usize| merges.get(&(ids[at], ids[at + 1])).copied().unwrap_or(NEVER);
        // Of each id with the one behind it.
        let mut next = [NEVER; LONGEST];
        for (at, pair) in next.iter_mut().enumerate().take(count - 1) {
            *pair = merge(&ids, at);
        }
        loop {
            let pairs = next[..count - 1].iter().enumerate();
            // The first of the lowest.
            let Some((at, (_, id))) = pairs.min_by_key(|(_, (rank, _))| *rank).filter(|(_, pair)| **pair != NEVER)
            else {
                break;
            };
            ids[at] = *id;
            ids.copy_within(at + 2..count, at + 1);
            next.copy_within(at + 1..count, at);
            count -= 1;
            next[count - 1] = NEVER;
            if at + 1 < count {
                next[at] = merge(&ids, at);
            }
            if at > 0 {
                next[at - 1] = merge(&ids, at - 1);
            }
        }
        out.extend_from_slice(&ids[..count]);
        true
    }

    fn best_path(&self, part: &Part, out: &mut Vec<u32>) -> bool {
        #[derive(Clone, Copy)]
        struct Node {
            start: usize,
            id: u32,
            score: f64,
        }
        let mut nodes = [Node { start: 0, id: NO_ID, score: 0.0 }; LONGEST + 1];
        for start in 0..part.length {
            let (score, mut has_single) = (nodes[start].score, false);
            for (end, piece) in self.fitting(part, start, false) {
                let node = &mut nodes[end];
                let candidate = piece.score + score;
                // As the reference compares them: of equal paths the first one found stays.
                if node.id == NO_ID || candidate > node.score {
                    *node = Node { start, id: piece.id, score: candidate };
                }
                has_single |= end == start + 1;
            }
            if !has_single {
                return false;
            }
        }
        let (mut end, before) = (part.length, out.len());
        while end > 0 {
            let Node { start, id, .. } = nodes[end];
            out.push(id);
            end = start;
        }
        out[before..].reverse();
        true
    }
}

impl Part {
    fn push(&mut self, character: u8) -> Option<()> {
        *self.characters.get_mut(self.length)? = character;
        self.length += 1;
        Some(())
    }
}

/// Whether a piece may be one of a part.
fn is_plain(piece: &[u8]) -> bool {
    !piece.is_empty() && piece.len() <= LONGEST && piece.iter().skip(1).all(u8::is_ascii_graphic)
}

/// The mark of SentencePiece as one byte.
fn marked(piece: &str) -> Vec<u8> {
    match piece.strip_prefix('▁') {
        Some(rest) => [&[MARK], rest.as_bytes()].concat(),
        // A space is no mark.
        None if piece.starts_with(' ') => Vec::new(),
        None => piece.as_bytes().to_vec(),
    }
}

fn merges(model: &Value) -> Option<FxHashMap<(u32, u32), (u32, u32)>> {
    let vocab = model["vocab"].as_object()?;
    let id = |piece: &str| vocab.get(piece).and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    let mut merges = FxHashMap::default();
    for (rank, merge) in model["merges"].as_array()?.iter().enumerate() {
        let (left, right) = match merge {
            Value::String(pair) => pair.split_once(' ')?,
            pair => (pair[0].as_str()?, pair[1].as_str()?),
        };
        let both = [left, right].concat();
        if is_plain(&marked(&both)) {
            merges.insert((id(left)?, id(right)?), (u32::try_from(rank).ok()?, id(&both)?));
        }
    }
    Some(merges)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ids(json: &Value, kind: Kind, space: Space, part: &str, begins_word: bool) -> Option<Vec<u32>> {
        let short = Short::of(json, kind, space, |character| Some(character.to_ascii_lowercase())).unwrap();
        let mut out = vec![99];
        let is_done = short.encode(part.as_bytes(), begins_word, &mut out);
        assert_eq!(out.remove(0), 99);
        assert!(is_done || out.is_empty(), "nothing is left behind");
        is_done.then_some(out)
    }

    #[test]
    fn word_piece_takes_the_longest_piece() {
        let vocab =
            json!({"mi": 0, "mill": 1, "##s": 2, "##st": 3, "##o": 4, "##one": 5, "-": 6, "##-": 7, "[SEP]": 8});
        let json = json!({"added_tokens": [{"content": "[SEP]"}],
            "model": {"vocab": vocab, "continuing_subword_prefix": "##", "max_input_chars_per_word": 100}});
        let ids = |part| ids(&json, Kind::WordPiece, Space::Forgotten, part, true);
        assert_eq!(ids("Millstone"), Some(vec![1, 3, 5]));
        assert_eq!(ids("-"), Some(vec![6]));
        // Unknown, more than a word, an added token, too long.
        assert!(
            ["millx", "mi-", "[SEP]", "é", "", "mi mi", "millsssssssssssss"].iter().all(|part| ids(part).is_none())
        );
    }

    #[test]
    fn bpe_merges_the_lowest_rank_and_the_left_of_equals() {
        let vocab = json!({"▁": 0, "a": 1, "b": 2, "aa": 3, "▁a": 4, "ab": 5, "aab": 6, "▁aab": 7});
        for merges in [json!(["a a", "aa b", "a b", "▁ a"]), json!([["a", "a"], ["aa", "b"], ["a", "b"], ["▁", "a"]])]
        {
            let json = json!({"model": {"vocab": vocab, "merges": merges}});
            let ids = |space, part, begins| ids(&json, Kind::SentencePieceBpe, space, part, begins);
            assert_eq!(ids(Space::Marked, "aaab", true), Some(vec![0, 3, 5]));
            assert_eq!(ids(Space::Marked, "aab", false), Some(vec![6]));
            assert_eq!(ids(Space::Kept, " ab", true), Some(vec![0, 5]));
            assert_eq!(ids(Space::Kept, "ab", true), Some(vec![5]));
            assert!(["c", " ", "a b", "<"].iter().all(|part| ids(Space::Kept, part, true).is_none()));
        }
    }

    #[test]
    fn unigram_takes_the_best_path_and_of_equal_ones_the_first() {
        let vocab =
            json!([["<unk>", 0.0], ["▁", -1.0], ["a", -2.0], ["b", -2.0], ["aa", -3.0], ["▁a", -4.0], ["ab", -3.5]]);
        let json = json!({"added_tokens": [{"content": "<unk>"}], "model": {"vocab": vocab, "unk_id": 0}});
        let ids = |part, begins| ids(&json, Kind::Unigram, Space::Marked, part, begins);
        assert_eq!(ids("ab", true), Some(vec![1, 6]));
        // `a aa` was found before `aa a`, as what ends sooner is gone on from first.
        assert_eq!(ids("aaa", false), Some(vec![2, 4]));
        assert_eq!(ids("c", true), None);
        assert_eq!(ids("<unk>", true), None);
    }
}
