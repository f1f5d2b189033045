//! The page headers of a column chunk, read one after the other without touching the pages.
//!
//! The decoder keeps its own parser of them to itself, and decompresses a page as soon as it has seen its header. This
//! one is stricter: what it does not understand is refused, so that both see the same sizes.

use std::io::{self, Read};

use parquet::file::{metadata::ColumnChunkMetaData, reader::ChunkReader};

use crate::convert::guard::Cause;

/// More pages in one column of a row group are no file for rows.
const MOST_PAGES: usize = 1 << 20;
/// Structures within structures: a header has three.
const DEEPEST: u8 = 8;

/// What a header says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PageHead {
    pub is_dictionary: bool,
    /// Bytes in memory.
    pub plain: u64,
    /// With repeated and missing ones.
    pub values: u64,
    /// As many, in a column without lists.
    pub rows: u64,
    /// By its number in the format.
    pub encoding: i32,
}

/// The headers of all pages that the decoder would look at.
pub(super) fn heads<R: ChunkReader>(file: &R, chunk: &ColumnChunkMetaData) -> Result<Vec<PageHead>, Cause> {
    let (mut offset, mut left) = chunk.byte_range();
    let mut heads = Vec::new();
    while left > 0 {
        let mut header = Compact { input: file.get_read(offset)?, read: 0 };
        let (head, packed) = header.page().map_err(|e| format!("a page has no whole header: {e}"))?;
        let length = header.read.saturating_add(packed);
        left = left.checked_sub(length).ok_or("a page is longer than its column")?;
        offset += length;
        if let Some(head) = head {
            heads.push(head);
        }
        if heads.len() > MOST_PAGES {
            return Err(format!("a column has more than {MOST_PAGES} pages").into());
        }
    }
    Ok(heads)
}

/// Thrift's compact protocol, as far as page headers use it.
struct Compact<R> {
    input: R,
    read: u64,
}

/// Numbers of the protocol's types.
mod kind {
    pub(super) const STOP: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const STRUCT: u8 = 12;
}

impl<R: Read> Compact<R> {
    /// The header, none of a page that holds no values, and the bytes of its page in the file.
    fn page(&mut self) -> io::Result<(Option<PageHead>, u64)> {
        let (mut head, mut packed, mut page_kind) = (PageHead::default(), None, None);
        let (mut plain, mut id) = (None, 0);
        while let Some(kind) = self.field(&mut id)? {
            match (id, kind) {
                (1, kind::I32) => page_kind = Some(self.int()?),
                (2, kind::I32) => plain = Some(self.size()?),
                (3, kind::I32) => packed = Some(self.size()?),
                // Values and encoding stand in the same places, but for the newer data pages.
                (5 | 7, kind::STRUCT) => (head.values, head.encoding) = self.values(2)?,
                (8, kind::STRUCT) => (head.values, head.encoding) = self.values(4)?,
                (1 | 2 | 3 | 5 | 7 | 8, _) => return Err(bad("a field has another type")),
                (_, kind) => self.skip(kind, DEEPEST)?,
            }
        }
        let (Some(packed), Some(plain)) = (packed, plain) else { return Err(bad("it has no sizes")) };
        (head.plain, head.rows, head.is_dictionary) = (plain, head.values, page_kind == Some(2));
        // 0 and 3 are data, 1 is an index, which the decoder passes over.
        Ok((matches!(page_kind, Some(0 | 2 | 3)).then_some(head), packed))
    }

    fn values(&mut self, encoding_field: i16) -> io::Result<(u64, i32)> {
        let (mut values, mut encoding, mut id) = (0, 0, 0);
        while let Some(kind) = self.field(&mut id)? {
            match (id, kind) {
                (1, kind::I32) => values = self.size()?,
                (n, kind::I32) if n == encoding_field => encoding = self.int()?,
                (_, kind) => self.skip(kind, DEEPEST)?,
            }
        }
        Ok((values, encoding))
    }

