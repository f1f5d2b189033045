//! Of a JSON value, without understanding it: where it ends, whether it breaks off, and whether another follows.

use serde::de::IgnoredAny;

use crate::convert::json_text::parsed;

/// Whether a line holds objects behind each other: then lines do not part the rows, or carriage returns do.
pub(super) fn are_several(line: &[u8]) -> bool {
    let mut scanner = Scanner::default();
    let Some(end) = scanner.feed(line).filter(|end| whole(&line[..*end]).is_ok()) else { return false };
    line[end..].trim_ascii_start().starts_with(b"{")
}

/// Whether nothing is wrong with a value but that its end is missing.
pub(super) fn breaks_off(value: &[u8]) -> bool {
    matches!(whole(value), Err(error) if error.is_eof())
}

pub(super) fn whole(value: &[u8]) -> Result<(), serde_json::Error> {
    parsed(value, |value| serde_json::from_slice::<IgnoredAny>(value).map(drop))
}

/// Whether nothing is wrong with a value that begins like this.
pub(super) fn is_prefix(value: &[u8], more: &[u8]) -> bool {
    let begun = [value, more].concat();
    breaks_off(&begun) || whole(&begun).is_ok()
}

/// Finds the end of a JSON object without understanding it.
#[derive(Debug, Default)]
pub(in crate::convert) struct Scanner {
    depth: usize,
    in_text: bool,
    escaped: bool,
}

impl Scanner {
    /// The number of bytes that belong to the value, once its end is among them.
    pub(in crate::convert) fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, &byte) in bytes.iter().enumerate() {
            if self.in_text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_text = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}
