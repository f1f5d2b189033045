//! Whether a footer is written as the format says, before the decoder reads it.
//!
//! The decoder goes by the numbers of the fields that it knows and not by the types that stand there, and it passes over
//! a list of booleans without reading a byte for each: a few bytes that say there are two thousand million of them keep
//! it busy for seconds, and a footer has room for millions of such lists. So each field that the format knows must have
//! its type, and a field that it does not know holds no booleans in lists: then every step takes a byte of the footer.
//! The fields are those of [parquet.thrift](https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift).

use std::io::{self, Read};

use super::compact::{Compact, bad, kind};

/// Structures within structures: the format has seven.
const DEEPEST: u8 = 16;

/// How a value is written; the widths of numbers make no difference.
enum Type {
    Bool,
    Byte,
    Int,
    Double,
    /// Texts, too.
    Bytes,
    List(&'static Type),
    Struct(Fields),
}

type Fields = &'static [(i16, Type)];

use Type::{Bool, Byte, Bytes, Double, Int, List, Struct};

const FILE: Fields = &[
    (1, Int),
    (2, List(&Struct(COLUMN))),
    (3, Int),
    (4, List(&Struct(ROW_GROUP))),
    (5, List(&KEY_VALUE)),
    (6, Bytes),
    (7, List(&Struct(&[(1, EMPTY), (2, EMPTY)]))),
    (9, Bytes),
];
const COLUMN: Fields = &[
    (1, Int),
    (2, Int),
    (3, Int),
    (4, Bytes),
    (5, Int),
    (6, Int),
    (7, Int),
    (8, Int),
    (9, Int),
    (10, Struct(LOGICAL_TYPE)),
];
const LOGICAL_TYPE: Fields = &[
    (1, EMPTY),
    (2, EMPTY),
    (3, EMPTY),
    (4, EMPTY),
    (5, Struct(&[(1, Int), (2, Int)])),
    (6, EMPTY),
    (7, TIME),
    (8, TIME),
    (10, Struct(&[(1, Byte), (2, Bool)])),
    (11, EMPTY),
    (12, EMPTY),
    (13, EMPTY),
    (14, EMPTY),
    (15, EMPTY),
    (16, Struct(&[(1, Byte)])),
    (17, Struct(&[(1, Bytes)])),
    (18, Struct(&[(1, Bytes), (2, Int)])),
];
const TIME: Type = Struct(&[(1, Bool), (2, Struct(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)]))]);
const EMPTY: Type = Struct(&[]);
const KEY_VALUE: Type = Struct(&[(1, Bytes), (2, Bytes)]);
const ROW_GROUP: Fields = &[
    (1, List(&Struct(CHUNK))),
    (2, Int),
    (3, Int),
    (4, List(&Struct(&[(1, Int), (2, Bool), (3, Bool)]))),
    (5, Int),
    (6, Int),
    (7, Int),
];
const CHUNK: Fields =
    &[(1, Bytes), (2, Int), (3, Struct(CHUNK_DATA)), (4, Int), (5, Int), (6, Int), (7, Int), (9, Bytes)];
const CHUNK_DATA: Fields = &[
    (1, Int),
    (2, List(&Int)),
    (3, List(&Bytes)),
    (4, Int),
    (5, Int),
    (6, Int),
    (7, Int),
    (8, List(&KEY_VALUE)),
    (9, Int),
    (10, Int),
    (11, Int),
    (12, Struct(STATISTICS)),
    (13, List(&Struct(&[(1, Int), (2, Int), (3, Int)]))),
    (14, Int),
    (15, Int),
    (16, Struct(&[(1, Int), (2, List(&Int)), (3, List(&Int))])),
    (17, Struct(&[(1, Struct(BOX)), (2, List(&Int))])),
];
const STATISTICS: Fields =
    &[(1, Bytes), (2, Bytes), (3, Int), (4, Int), (5, Bytes), (6, Bytes), (7, Bool), (8, Bool), (9, Int)];
const BOX: Fields =
    &[(1, Double), (2, Double), (3, Double), (4, Double), (5, Double), (6, Double), (7, Double), (8, Double)];

