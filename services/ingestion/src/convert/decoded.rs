//! Texts that are not UTF-8, as UTF-8.
//!
//! The encodings are Python's, which differ from those of web pages that go by the same names: `latin-1` has all control
//! characters, and `cp1252` has five bytes that mean nothing.

use std::{
    collections::VecDeque,
    io::{self, BufRead, Read},
};

use crate::plan::options::{Encoding, OnBadText, Options};

/// Bytes that are taken from the file at a time.
const PIECE: usize = 64 << 10;
/// No character takes more bytes.
const LONGEST: usize = 4;

/// The characters of the bytes 0x80 to 0x9f in `cp1252`; those that mean nothing are null.
const WINDOWS: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“', '”', '•',
    '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// A byte that is no text, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("byte {0} is no text")]
pub(super) struct NoText(pub u64);

/// Whether the bytes are not read as they stand.
pub(super) fn is_needed(options: &Options) -> bool {
    options.encoding != Encoding::Utf8 || options.on_bad_text != OnBadText::Fail
}

/// The bytes of a file as UTF-8.
pub(super) struct Decoded<R> {
    input: R,
    encoding: Encoding,
    on_bad_text: OnBadText,
    /// Bytes that were taken from the file and not looked at yet, and how many before them were.
    ahead: VecDeque<u8>,
    passed: u64,
    has_begun: bool,
    text: Vec<u8>,
    /// Of the text, what was read.
    read: usize,
}

impl<R: BufRead> Decoded<R> {
    pub(super) fn new(input: R, options: &Options) -> Self {
        let Options { encoding, on_bad_text, .. } = *options;
        let (ahead, text) = (VecDeque::new(), Vec::new());
        Self { input, encoding, on_bad_text, ahead, passed: 0, has_begun: false, text, read: 0 }
    }

    /// Has more text, unless the file is at its end.
    fn more(&mut self) -> io::Result<()> {
        (self.read, self.text) = (0, std::mem::take(&mut self.text));
        self.text.clear();
        while self.text.is_empty() {
            let is_end = self.take()?;
            if !self.has_begun {
                self.has_begun = true;
                self.begin();
            }
            while self.ahead.len() >= LONGEST || (is_end && !self.ahead.is_empty()) {
                self.character()?;
            }
            if is_end {
                break;
            }
        }
        Ok(())
    }

    /// Takes bytes from the file; true at its end.
    fn take(&mut self) -> io::Result<bool> {
        loop {
            let chunk = self.input.fill_buf()?;
            let taken = chunk.len().min(PIECE);
            let is_end = chunk.is_empty();
            self.ahead.extend(&chunk[..taken]);
            self.input.consume(taken);
            if is_end || self.ahead.len() >= LONGEST {
                return Ok(is_end);
            }
        }
    }

    /// Passes over the mark at the beginning of the file, where it is no part of the text.
    fn begin(&mut self) {
        let begins_with = |mark: &[u8]| self.ahead.iter().take(mark.len()).eq(mark);
        let length = match self.encoding {
            Encoding::Utf8Signed if begins_with(b"\xef\xbb\xbf") => 3,
            Encoding::Utf16 { is_big: None } if begins_with(b"\xfe\xff") => {
                self.encoding = Encoding::Utf16 { is_big: Some(true) };
                2
            }
            Encoding::Utf16 { is_big: None } if begins_with(b"\xff\xfe") => 2,
            _ => 0,
        };
        self.pass(length);
    }

    fn pass(&mut self, count: usize) {
        self.ahead.drain(..count);
        self.passed += count as u64;
    }

    /// Decodes the next character.
    fn character(&mut self) -> io::Result<()> {
        let next: Vec<u8> = self.ahead.iter().take(LONGEST).copied().collect();
        let (found, length) = match self.encoding {
            Encoding::Utf8 | Encoding::Utf8Signed => utf8(&next),
            Encoding::Ascii => (next[0].is_ascii().then_some(char::from(next[0])), 1),
            Encoding::Latin1 => (Some(char::from(next[0])), 1),
            Encoding::Windows1252 => (windows(next[0]), 1),
            Encoding::Utf16 { is_big } => utf16(&next, is_big == Some(true)),
        };
        let found = match (found, self.on_bad_text) {
            (None, OnBadText::Fail) => return Err(io::Error::other(NoText(self.passed))),
            (None, OnBadText::Replace) => Some(char::REPLACEMENT_CHARACTER),
            (found, _) => found,
        };
        if let Some(character) = found {
            self.text.extend_from_slice(character.encode_utf8(&mut [0; LONGEST]).as_bytes());
        }
        self.pass(length);
        Ok(())
    }
}

/// The first character, and how many bytes it or what stands in its place takes.
fn utf8(bytes: &[u8]) -> (Option<char>, usize) {
    let first = |text: &str| (text.chars().next(), text.chars().next().map_or(1, char::len_utf8));
    match std::str::from_utf8(bytes) {
        Ok(text) => first(text),
        Err(error) if error.valid_up_to() > 0 => {
            first(std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default())
        }
        Err(error) => (None, error.error_len().unwrap_or(bytes.len())),
    }
}

fn windows(byte: u8) -> Option<char> {
    match byte {
        0x80..=0x9f => Some(WINDOWS[usize::from(byte - 0x80)]).filter(|character| *character != '\0'),
        byte => Some(char::from(byte)),
    }
}

fn utf16(bytes: &[u8], is_big: bool) -> (Option<char>, usize) {
    let unit = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        if is_big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    };
    let units = bytes.chunks_exact(2).map(unit);
    match char::decode_utf16(units).next() {
        Some(Ok(character)) => (Some(character), 2 * character.len_utf16()),
        Some(Err(_)) => (None, 2),
        None => (None, bytes.len()),
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read == self.text.len() {
            self.more()?;
        }
        Ok(&self.text[self.read..])
    }

    fn consume(&mut self, amount: usize) {
        self.read = self.text.len().min(self.read + amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: Encoding, on_bad_text: OnBadText, bytes: &[u8]) -> Result<String, String> {
        let options = Options { encoding, on_bad_text, ..Options::default() };
        let mut text = String::new();
        Decoded::new(bytes, &options).read_to_string(&mut text).map(|_| text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_character_may_lie_on_the_border_of_two_pieces() {
        let text: String = "aé数😀".repeat(PIECE / 5);
        for start in 0..4 {
            let bytes = [vec![b'x'; start], text.clone().into_bytes()].concat();
            let expected = String::from_utf8(bytes.clone()).unwrap();
            assert!(decoded(Encoding::Utf8, OnBadText::Ignore, &bytes).unwrap() == expected);
            let units = expected.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
            assert!(decoded(Encoding::Utf16 { is_big: Some(true) }, OnBadText::Fail, &units).unwrap() == expected);
        }
    }

    #[test]
    fn what_is_no_text_is_named_by_its_place() {
        assert_eq!(decoded(Encoding::Ascii, OnBadText::Fail, b"ab\xff"), Err("byte 2 is no text".to_owned()));
        assert_eq!(decoded(Encoding::Windows1252, OnBadText::Fail, b"\x80\x81"), Err("byte 1 is no text".to_owned()));
        assert_eq!(decoded(Encoding::Utf8, OnBadText::Ignore, b"a\xe6\x95b\xff").unwrap(), "ab");
        assert_eq!(decoded(Encoding::Utf8, OnBadText::Replace, b"a\xe6\x95b\xff").unwrap(), "a\u{fffd}b\u{fffd}");
        assert_eq!(decoded(Encoding::Utf8Signed, OnBadText::Fail, b"\xef\xbb\xbfa").unwrap(), "a");
    }
}