    /// The type of the next field, whose number goes into `id`; none at the end of the structure.
    fn field(&mut self, id: &mut i16) -> io::Result<Option<u8>> {
        let byte = self.byte()?;
        let (delta, kind) = (i16::from(byte >> 4), byte & 15);
        if kind == kind::STOP {
            return Ok(None);
        }
        let next = if delta == 0 { i16::try_from(self.zigzag()?).ok() } else { id.checked_add(delta) };
        *id = next.ok_or_else(|| bad("a field has no number"))?;
        Ok(Some(kind))
    }

    fn skip(&mut self, kind: u8, deepest: u8) -> io::Result<()> {
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
            _ => Err(bad("it has a type that headers do not have")),
        }
    }

    fn pass(&mut self, length: u64) -> io::Result<()> {
        self.read = self.read.saturating_add(length);
        let passed = io::copy(&mut (&mut self.input).take(length), &mut io::sink())?;
        if passed == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte)?;
        self.read += 1;
        Ok(byte[0])
    }

    fn varint(&mut self) -> io::Result<u64> {
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

    fn int(&mut self) -> io::Result<i32> {
        i32::try_from(self.zigzag()?).map_err(|_| bad("a number is too large"))
    }

    fn size(&mut self) -> io::Result<u64> {
        u64::try_from(self.int()?).map_err(|_| bad("a size is negative"))
    }
}

fn bad(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(bytes: &[u8]) -> io::Result<(Option<PageHead>, u64)> {
        let mut header = Compact { input: bytes, read: 0 };
        let page = header.page()?;
        assert_eq!(header.read, bytes.len() as u64);
        Ok(page)
    }

    #[test]
    fn sizes_and_values_of_each_kind_of_page() {
        // A data page: kind 0, 300 bytes from 20, checksum 5; 7 values as 0, statistics with a text.
        let data = [0x15, 0, 0x15, 0xd8, 4, 0x15, 40, 0x15, 10, 0x1c, 0x15, 14, 0x15, 0, 0x3c, 0x18, 2, 9, 9, 0, 0, 0];
        let head = PageHead { is_dictionary: false, plain: 300, values: 7, rows: 7, encoding: 0 };
        assert_eq!(page(&data).unwrap(), (Some(head), 20));
        // A dictionary: kind 2, 8 bytes from 4, 2 values.
        let dictionary = [0x15, 4, 0x15, 16, 0x15, 8, 0x4c, 0x15, 4, 0x15, 0, 0, 0];
        assert_eq!(page(&dictionary).unwrap().0.map(|head| (head.is_dictionary, head.plain)), Some((true, 8)));
        // A newer data page: 3 values as 8, of which field 7 says that they are packed.
        let newer = [0x15, 6, 0x15, 16, 0x15, 8, 0x5c, 0x15, 6, 0x15, 0, 0x15, 6, 0x15, 16, 0x31, 0, 0];
        assert_eq!(page(&newer).unwrap().0.map(|head| (head.values, head.encoding)), Some((3, 8)));
        // An index is passed over.
        assert_eq!(page(&[0x15, 2, 0x15, 16, 0x15, 8, 0]).unwrap(), (None, 4));
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bytes in [
            &[][..],
            &[0],
            &[0x15, 0, 0x15, 1, 0x15, 8, 0],
            &[0x15, 0, 0x15, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x15, 8, 0],
            &[0x15, 0, 0x18, 1, 9, 0x15, 8, 0],
            &[0x15, 0, 0x15, 16, 0x15, 8, 0x19, 0x15],
            &[0xac, 0x1c, 0x1c, 0x1c, 0x1c, 0x1c, 0x1c, 0x1c, 0x1c, 0x1c, 0x1c, 0x1c],
            &[0x98, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        ] {
            let mut header = Compact { input: bytes, read: 0 };
            assert!(header.page().is_err(), "{bytes:x?}");
        }
    }
}
