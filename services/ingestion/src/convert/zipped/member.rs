//! One member of an archive, and its way into a file without a name.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use tokio_util::sync::CancellationToken;
use zip::{CompressionMethod, ZipArchive, result::ZipResult};

use super::{
    Input,
    lzma::{Lzma, is_too_much},
    names::shown,
};
use crate::convert::{ConvertError, compressed::LZMA_MEMORY, guard::guard};

/// A stop is noticed after so many bytes at the latest.
const PIECE: u64 = 1 << 20;

/// A member, with the archive that it is in.
#[derive(Debug)]
pub(in crate::convert) struct Member {
    pub(super) archive: Arc<Archive>,
    pub(super) number: usize,
    pub(super) size: u64,
}

#[derive(Debug)]
pub(super) struct Archive {
    pub(super) path: String,
    pub(super) scratch: PathBuf,
    pub(super) zip: Mutex<ZipArchive<Input>>,
}

impl Member {
    /// A file without a name that holds the plain bytes, all of them and checked. `path` is for messages.
    pub(in crate::convert) fn unpack(&self, path: &str, stop: &CancellationToken) -> Result<File, ConvertError> {
        let Archive { path: archive, scratch, zip } = self.archive.as_ref();
        let disk = |source| ConvertError::Disk { file: path.to_owned(), source };
        let member = shown(path.strip_prefix(archive.as_str()).unwrap_or(path).trim_start_matches('/'));
        let bad = |why: String| ConvertError::BadMember { file: archive.clone(), member: member.clone(), why };
        let mut target = tempfile::tempfile_in(scratch).map_err(disk)?;
        let mut zip = zip.lock().unwrap_or_else(PoisonError::into_inner);
        let mut plain = self.plain(&mut zip).map_err(|error| bad(error.to_string()))?;
        let mut left = self.size;
        let mut piece = Vec::new();
        loop {
            if stop.is_cancelled() {
                return Err(ConvertError::Stopped);
            }
            piece.clear();
            let read = guard(|| Ok((&mut plain).take(PIECE).read_to_end(&mut piece)?));
            let read = read.map_err(|cause| {
                if is_too_much(&cause) {
                    let place = format!("`{member}`");
                    return ConvertError::TooMuchMemory { file: archive.clone(), place, limit: LZMA_MEMORY };
                }
                bad(cause.to_string())
            });
            match read? as u64 {
                0 if left == 0 => break,
                0 => return Err(bad(format!("{left} of {} bytes are missing", self.size))),
                read if read > left => return Err(bad(format!("it has more than {} bytes", self.size))),
                read => left -= read,
            }
            io::Write::write_all(&mut target, &piece).map_err(disk)?;
        }
        target.rewind().map_err(disk)?;
        Ok(target)
    }

    /// The plain bytes, whose end is checked.
    fn plain<'a>(&self, zip: &'a mut ZipArchive<Input>) -> ZipResult<Box<dyn Read + 'a>> {
        if zip.by_index_raw(self.number)?.compression() == CompressionMethod::LZMA {
            let packed = zip.by_index_raw(self.number)?;
            let crc = packed.crc32();
            return Ok(Box::new(Lzma::open(packed, self.size, crc)?));
        }
        Ok(Box::new(zip.by_index(self.number)?))
    }
}
