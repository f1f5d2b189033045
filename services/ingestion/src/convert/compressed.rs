//! The plain bytes of a source file: unpacked by its name, else by its first bytes; stoppable and bounded.
//!
//! Sources come from strangers, and 200 KB can unpack to 200 MB and more: what grows beyond the ratio is refused.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
};

use flate2::bufread::GzDecoder;
use liblzma::{bufread::XzDecoder, stream::Stream};
use lz4_flex::frame::FrameDecoder;
use shard_store::MappedFile;
use tokio_util::sync::CancellationToken;

use super::{
    BOMB_BYTES, BOMB_RATIO, ConvertError,
    decoded::{Decoded, NoText, is_needed},
};
use crate::plan::Options;

/// What is unpacked is shown in parts, and a stop is noticed between them …
const BUFFER: usize = 256 << 10;
/// … as it is in what lies plain on the disk: larger than most rows, which are then looked at where they are.
const SHOWN: usize = 4 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Lz4,
    Unsupported(&'static str),
}

impl Packing {
    fn kind(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lz4 => "lz4",
            Self::Unsupported(kind) => kind,
        }
    }
}

fn by_name(path: &str) -> Packing {
    match path.rsplit('.').next().unwrap_or_default() {
        "gz" | "gzip" => Packing::Gzip,
        "zst" | "zstd" => Packing::Zstd,
        "bz2" => Packing::Bzip2,
        "xz" => Packing::Xz,
        "lz4" => Packing::Lz4,
        "zip" => Packing::Unsupported("zip"),
        _ => Packing::None,
    }
}

fn by_magic(head: &[u8]) -> Packing {
    const MAGIC: [(&[u8], Packing); 6] = [
        (b"\x1f\x8b", Packing::Gzip),
        (b"\x28\xb5\x2f\xfd", Packing::Zstd),
        (b"BZh", Packing::Bzip2),
        (b"\xfd7zXZ\0", Packing::Xz),
        (b"\x04\x22\x4d\x18", Packing::Lz4),
        (b"PK\x03\x04", Packing::Unsupported("zip")),
    ];
    MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map_or(Packing::None, |(_, packing)| *packing)
}

/// The plain bytes of a file, from its first one.
pub(super) struct Plain {
    input: Box<dyn BufRead + Send>,
    file: String,
    size: u64,
    packing: Packing,
}

impl Plain {
    /// `path` is the file's name in its repository.
    pub(super) fn open(file: &File, path: &str, stop: &CancellationToken) -> Result<Self, ConvertError> {
        let disk = |source| ConvertError::Disk { file: path.to_owned(), source };
        let file = file.try_clone().and_then(MappedFile::open).map_err(disk)?;
        let size = file.len() as u64;
        let packing = match by_name(path) {
            Packing::None => by_magic(&file),
            named => named,
        };
        let packed = Stored { file, at: 0, shown: 0, stop: stop.clone() };
        let plain: Box<dyn Read + Send> = match packing {
            Packing::None => {
                return Ok(Self { input: Box::new(packed), file: path.to_owned(), size, packing });
            }
            Packing::Gzip => Box::new(GzipMembers { member: Some(GzDecoder::new(packed)) }),
            Packing::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(packed).map_err(disk)?),
            Packing::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
            Packing::Xz => Box::new(xz(packed).map_err(|error| disk(error.into()))?),
            Packing::Lz4 => Box::new(Lz4Frames::new(packed)),
            Packing::Unsupported(kind) => {
                return Err(ConvertError::UnsupportedCompression { file: path.to_owned(), kind });
            }
        };
        let unpacked = Unpacked { plain, stop: stop.clone(), left: BOMB_BYTES.max(size.saturating_mul(BOMB_RATIO)) };
        let input = Box::new(BufReader::with_capacity(BUFFER, unpacked));
        Ok(Self { input, file: path.to_owned(), size, packing })
    }

    /// The same as UTF-8, whatever the card says that the text is in.
    pub(super) fn decoded(self, options: &Options) -> Self {
        if !is_needed(options) {
            return self;
        }
        Self { input: Box::new(Decoded::new(self.input, options)), ..self }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// What an error of reading means.
    pub(super) fn error(&self, source: io::Error) -> ConvertError {
        let file = self.file.clone();
        if let Some(NoText(byte)) = source.get_ref().and_then(|inner| inner.downcast_ref()) {
            return ConvertError::NoText { file, byte: *byte };
        }
        match source.get_ref().and_then(|inner| inner.downcast_ref::<Refused>()) {
            Some(Refused::Stopped) => ConvertError::Stopped,
            Some(Refused::TooMuch) => ConvertError::Bomb { file, size: self.size, ratio: BOMB_RATIO },
            // The decoders' own errors do not come from the operating system.
            None if self.packing != Packing::None && source.raw_os_error().is_none() => {
                ConvertError::BadCompression { file, kind: self.packing.kind(), source }
            }
            None => ConvertError::Disk { file, source },
        }
    }
}

impl Read for Plain {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer)
    }
}

impl BufRead for Plain {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.input.consume(amount);
    }
}

/// The header of what LZMA packed says how much memory unpacking takes: more than any level needs is refused.
pub(super) const LZMA_MEMORY: u64 = 256 << 20;

/// All streams of an xz file.
fn xz<R: BufRead>(packed: R) -> Result<XzDecoder<R>, liblzma::stream::Error> {
    Ok(XzDecoder::new_stream(packed, Stream::new_stream_decoder(LZMA_MEMORY, liblzma::stream::CONCATENATED)?))
}

