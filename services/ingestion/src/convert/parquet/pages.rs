//! The page headers of a column chunk, read one after the other without touching the pages.
//!
//! The decoder keeps its own parser of them to itself, and decompresses a page as soon as it has seen its header. This
//! one is stricter: what it does not understand is refused, so that both see the same sizes.

use std::io::{self, Read};

use parquet::file::{metadata::ColumnChunkMetaData, reader::ChunkReader};

use super::compact::{Compact, bad, kind};
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
    /// Where the page lies in the file, and its bytes there.
    pub at: u64,
    pub packed: u64,
    /// Of these, the first ones that are never compressed.
    pub levels: u64,
    /// Whether the others may be.
    pub is_packed: bool,
}

/// The headers of those pages of a column that the decoder looks at.
pub(super) struct Heads<'a, R> {
    file: &'a R,
    offset: u64,
    left: u64,
    count: usize,
}

impl<'a, R: ChunkReader> Heads<'a, R> {
    pub(super) fn new(file: &'a R, chunk: &ColumnChunkMetaData) -> Self {
        let (offset, left) = chunk.byte_range();
        Self { file, offset, left, count: 0 }
    }

    fn read(&mut self) -> Result<Option<PageHead>, Cause> {
        while self.left > 0 {
            let mut header = Compact { input: self.file.get_read(self.offset)?, read: 0 };
            let (is_read, head) = header.page().map_err(|e| format!("a page has no whole header: {e}"))?;
            let at = self.offset + header.read;
            let length = header.read.saturating_add(head.packed);
            self.left = self.left.checked_sub(length).ok_or("a page is longer than its column")?;
            self.offset += length;
            self.count += 1;
            if self.count > MOST_PAGES {
                return Err(format!("a column has more than {MOST_PAGES} pages").into());
            }
            if is_read {
                return Ok(Some(PageHead { at, ..head }));
            }
        }
        Ok(None)
    }
}

impl<R: ChunkReader> Iterator for Heads<'_, R> {
    type Item = Result<PageHead, Cause>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

impl<R: Read> Compact<R> {
    /// The header, and whether its page is one that the decoder reads.
    fn page(&mut self) -> io::Result<(bool, PageHead)> {
        let mut head = PageHead { is_packed: true, ..PageHead::default() };
        let (mut page_kind, mut plain, mut packed, mut kinds, mut id) = (None, None, None, 0, 0);
        while let Some(kind) = self.field(&mut id)? {
            match (id, kind) {
                (1, kind::I32) => page_kind = Some(self.int()?),
                (2, kind::I32) => plain = Some(self.size()?),
                (3, kind::I32) => packed = Some(self.size()?),
                (5 | 7 | 8, kind::STRUCT) => {
                    kinds += 1;
                    self.of_kind(&mut head, id == 8)?;
                }
                (1 | 2 | 3 | 5 | 7 | 8, _) => return Err(bad("a field has another type")),
                (_, kind) => self.skip(kind, DEEPEST)?,
            }
        }
        let (Some(packed), Some(plain), 0..=1) = (packed, plain, kinds) else { return Err(bad("it has no sizes")) };
        (head.plain, head.packed, head.rows, head.is_dictionary) = (plain, packed, head.values, page_kind == Some(2));
        if head.levels > packed.min(plain) {
            return Err(bad("it has more levels than bytes"));
        }
        // 0 and 3 are data, 1 is an index, which the decoder passes over.
        Ok((matches!(page_kind, Some(0 | 2 | 3)), head))
    }

    /// Values and encoding stand in the same places, but for the newer data pages.
    fn of_kind(&mut self, head: &mut PageHead, is_newer: bool) -> io::Result<()> {
        let (mut id, mut defined, mut repeated) = (0, 0, 0);
        while let Some(kind) = self.field(&mut id)? {
            match (id, kind, is_newer) {
                (1, kind::I32, _) => head.values = self.size()?,
                (2, kind::I32, false) | (4, kind::I32, true) => head.encoding = self.int()?,
                (5, kind::I32, true) => defined = self.size()?,
                (6, kind::I32, true) => repeated = self.size()?,
                (7, kind::TRUE | kind::FALSE, true) => head.is_packed = kind == kind::TRUE,
                (_, kind, _) => self.skip(kind, DEEPEST)?,
            }
        }
        head.levels = defined + repeated;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(bytes: &[u8]) -> (bool, PageHead) {
        let mut header = Compact { input: bytes, read: 0 };
        let page = header.page().unwrap();
        assert_eq!(header.read, bytes.len() as u64);
        page
    }

    #[test]
    fn sizes_and_values_of_each_kind_of_page() {
        // A data page: kind 0, 300 bytes from 20, checksum 5; 7 values as 0, statistics with a text.
        let data = [0x15, 0, 0x15, 0xd8, 4, 0x15, 40, 0x15, 10, 0x1c, 0x15, 14, 0x15, 0, 0x3c, 0x18, 2, 9, 9, 0, 0, 0];
        let head = PageHead {
            plain: 300,
            values: 7,
            rows: 7,
            encoding: 0,
            packed: 20,
            is_packed: true,
            ..PageHead::default()
        };
        assert_eq!(page(&data), (true, head));
        // A dictionary: kind 2, 8 bytes from 4, 2 values.
        let (is_read, head) = page(&[0x15, 4, 0x15, 16, 0x15, 8, 0x4c, 0x15, 4, 0x15, 0, 0, 0]);
        assert!(is_read && (head.is_dictionary, head.plain, head.values) == (true, 8, 2), "{head:?}");
        // A newer data page: 3 values as 8, behind 1 and 2 bytes of levels, not compressed.
        let (is_read, head) = page(&[
            0x15, 6, 0x15, 16, 0x15, 8, 0x5c, 0x15, 6, 0x15, 0, 0x15, 6, 0x15, 16, 0x15, 2, 0x15, 4, 0x12, 0, 0,
        ]);
        assert!(is_read && (head.values, head.encoding, head.levels, head.is_packed) == (3, 8, 3, false), "{head:?}");
        // An index is passed over.
        assert!(!page(&[0x15, 2, 0x15, 16, 0x15, 8, 0]).0);
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
