//! Arrow shards on a volume: layout, atomic write, verified read.
//!
//! The store knows keys and bytes, not datasets: which shards exist is the catalog's word. A published file never
//! changes; a reader that opened one keeps it, also when its name is removed. Every call blocks on the disk: async
//! callers use `spawn_blocking`. Keys stand for paths in the whole API, so that a bucket can take the volume's place.

mod durable;
mod error;
mod file_writer;
mod files;
mod guarded;
pub mod layout;
mod mapped;
mod read;
mod skipped;
mod verified;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::StoreError;
pub use file_writer::FileWriter;
pub use files::{RawFile, SealedFile};
pub use mapped::MappedFile;
pub use read::{Message, ShardReader};
pub use skipped::SkippedRuns;
pub use write::{SealedShard, ShardWriter};

/// A folder (`DATA_DIR`) that holds datasets and their staging area. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ShardStore {
    root: Arc<Path>,
    verified: Arc<verified::Verified>,
}

impl ShardStore {
    /// Opens the store, making its folder and the staging folder when they are missing and the volume is writable.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root: PathBuf = root.into();
        let failed = |source| StoreError::Io { action: "open", key: ".".to_owned(), source };
        std::fs::create_dir_all(&root).map_err(failed)?;
        let store = Self { root: root.canonicalize().map_err(failed)?.into(), verified: Arc::default() };
        // A reader on a read-only volume needs no staging; a writer meets the error when it creates its file.
        if let Err(error) = durable::create_dirs(&store.staging_dir(), &store.root) {
            tracing::debug!(%error, "the staging folder could not be made");
        }
        Ok(store)
    }

    /// The folder of partial downloads and files in the making.
    pub fn staging_dir(&self) -> PathBuf {
        self.root.join(layout::STAGING)
    }

    /// Bytes that an unprivileged process may still write; 0 when the volume does not answer.
    pub fn free_space(&self) -> u64 {
        // Casts, because the width of these fields differs between platforms.
        #[expect(clippy::useless_conversion, reason = "the fields are u32 on some platforms")]
        nix::sys::statvfs::statvfs(&*self.root)
            .map_or(0, |v| u64::from(v.blocks_available()).saturating_mul(u64::from(v.fragment_size())))
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a valid key.
    pub(crate) fn path(&self, key: &str) -> Result<PathBuf, StoreError> {
        layout::validate(key)?;
        Ok(self.root.join(key))
    }
}
