//! Rows as most files have them: objects of texts, numbers, booleans and nulls, in the order of the columns.
//!
//! A short way beside the parsers, and never another one: what it does not read at once as they would is theirs.

use std::str::FromStr;

use memchr::memchr;

/// What stands behind a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text,
}

/// Shows each key and what follows it, of which `member` takes the value; none when the row is not such a one. Whether it
/// is UTF-8 is not looked at.
pub(in super::super) fn read<'a>(
    row: &'a [u8],
    mut member: impl FnMut(&'a [u8], &mut Rest<'a>) -> Option<()>,
) -> Option<()> {
    let mut rest = Rest(row);
    rest.sign(b'{')?;
    let mut more = rest.sign(b'}').is_none();
    while more {
        let key = rest.key()?;
        rest.sign(b':')?;
        member(key, &mut rest)?;
        more = rest.sign(b',').is_some();
        if !more {
            rest.sign(b'}')?;
        }
    }
    rest.0.trim_ascii_end().is_empty().then_some(())
}

/// What was not read yet.
pub(in super::super) struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// The next byte that is no space.
    pub(super) fn first(&mut self) -> Option<u8> {
        while let [b' ', rest @ ..] = self.0 {
            self.0 = rest;
        }
        self.0.first().copied()
    }

    fn sign(&mut self, sign: u8) -> Option<()> {
        (self.first()? == sign).then(|| self.0 = &self.0[1..])
    }

    /// A key may be written in several ways, and is known in the plain one.
    fn key(&mut self) -> Option<&'a [u8]> {
        self.sign(b'"')?;
        let (key, rest) = self.0.split_at(stop(self.0)?);
        self.0 = rest.strip_prefix(b"\"")?;
        Some(key)
    }

    /// The value, of which a text is only passed.
    pub(in super::super) fn skim(&mut self) -> Option<Value> {
        match self.first()? {
            b'"' => self.pass_text().map(|()| Value::Text),
            b't' => self.word(b"true", Value::Bool(true)),
            b'f' => self.word(b"false", Value::Bool(false)),
            b'n' => self.word(b"null", Value::Null),
            _ => self.number(),
        }
    }

    fn pass_text(&mut self) -> Option<()> {
        self.sign(b'"')?;
        let mut end = 0;
        loop {
            end += memchr(b'"', &self.0[end..])?;
            let escaping = self.0[..end].iter().rev().take_while(|byte| **byte == b'\\').count();
            end += 1;
            if escaping.is_multiple_of(2) {
                self.0 = &self.0[end..];
                return Some(());
            }
        }
    }

    /// The text as it is meant: bytes as they are, each time with the character of the escape behind them.
    pub(super) fn text(&mut self, mut piece: impl FnMut(&[u8], Option<char>)) -> Option<()> {
        self.sign(b'"')?;
        loop {
            let (before, rest) = self.0.split_at(stop(self.0)?);
            if let [b'"', rest @ ..] = rest {
                piece(before, None);
                self.0 = rest;
                return Some(());
            }
            let (character, length) = escape(rest)?;
            piece(before, Some(character));
            self.0 = &rest[length..];
        }
    }

    fn word(&mut self, word: &[u8], value: Value) -> Option<Value> {
        self.0 = self.0.strip_prefix(word)?;
        Some(value)
    }

    fn number(&mut self) -> Option<Value> {
        let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let end = self.0.iter().position(|byte| !is_part(byte)).unwrap_or(self.0.len());
        let (number, rest) = self.0.split_at(end);
        self.0 = rest;
        let number = str::from_utf8(number).ok()?;
        let unsigned = number.strip_prefix('-').unwrap_or(number);
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_whole = |text: &str| are_digits(text) && (text == "0" || !text.starts_with('0'));
        // The parsers read this one as a float.
        if number == "-0" {
            return None;
        }
        if is_whole(unsigned) {
            // So many digits always fit.
            return if unsigned.len() <= 18 { i64::from_str(number).ok().map(Value::Int) } else { None };
        }
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
        let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
        let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
        let is_float = is_whole(whole) && fraction.into_iter().chain(exponent).all(are_digits);
        let value = is_float.then(|| f64::from_str(number).ok()).flatten()?;
        value.is_finite().then_some(Value::Float(value))
    }
}

/// Where a text ends, or has an escape, or a control character, which it may not: in most texts that is near, so that a
/// search which takes time to begin would take longer.
fn stop(bytes: &[u8]) -> Option<usize> {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = EACH << 7;
    let is_stop = |byte: u8| matches!(byte, b'"' | b'\\' | ..b' ');
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // The lowest bit that is set belongs to the first such byte; those above it may be wrong.
        let zeros = |word: u64| word.wrapping_sub(EACH) & !word;
        let controls = word.wrapping_sub(EACH * u64::from(b' ')) & !word;
        let stops =
            (zeros(word ^ (EACH * u64::from(b'"'))) | zeros(word ^ (EACH * u64::from(b'\\'))) | controls) & HIGH;
        if stops != 0 {
            return Some(8 * at + stops.trailing_zeros() as usize / 8);
        }
    }
    let behind = rest.iter().position(|byte| is_stop(*byte))?;
    Some(bytes.len() - rest.len() + behind)
}

/// The character that an escape stands for, and its length in bytes.
pub(in super::super) fn escape(written: &[u8]) -> Option<(char, usize)> {
    let [b'\\', kind, ..] = written else { return None };
    let character = match kind {
        b'n' => '\n',
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => {
            let first = unit(written)?;
            let is_pair = (0xd800..0xdc00).contains(&first);
            let second = if is_pair { Some(unit(&written[6..])?) } else { None };
            let mut characters = char::decode_utf16([first].into_iter().chain(second));
            return Some((characters.next()?.ok()?, if is_pair { 12 } else { 6 }));
        }
        _ => return None,
    };
    Some((character, 2))
}

fn unit(written: &[u8]) -> Option<u16> {
    let digits = written.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_at_its_quote_wherever_it_is() {
        for length in 0..40 {
            for (written, stops) in [("\"", true), ("\\", true), ("\u{1f}", true), ("\u{80}", false), ("\u{7f}", false)]
            {
                let before = "!ü".chars().cycle().take(length).collect::<String>();
                let text = format!("{before}{written}        \"");
                let expected = if stops { before.len() } else { text.len() - 1 };
                assert_eq!(stop(text.as_bytes()), Some(expected), "{text:?}");
            }
        }
        assert_eq!(stop("no end, but ß".as_bytes()), None);
    }
}
