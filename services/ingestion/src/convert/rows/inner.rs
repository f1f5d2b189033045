//! Rows inside of a JSON document: the items of an array that are no objects, and arrays that are the field of one.

use std::io::BufRead;

use super::{EMPTY, Form, Items, NULL, Rows, Scanner, newlines};
use crate::convert::{ConvertError, batches::ROW_BYTES};

/// What `datasets` looks at to tell objects from other items.
const LOOKED_AT: usize = 100;

impl Rows {
    /// Passes over the bracket, and finds out what the items are.
    pub(super) fn enter_array(&mut self) -> Result<(), ConvertError> {
        let begin = self.input.fill_buf().map(|begin| begin[..begin.len().min(LOOKED_AT)].to_vec());
        let begin = begin.map_err(|error| self.input.error(error))?;
        let before_text = begin.split(|byte| *byte == b'"').next().unwrap_or_default();
        let are_none = begin[1..].trim_ascii_start().starts_with(b"]");
        self.items = if before_text.contains(&b'{') || are_none { Items::Rows } else { Items::Texts };
        self.input.consume(1);
        self.form = Form::Array { comma: false };
        Ok(())
    }

    /// Passes over what comes before the field's array.
    pub(super) fn enter_field(&mut self) -> Result<(), ConvertError> {
        const NO_LIST: &str = "the field that the card names holds no list of rows";
        if self.skip_space()? != Some(b'{') {
            return Err(self.unparted("the card names a field, and the file is no object"));
        }
        self.input.consume(1);
        let mut next = self.skip_space()?;
        while next != Some(b'}') {
            if self.key_is_field()? {
                let Some(b'[') = self.skip_space()? else { return Err(self.unparted(NO_LIST)) };
                return self.enter_array();
            }
            self.pass_value()?;
            next = self.next_key()?;
        }
        Err(self.unparted("the field that the card names is not there"))
    }

    /// Passes over what comes behind it.
    pub(super) fn leave_field(&mut self) -> Result<(), ConvertError> {
        while self.next_key()? != Some(b'}') {
            if self.key_is_field()? {
                return Err(self.unparted("the field that the card names stands twice"));
            }
            self.pass_value()?;
        }
        self.input.consume(1);
        Ok(())
    }

    /// Behind a value: the beginning of the next key, or the end of the object.
    fn next_key(&mut self) -> Result<Option<u8>, ConvertError> {
        match self.skip_space()? {
            Some(b',') => {
                self.input.consume(1);
                self.skip_space()
            }
            Some(b'}') => Ok(Some(b'}')),
            _ => Err(self.unparted("the object is not closed")),
        }
    }

    fn key_is_field(&mut self) -> Result<bool, ConvertError> {
        if self.skip_space()? != Some(b'"') {
            return Err(self.unparted("a key is missing"));
        }
        self.buffer.clear();
        self.item()?;
        let key = serde_json::from_slice::<String>(&self.buffer);
        let key = key.map_err(|_| self.unparted("a key is no text"))?;
        self.buffer.clear();
        if self.skip_space()? != Some(b':') {
            return Err(self.unparted("a colon is missing"));
        }
        self.input.consume(1);
        Ok(self.field.as_ref() == Some(&key))
    }

    fn pass_value(&mut self) -> Result<(), ConvertError> {
        self.skip_space()?;
        self.item()?;
        self.buffer.clear();
        Ok(())
    }

    /// A row with the next item as its text.
    pub(super) fn text(&mut self, begun: u64) -> Result<u64, ConvertError> {
        self.buffer.extend_from_slice(b"{\"text\":");
        self.item()?;
        self.buffer.push(b'}');
        Ok(begun)
    }

    /// Among rows.
    pub(super) fn null(&mut self, begun: u64) -> Result<u64, ConvertError> {
        self.item()?;
        if self.buffer != NULL {
            return Err(self.unparted("a row must be an object"));
        }
        self.buffer = EMPTY.to_vec();
        Ok(begun)
    }

    /// Adds the next item to the buffer, whatever it is.
    fn item(&mut self) -> Result<(), ConvertError> {
        let begun = self.line;
        let mut end = ItemEnd::default();
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) => return Err(self.input.error(error)),
            };
            let found = end.feed(chunk);
            let taken = found.unwrap_or(chunk.len());
            let is_end = chunk.is_empty() || found.is_some();
            self.buffer.extend_from_slice(&chunk[..taken]);
            self.line += newlines(&chunk[..taken]);
            self.input.consume(taken);
            if self.buffer.len() as u64 > ROW_BYTES {
                return Err(self.too_large(begun));
            }
            if is_end {
                return Ok(());
            }
        }
    }
}

/// Finds the end of a JSON value of any kind.
#[derive(Default)]
enum ItemEnd {
    #[default]
    Unknown,
    Nested(Scanner),
    Text {
        escaped: bool,
    },
    Word,
}

impl ItemEnd {
    /// The number of bytes that belong to the value, once its end is among them.
    fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut begin = 0;
        if matches!(self, Self::Unknown) {
            *self = match bytes.first()? {
                b'{' | b'[' => Self::Nested(Scanner::default()),
                b'"' => {
                    begin = 1;
                    Self::Text { escaped: false }
                }
                _ => Self::Word,
            };
        }
        match self {
            Self::Unknown => None,
            Self::Nested(scanner) => scanner.feed(bytes),
            Self::Text { escaped } => {
                let is_end = |byte: &u8| {
                    let is_end = *byte == b'"' && !*escaped;
                    *escaped = *byte == b'\\' && !*escaped;
                    is_end
                };
                bytes[begin..].iter().position(is_end).map(|at| begin + at + 1)
            }
            Self::Word => bytes.iter().position(|byte| byte.is_ascii_whitespace() || b",]}".contains(byte)),
        }
    }
}
