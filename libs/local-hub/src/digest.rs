//! What git and LFS know about a file: its blob id, and for large files the sha256 behind the pointer.

use std::{fs::File, io, io::Read, path::Path};

use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// Under which digest a file is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Digest {
    /// Sha1 of git's blob header and the content, in hex.
    Git { oid: String },
    /// Sha256 of the content in hex; `oid` is the sha1 of the small pointer file that git holds instead.
    Lfs { sha256: String, oid: String, pointer_size: usize },
}

impl Digest {
    /// Reads the whole file.
    pub(crate) fn of(path: &Path, size: u64, is_lfs: bool) -> io::Result<Self> {
        if is_lfs {
            let sha256 = hash(path, Sha256::new())?;
            let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n");
            let oid = hex::encode(blob(pointer.len() as u64).chain_update(&pointer).finalize());
            Ok(Self::Lfs { sha256, oid, pointer_size: pointer.len() })
        } else {
            Ok(Self::Git { oid: hash(path, blob(size))? })
        }
    }

    /// The digest of the content itself: what clients verify, and the `ETag`.
    pub(crate) fn etag(&self) -> &str {
        match self {
            Self::Git { oid } => oid,
            Self::Lfs { sha256, .. } => sha256,
        }
    }

    /// Git's blob id.
    pub(crate) fn oid(&self) -> &str {
        let (Self::Git { oid } | Self::Lfs { oid, .. }) = self;
        oid
    }
}

fn blob(size: u64) -> Sha1 {
    Sha1::new_with_prefix(format!("blob {size}\0"))
}

fn hash<H: sha1::Digest>(path: &Path, mut hasher: H) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "hello\n").unwrap();
        // `git hash-object` and `sha256sum` of the same bytes.
        let git = Digest::of(&path, 6, false).unwrap();
        assert_eq!(git.etag(), "ce013625030ba8dba906f756967f9e9ca394464a");
        let lfs = Digest::of(&path, 6, true).unwrap();
        assert_eq!(lfs.etag(), "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
        assert_ne!(lfs.oid(), git.oid());
    }
}
