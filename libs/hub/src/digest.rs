//! The digests that the Hub declares for a file, and the hashers that check them.

use std::fmt;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// What a file's content must hash to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Digest {
    /// Of an LFS or Xet file: sha256 of the content.
    Sha256([u8; 32]),
    /// Of a plain git file: sha1 of `blob {size}\0` and the content.
    GitSha1([u8; 20]),
}

impl Digest {
    /// The digest in lower-case hex, as it stands in the Hub's answers and in its cache.
    pub fn to_hex(&self) -> String {
        match self {
            Self::Sha256(bytes) => hex::encode(bytes),
            Self::GitSha1(bytes) => hex::encode(bytes),
        }
    }

    /// Reads 64 hex digits as sha256 and 40 as a git blob id.
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = hex::decode(text).ok()?;
        match bytes.len() {
            32 => bytes.try_into().ok().map(Self::Sha256),
            20 => bytes.try_into().ok().map(Self::GitSha1),
            _ => None,
        }
    }

    /// A hasher for content of `size` bytes that gives the same kind of digest.
    pub(crate) fn hasher(&self, size: u64) -> Hasher {
        match self {
            Self::Sha256(_) => Hasher::Sha256(Sha256::new()),
            Self::GitSha1(_) => Hasher::GitSha1(Sha1::new_with_prefix(format!("blob {size}\0"))),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Sha256(_) => "sha256",
            Self::GitSha1(_) => "git-sha1",
        };
        write!(f, "{kind}:{}", self.to_hex())
    }
}

/// A digest in the making.
#[derive(Clone)]
pub(crate) enum Hasher {
    Sha256(Sha256),
    GitSha1(Sha1),
}

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::GitSha1(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest::Sha256(hasher.clone().finalize().into()),
            Self::GitSha1(hasher) => Digest::GitSha1(hasher.clone().finalize().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_as_git_and_sha256sum() {
        for hex in [
            "ce013625030ba8dba906f756967f9e9ca394464a",
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
        ] {
            let declared = Digest::from_hex(hex).unwrap();
            let mut hasher = declared.hasher(6);
            hasher.update(b"hel");
            hasher.update(b"lo\n");
            assert_eq!(hasher.digest(), declared);
            assert_eq!(declared.to_hex(), hex);
        }
        assert_eq!(Digest::from_hex("00"), None);
        assert_eq!(Digest::from_hex("zz013625030ba8dba906f756967f9e9ca394464a"), None);
    }
}
