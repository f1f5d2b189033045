//! Thrift's compact protocol, which Parquet writes its structures in: read strictly, byte by byte, and kept nowhere.

use std::io::{self, Read};

/// Thrift's compact protocol.
pub(super) struct Compact<R> {
    pub(super) input: R,
    /// Bytes so far.
    pub(super) read: u64,
}

/// Numbers of the protocol's types.
pub(super) mod kind {
    pub(crate) const STOP: u8 = 0;
    pub(crate) const TRUE: u8 = 1;
    pub(crate) const FALSE: u8 = 2;
    pub(crate) const BYTE: u8 = 3;
    pub(crate) const I16: u8 = 4;
    pub(crate) const I32: u8 = 5;
    pub(crate) const I64: u8 = 6;
    pub(crate) const DOUBLE: u8 = 7;
    pub(crate) const BINARY: u8 = 8;
    pub(crate) const LIST: u8 = 9;
    pub(crate) const SET: u8 = 10;
    pub(crate) const MAP: u8 = 11;
    pub(crate) const STRUCT: u8 = 12;
    pub(crate) const UUID: u8 = 13;
}

impl<R: Read> Compact<R> {
    /// The type of the next field, whose number goes into `id`; none at the end of the structure.
    pub(super) fn field(&mut self, id: &mut i16) -> io::Result<Option<u8>> {
        let byte = self.byte()?;
        let (delta, kind) = (i16::from(byte >> 4), byte & 15);
        if kind == kind::STOP {
            return Ok(None);
        }
        let next = if delta == 0 { i16::try_from(self.zigzag()?).ok() } else { id.checked_add(delta) };
        *id = next.ok_or_else(|| bad("a field has no number"))?;
        Ok(Some(kind))
    }

    /// Passes over a value; one that says how many others it holds is refused.
    pub(super) fn skip(&mut self, kind: u8, deepest: u8) -> io::Result<()> {
        let deepest = deepest.checked_sub(1).ok_or_else(|| bad("it is nested too deeply"))?;
        match kind {
            kind::TRUE | kind::FALSE => Ok(()),
            kind::BYTE => self.pass(1),
            kind::I16 | kind::I32 | kind::I64 => self.varint().map(drop),
            kind::DOUBLE => self.pass(8),
            kind::BINARY => {
                let length = self.varint()?;
                self.pass(length)
            }
            kind::STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, deepest)?;
                }
                Ok(())
            }
            _ => Err(bad("it has a type that does not belong there")),
        }
    }

    pub(super) fn pass(&mut self, length: u64) -> io::Result<()> {
        self.read = self.read.saturating_add(length);
        let passed = io::copy(&mut (&mut self.input).take(length), &mut io::sink())?;
        if passed == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    pub(super) fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte)?;
        self.read += 1;
        Ok(byte[0])
    }

    pub(super) fn varint(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(number);
            }
        }
        Err(bad("a number is too long"))
    }

    fn zigzag(&mut self) -> io::Result<i64> {
        let number = self.varint()?;
        Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    /// A number of 32 bits.
    pub(super) fn int(&mut self) -> io::Result<i32> {
        i32::try_from(self.zigzag()?).map_err(|_| bad("a number is too large"))
    }

    /// One that is not negative.
    pub(super) fn size(&mut self) -> io::Result<u64> {
        u64::try_from(self.int()?).map_err(|_| bad("a size is negative"))
    }
}

pub(super) fn bad(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