/// All members of a gzip file; zeros behind one are the padding of tapes and blocks, and nothing.
struct GzipMembers<R: BufRead> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(mut packed) = self.member.take().map(GzDecoder::into_inner) else { break };
            while let Some(next) = packed.fill_buf()?.first().copied() {
                if next != 0 {
                    self.member = Some(GzDecoder::new(packed));
                    break;
                }
                packed.consume(1);
            }
        }
        Ok(0)
    }
}

/// All frames of an lz4 file; the decoder stops after each, and as quietly where the file was cut off.
struct Lz4Frames<R: BufRead> {
    frame: Option<FrameDecoder<Watched<R>>>,
}

impl<R: BufRead> Lz4Frames<R> {
    fn new(packed: R) -> Self {
        Self { frame: Some(FrameDecoder::new(Watched { packed, ran_out: false })) }
    }
}

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(frame) = &mut self.frame {
            let read = frame.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(Watched { mut packed, ran_out }) = self.frame.take().map(FrameDecoder::into_inner) else { break };
            // Behind the mark of its end nothing more is asked of a frame.
            if ran_out {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if !packed.fill_buf()?.is_empty() {
                *self = Self::new(packed);
            }
        }
        Ok(0)
    }
}

/// Remembers whether more was asked for than there is.
struct Watched<R> {
    packed: R,
    ran_out: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.packed.read(buffer)?;
        self.ran_out |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}

/// Why reading ended although there is more.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("stopped")]
    Stopped,
    #[error("too much")]
    TooMuch,
}

/// A file as it lies on the disk, shown in parts.
struct Stored {
    file: MappedFile,
    at: usize,
    /// The end of the part.
    shown: usize,
    stop: CancellationToken,
}

impl BufRead for Stored {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.shown {
            if self.stop.is_cancelled() {
                return Err(io::Error::other(Refused::Stopped));
            }
            self.file.check_length()?;
            self.shown = self.file.len().min(self.at + SHOWN);
        }
        Ok(&self.file[self.at..self.shown])
    }

    fn consume(&mut self, amount: usize) {
        self.at = self.shown.min(self.at + amount);
    }
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// What a file unpacks to.
struct Unpacked {
    plain: Box<dyn Read + Send>,
    stop: CancellationToken,
    left: u64,
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other(Refused::Stopped));
        }
        let read = self.plain.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other(Refused::TooMuch))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn open(path: &str, content: &[u8]) -> Result<String, ConvertError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        let mut plain = Plain::open(&file, path, &CancellationToken::new())?;
        let mut text = String::new();
        plain.read_to_string(&mut text).map_err(|e| plain.error(e))?;
        Ok(text)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn several_members_and_frames_are_read_to_the_end() {
        let members = [gzip("a\n"), gzip("b\n")].concat();
        assert_eq!(open("x.jsonl.gz", &members).unwrap(), "a\nb\n");
        let frame = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
        assert_eq!(open("x.jsonl.zst", &[frame("a\n"), frame("b\n")].concat()).unwrap(), "a\nb\n");
    }

    #[test]
    fn an_lz4_file_that_was_cut_anywhere_is_not_whole() {
        let info = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max64KB);
        let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
        let text = "a line\n".repeat(30_000);
        encoder.write_all(text.as_bytes()).unwrap();
        let frame = encoder.finish().unwrap();
        let twice = [frame.clone(), frame.clone()].concat();
        assert_eq!(open("x.txt.lz4", &twice).unwrap(), text.repeat(2));
        for end in (1..twice.len()).filter(|end| *end != frame.len()) {
            let cut = open("x.txt.lz4", &twice[..end]);
            assert!(matches!(cut, Err(ConvertError::BadCompression { kind: "lz4", .. })), "{end}");
        }
    }

    #[test]
    fn the_name_counts_then_the_first_bytes() {
        assert_eq!(open("x.jsonl", &gzip("a")).unwrap(), "a");
        assert_eq!(open("x.jsonl", b"plain").unwrap(), "plain");
        assert!(matches!(open("x.jsonl.gz", b"plain"), Err(ConvertError::BadCompression { kind: "gzip", .. })));
        let cut = &gzip(&"abc".repeat(1000))[..20];
        assert!(matches!(open("x.jsonl.gz", cut), Err(ConvertError::BadCompression { .. })));
        assert!(matches!(open("x", b"BZh91AY"), Err(ConvertError::BadCompression { kind: "bzip2", .. })));
        assert!(matches!(open("x", b"PK\x03\x04"), Err(ConvertError::UnsupportedCompression { kind: "zip", .. })));
    }

    #[test]
    fn a_stop_ends_reading() {
        let stop = CancellationToken::new();
        stop.cancel();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        let mut plain = Plain::open(&file, "x", &stop).unwrap();
        let error = plain.read(&mut [0; 1]).unwrap_err();
        assert!(matches!(plain.error(error), ConvertError::Stopped));
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = zstd::encode_all(io::repeat(b'x').take(BOMB_BYTES + (1 << 20)), 1).unwrap();
        assert!(bomb.len() < 1 << 20);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bomb).unwrap();
        let mut plain = Plain::open(&file, "x.zst", &CancellationToken::new()).unwrap();
        let error = io::copy(&mut plain, &mut io::sink()).unwrap_err();
        assert!(matches!(plain.error(error), ConvertError::Bomb { ratio: BOMB_RATIO, .. }));
    }
}