/// Reads the whole footer; fails where it is not as the format says.
pub(super) fn check(footer: impl Read) -> io::Result<()> {
    Compact { input: footer, read: 0 }.structure(FILE, DEEPEST)
}

impl<R: Read> Compact<R> {
    fn structure(&mut self, fields: Fields, deepest: u8) -> io::Result<()> {
        let deepest = deepest.checked_sub(1).ok_or_else(|| bad("it is nested too deeply"))?;
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            match fields.iter().find(|(known, _)| *known == id) {
                Some((_, expected)) => self.expect(kind, expected, deepest)?,
                None => self.skip_any(kind, deepest)?,
            }
        }
        Ok(())
    }

    fn expect(&mut self, kind: u8, expected: &Type, deepest: u8) -> io::Result<()> {
        match (expected, kind) {
            (Bool, kind::TRUE | kind::FALSE)
            | (Byte, kind::BYTE)
            | (Int, kind::I16 | kind::I32 | kind::I64)
            | (Double, kind::DOUBLE)
            | (Bytes, kind::BINARY) => self.skip(kind, deepest),
            (List(item), kind::LIST) => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.expect(kind, item, deepest))
            }
            (Struct(fields), kind::STRUCT) => self.structure(fields, deepest),
            _ => Err(bad("a field has another type")),
        }
    }

    /// A value of a field that the format does not know.
    fn skip_any(&mut self, kind: u8, deepest: u8) -> io::Result<()> {
        let deepest = deepest.checked_sub(1).ok_or_else(|| bad("it is nested too deeply"))?;
        match kind {
            kind::STRUCT => self.structure(&[], deepest),
            kind::LIST | kind::SET => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.skip_item(kind, deepest))
            }
            kind::MAP => {
                let count = self.varint()?;
                let kinds = if count > 0 { self.byte()? } else { 0 };
                (0..count).try_for_each(|_| {
                    self.skip_item(kinds >> 4, deepest)?;
                    self.skip_item(kinds & 15, deepest)
                })
            }
            kind::UUID => self.pass(16),
            _ => self.skip(kind, deepest),
        }
    }

    fn skip_item(&mut self, kind: u8, deepest: u8) -> io::Result<()> {
        if matches!(kind, kind::TRUE | kind::FALSE) {
            return Err(bad("it has a list of booleans"));
        }
        self.skip_any(kind, deepest)
    }

    /// The number of items and their type.
    fn list(&mut self) -> io::Result<(u64, u8)> {
        let byte = self.byte()?;
        let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
        Ok((count, byte & 15))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_have_their_types_and_lists_no_booleans() {
        let long = |kind: u8| [0xf0 | kind, 0xff, 0xff, 0xff, 0xff, 0x07];
        let refused: [Vec<u8>; 9] = [
            // A version that is a text, rows that are a list.
            vec![0x18, 1, b'1', 0],
            [&[0x39][..], &long(1)].concat(),
            // Unknown: lists of booleans, in a list and in a map, of lists without end, a text that is cut off.
            [&[0x09, 0x80, 1][..], &long(1), &[0]].concat(),
            [&[0x09, 0x80, 1, 0x19][..], &long(2), &[0]].concat(),
            [&[0x0b, 0x80, 1][..], &[0xff, 0xff, 0xff, 0xff, 0x07, 0x11, 0]].concat(),
            [&[0x0a, 0x80, 1][..], &long(2), &[0]].concat(),
            [&[0x09, 0x80, 1][..], &[0x19; 100]].concat(),
            vec![0x08, 0x80, 1, 0x7f, 0],
            [&[0x19][..], &long(5)].concat(),
        ];
        for footer in refused {
            assert!(check(&footer[..]).is_err(), "{footer:x?}");
        }
        // Version 2, no rows; of unknown fields a number, two bytes, a list of texts, a map of numbers, a structure.
        let footer = [
            0x15, 4, 0x26, 0, 0x05, 0x80, 1, 2, 0x08, 0x82, 1, 2, 7, 7, 0x19, 0x18, 1, b'a', 0x1b, 1, 0x55, 2, 4, 0x1c,
            0x11, 0, 0,
        ];
        check(&footer[..]).unwrap();
    }
}
