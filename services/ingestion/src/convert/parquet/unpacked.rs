//! Whether pages unpack to what their headers say: for some codecs the decoder unpacks whatever comes, and compares the
//! sizes afterwards. Theirs are unpacked once before, into nothing.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use parquet::{basic::Compression, file::reader::ChunkReader};

use super::pages::PageHead;
use crate::convert::guard::Cause;

const BUFFER: usize = 32 << 10;

pub(super) fn check<R: ChunkReader>(file: &R, codec: Compression, pages: &[PageHead]) -> Result<(), Cause> {
    for page in pages.iter().filter(|page| page.is_packed) {
        let packed = || Ok::<_, Cause>(file.get_read(page.at + page.levels)?.take(page.packed - page.levels));
        let room = page.plain - page.levels;
        let is_larger = match codec {
            Compression::GZIP(_) => exceeds(MultiGzDecoder::new(packed()?), room),
            Compression::BROTLI(_) => exceeds(brotli::Decompressor::new(packed()?, BUFFER), room),
            // One of the forms that this may have.
            Compression::LZ4 => exceeds(FrameDecoder::new(packed()?), room),
            // Their decoders get no more room than that.
            Compression::UNCOMPRESSED
            | Compression::SNAPPY
            | Compression::ZSTD(_)
            | Compression::LZ4_RAW
            | Compression::LZO => return Ok(()),
        };
        if is_larger {
            return Err("a page unpacks to more than it says".into());
        }
    }
    Ok(())
}

/// What breaks off is for the decoder to say.
fn exceeds(plain: impl Read, room: u64) -> bool {
    io::copy(&mut plain.take(room + 1), &mut io::sink()).is_ok_and(|bytes| bytes > room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use parquet::basic::{BrotliLevel, GzipLevel};
    use std::io::Write;

    #[test]
    fn a_page_that_unpacks_to_more_than_it_says_is_refused() {
        let plain = vec![0; 1 << 20];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&plain).unwrap();
        let mut brotli = brotli::CompressorWriter::new(Vec::new(), BUFFER, 1, 20);
        brotli.write_all(&plain).unwrap();
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(&plain).unwrap();
        for (codec, packed) in [
            (Compression::GZIP(GzipLevel::default()), gzip.finish().unwrap()),
            (Compression::BROTLI(BrotliLevel::default()), brotli.into_inner()),
            (Compression::LZ4, lz4.finish().unwrap()),
        ] {
            let file = Bytes::from([&b"....."[..], &packed].concat());
            let head = PageHead { at: 3, levels: 2, packed: packed.len() as u64 + 2, ..PageHead::default() };
            let saying = |plain: u64| PageHead { plain: plain + 2, is_packed: true, ..head };
            assert!(check(&file, codec, &[saying(1 << 20)]).is_ok(), "{codec}");
            assert!(check(&file, codec, &[saying(1 << 20), saying((1 << 20) - 1)]).is_err(), "{codec}");
            assert!(check(&file, codec, &[PageHead { is_packed: false, ..saying(9) }]).is_ok(), "{codec}");
            // Not whole: the decoder says so.
            assert!(check(&file.slice(..packed.len()), codec, &[saying(1 << 20)]).is_ok(), "{codec}");
        }
        assert!(
            check(&Bytes::new(), Compression::SNAPPY, &[PageHead { is_packed: true, ..PageHead::default() }]).is_ok()
        );
    }
}
