//! What each vocabulary id stands for: its token, the bytes of text behind it, and whether it is special.
//!
//! Three ways of spelling are undone: byte-level (every byte as a printable character), WordPiece (`##`), and
//! SentencePiece (`▁` for a space, `<0xNN>` for a byte). Added tokens are spelled as they are.

use std::fmt::Write as _;

use serde_json::Value;
use tokenizers::{ModelWrapper, Tokenizer};

/// All ids of a tokenizer, dense from 0; ids that no token has are holes.
#[derive(Debug)]
pub struct Vocabulary {
    entries: Vec<Option<Entry>>,
    size: u64,
}

#[derive(Debug)]
struct Entry {
    token: Box<str>,
    bytes: Box<[u8]>,
    special: bool,
}

impl Vocabulary {
    /// Reads the vocabulary, added tokens included. `template` are the ids that the post-processor
    /// adds: special, whatever their entry says.
    pub(crate) fn new(tokenizer: &Tokenizer, max_id: u32, template: &[u32]) -> Self {
        let spelling = Spelling::of(tokenizer);
        let added = tokenizer.get_added_vocabulary().get_added_tokens_decoder();
        let entry = |id: u32| {
            let token = tokenizer.id_to_token(id)?;
            let added = added.get(&id);
            let bytes = match added {
                Some(_) => token.as_bytes().to_vec(),
                None => spelling.bytes(&token),
            };
            let special = added.is_some_and(|added| added.special) || template.contains(&id);
            Some(Entry { token: token.into(), bytes: bytes.into(), special })
        };
        let size = tokenizer.get_vocab_size(true) as u64;
        Self { entries: (0..=max_id).map(entry).collect(), size }
    }

    /// Number of tokens, added ones included.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// One more than the largest id.
    pub fn id_count(&self) -> usize {
        self.entries.len()
    }

    /// Whether a token has the id.
    pub fn has(&self, id: u32) -> bool {
        self.entry(id).is_some()
    }

    /// The token as the vocabulary spells it, `Ġthe` for example; empty for a hole.
    pub fn token(&self, id: u32) -> &str {
        self.entry(id).map_or("", |entry| &entry.token)
    }

    /// The text behind the id, which need not be whole UTF-8.
    pub fn bytes(&self, id: u32) -> &[u8] {
        self.entry(id).map_or(&[], |entry| &entry.bytes)
    }

    /// Whether `tokenizer.json` calls the id special, or adds it around a sequence.
    pub fn is_special(&self, id: u32) -> bool {
        self.entry(id).is_some_and(|entry| entry.special)
    }

    fn entry(&self, id: u32) -> Option<&Entry> {
        self.entries.get(id as usize)?.as_ref()
    }
}

/// Bytes for a person: what is not whole UTF-8 as `<0xNN>`, never as a replacement character.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "<0x{byte:02X}>");
        }
    }
    text
}

/// How the tokens of a vocabulary are written.
#[derive(Debug, Default, PartialEq, Eq)]
struct Spelling {
    byte_level: bool,
    byte_fallback: bool,
    /// Before a token that continues a word.
    prefix: Option<String>,
    /// After a token that ends a word.
    suffix: Option<String>,
    /// In place of a space.
    space: Option<char>,
}

impl Spelling {
    fn of(tokenizer: &Tokenizer) -> Self {
        let mut spelling = Self::default();
        // The parts keep their fields to themselves, but not their JSON.
        let parts =
            [serde_json::to_value(tokenizer.get_decoder()), serde_json::to_value(tokenizer.get_pre_tokenizer())];
        for part in parts.iter().flatten() {
            spelling.read(part);
        }
        match tokenizer.get_model() {
            ModelWrapper::BPE(model) => {
                spelling.byte_fallback |= model.byte_fallback;
                spelling.prefix = spelling.prefix.take().or_else(|| model.continuing_subword_prefix.clone());
                spelling.suffix = spelling.suffix.take().or_else(|| model.end_of_word_suffix.clone());
            }
            ModelWrapper::WordPiece(model) => spelling.prefix = Some(model.continuing_subword_prefix.clone()),
            ModelWrapper::WordLevel(_) | ModelWrapper::Unigram(_) => {}
        }
        spelling.prefix.take_if(|prefix| prefix.is_empty());
        spelling.suffix.take_if(|suffix| suffix.is_empty());
        spelling
    }

