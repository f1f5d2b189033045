//! Members that are packed with LZMA, as Python's `zipfile` writes and reads them.
//!
//! A member says itself how large a dictionary it needs, up to 4 GiB, and the `zip` crate would take that memory. So it
//! only finds the packed bytes, and what unpacks them here has a limit.

use std::{
    error::Error,
    io::{self, BufReader, Chain, Cursor, Read},
};

use flate2::Crc;
use liblzma::{
    bufread::XzDecoder,
    stream::{Error as LzmaError, Stream},
};

use crate::convert::{compressed::LZMA_MEMORY, guard::Cause};

/// The version of what packed it, and the length of the properties that follow.
const HEAD: usize = 4;
const PROPERTIES: usize = 5;

/// The plain bytes of a member; the last read says whether they are what was packed.
pub(super) struct Lzma<R> {
    plain: XzDecoder<BufReader<Chain<Cursor<Vec<u8>>, R>>>,
    crc: Crc,
    expected: u32,
}

impl<R: Read> Lzma<R> {
    /// `size` and `crc` are those of the plain bytes.
    pub(super) fn open(mut packed: R, size: u64, crc: u32) -> io::Result<Self> {
        let mut header = [0; HEAD + PROPERTIES];
        packed.read_exact(&mut header)?;
        let (head, properties) = header.split_at(HEAD);
        if usize::from(u16::from_le_bytes([head[2], head[3]])) != PROPERTIES {
            return Err(io::Error::other("its properties are not those of LZMA"));
        }
        // A `.lzma` file has the same properties, and the size of what it holds behind them.
        let header = [properties, &size.to_le_bytes()].concat();
        let packed = BufReader::new(Cursor::new(header).chain(packed));
        let plain = XzDecoder::new_stream(packed, Stream::new_lzma_decoder(LZMA_MEMORY)?);
        Ok(Self { plain, crc: Crc::new(), expected: crc })
    }
}

impl<R: Read> Read for Lzma<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.plain.read(buffer)?;
        self.crc.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            return Err(io::Error::other("its checksum is another"));
        }
        Ok(read)
    }
}

/// Whether it is the limit on memory that ended reading.
pub(super) fn is_too_much(cause: &Cause) -> bool {
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.and_then(|inner| <dyn Error>::downcast_ref(inner)) == Some(&LzmaError::MemLimit)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use liblzma::{bufread::XzEncoder, stream::LzmaOptions};

    /// With a dictionary of 8 MiB, or one that is claimed.
    pub(in super::super) fn packed(plain: &[u8], dictionary: Option<u32>) -> Vec<u8> {
        let encoder = Stream::new_lzma_encoder(&LzmaOptions::new_preset(6).unwrap()).unwrap();
        let mut alone = Vec::new();
        XzEncoder::new_stream(plain, encoder).read_to_end(&mut alone).unwrap();
        let mut packed = [&[9, 4, 5, 0], &alone[..PROPERTIES], &alone[PROPERTIES + 8..]].concat();
        if let Some(size) = dictionary {
            packed[HEAD + 1..HEAD + PROPERTIES].copy_from_slice(&size.to_le_bytes());
        }
        packed
    }

    fn unpacked(packed: &[u8], plain: &[u8]) -> Result<Vec<u8>, Cause> {
        let mut crc = Crc::new();
        crc.update(plain);
        let mut bytes = Vec::new();
        Lzma::open(packed, plain.len() as u64, crc.sum())?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn what_was_packed_comes_back_whole_or_not_at_all() {
        let text = "a line of text\n".repeat(10_000).into_bytes();
        for plain in [&text[..], b"", b"x"] {
            assert_eq!(unpacked(&packed(plain, None), plain).unwrap(), plain);
        }
        let whole = packed(&text, None);
        for end in [0, 5, 12, whole.len() / 2] {
            assert!(unpacked(&whole[..end], &text).is_err(), "{end}");
        }
        let mut other = text.clone();
        other[0] = b'b';
        assert_eq!(unpacked(&whole, &other).unwrap_err().to_string(), "its checksum is another");
        assert!(unpacked(&whole, &text[1..]).is_err(), "it holds more than it says");
        let unknown = [&[9, 4, 6, 0], &whole[HEAD..]].concat();
        assert!(unpacked(&unknown, &text).unwrap_err().to_string().contains("properties"));
    }

    #[test]
    fn a_dictionary_beyond_the_limit_is_refused_and_not_made() {
        for (size, is_refused) in [(u32::MAX, true), (256 << 20, true), (192 << 20, false)] {
            let read = unpacked(&packed(b"text", Some(size)), b"text");
            assert_eq!((read.is_err(), read.as_ref().is_err_and(is_too_much)), (is_refused, is_refused), "{size}");
        }
    }
}
