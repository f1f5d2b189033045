//! Plain bytes that can be looked at before they are read.

use std::io::{self, BufRead, Read};

use super::{ConvertError, compressed::Plain};

/// A file whose reader may put bytes back.
pub(super) struct Ahead {
    input: Plain,
    back: Vec<u8>,
    /// Of those, what was read again.
    read: usize,
}

impl Ahead {
    pub(super) fn new(input: Plain) -> Self {
        Self { input, back: Vec::new(), read: 0 }
    }

    pub(super) fn file(&self) -> &str {
        self.input.file()
    }

    pub(super) fn error(&self, error: io::Error) -> ConvertError {
        self.input.error(error)
    }

    /// Has the next reads give these bytes first.
    pub(super) fn put_back(&mut self, mut bytes: Vec<u8>) {
        bytes.extend_from_slice(&self.back[self.read..]);
        (self.back, self.read) = (bytes, 0);
    }
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read < self.back.len() {
            return Ok(&self.back[self.read..]);
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if self.read < self.back.len() {
            self.read += count;
        } else {
            self.input.consume(count);
        }
    }
}