    /// Takes what a decoder or pre-tokenizer says, those inside a sequence too.
    fn read(&mut self, part: &Value) {
        let text = |key: &str| part.get(key).and_then(Value::as_str);
        match text("type") {
            Some("ByteLevel") => self.byte_level = true,
            Some("ByteFallback") => self.byte_fallback = true,
            Some("Metaspace") => self.space = text("replacement").and_then(|text| text.chars().next()),
            Some("BPEDecoder") => self.suffix = text("suffix").map(str::to_owned),
            Some("Replace") if text("content") == Some(" ") => {
                let from = part.pointer("/pattern/String").and_then(Value::as_str);
                self.space = from.and_then(|text| text.chars().next()).or(self.space);
            }
            Some("Sequence") => {
                let inner = part.get("decoders").or_else(|| part.get("pretokenizers")).and_then(Value::as_array);
                inner.into_iter().flatten().for_each(|part| self.read(part));
            }
            _ => {}
        }
    }

    fn bytes(&self, token: &str) -> Vec<u8> {
        if self.byte_level {
            // A token with a character outside the alphabet stands for itself, as the library's decoder has it.
            return token.chars().map(byte_of).collect::<Option<_>>().unwrap_or_else(|| token.as_bytes().to_vec());
        }
        if self.byte_fallback
            && let Some(byte) = fallback_byte(token)
        {
            return vec![byte];
        }
        let mut text = match &self.prefix {
            Some(prefix) => token.strip_prefix(prefix.as_str()).unwrap_or(token).to_owned(),
            None => token.to_owned(),
        };
        if let Some(suffix) = &self.suffix
            && let Some(word) = text.strip_suffix(suffix.as_str())
        {
            text = format!("{word} ");
        }
        if let Some(space) = self.space {
            text = text.replace(space, " ");
        }
        text.into_bytes()
    }
}

/// The byte that a character of the byte-level alphabet stands for: printable Latin-1 bytes stand for themselves,
/// the other 68 follow from U+0100 in order (`bytes_to_unicode` of GPT-2's encoder.py).
fn byte_of(c: char) -> Option<u8> {
    let code = u32::from(c);
    let byte = match code {
        0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF => code,
        0x100..=0x120 => code - 0x100,
        0x121..=0x142 => code - 0x121 + 0x7F,
        0x143 => 0xAD,
        _ => return None,
    };
    u8::try_from(byte).ok()
}

/// `<0xNN>` of a SentencePiece vocabulary.
fn fallback_byte(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_byte_level_alphabet_covers_every_byte_once() {
        let bytes: Vec<u8> = (0..=0x200).filter_map(char::from_u32).filter_map(byte_of).collect();
        assert_eq!(bytes.len(), 256);
        assert_eq!(bytes.into_iter().collect::<BTreeSet<_>>().len(), 256);
        assert_eq!((byte_of('Ġ'), byte_of('Ċ'), byte_of('Ń')), (Some(b' '), Some(b'\n'), Some(0xAD)));
    }

    #[test]
    fn spellings_are_undone() {
        let word_piece = Spelling { prefix: Some("##".into()), ..Spelling::default() };
        assert_eq!((word_piece.bytes("##ing"), word_piece.bytes("play")), (b"ing".to_vec(), b"play".to_vec()));
        let sentence_piece = Spelling { space: Some('▁'), byte_fallback: true, ..Spelling::default() };
        assert_eq!(sentence_piece.bytes("▁the"), b" the");
        assert_eq!(sentence_piece.bytes("<0xE4>"), [0xE4]);
        assert_eq!(sentence_piece.bytes("<0xE4>x"), b"<0xE4>x");
        let end_of_word = Spelling { suffix: Some("</w>".into()), ..Spelling::default() };
        assert_eq!(end_of_word.bytes("ing</w>"), b"ing ");
        let byte_level = Spelling { byte_level: true, ..Spelling::default() };
        assert_eq!(byte_level.bytes("Ġthe"), b" the");
        assert_eq!(byte_level.bytes("Ã©"), "é".as_bytes());
        assert_eq!(byte_level.bytes("日"), "日".as_bytes());
    }

    #[test]
    fn broken_utf8_is_shown_as_bytes() {
        assert_eq!(printable(b"a\xE4\xBDb"), "a<0xE4><0xBD>b");
        assert_eq!(printable("é日".as_bytes()), "é日");
        assert_eq!(printable(b"\xFF"), "<0xFF>");
    }
}
