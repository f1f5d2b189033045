//! A file of any length that is written as it comes, and is durable under its key once it is sealed.

use std::{io::Write, time::SystemTime};

use sha2::{Digest, Sha256};

use crate::durable::{PendingFile, write_error};
use crate::{SealedFile, ShardStore, StoreError, layout};

/// A file in the making. Dropped before it is sealed, it leaves nothing.
#[derive(Debug)]
pub struct FileWriter {
    store: ShardStore,
    key: String,
    file: PendingFile,
    hasher: Sha256,
    size_bytes: u64,
}

impl FileWriter {
    /// Begins the file that is to have this key.
    pub fn create(store: &ShardStore, key: &str) -> Result<Self, StoreError> {
        layout::validate(key)?;
        let file = PendingFile::create(store, key)?;
        Ok(Self { store: store.clone(), key: key.to_owned(), file, hasher: Sha256::new(), size_bytes: 0 })
    }

    /// Appends.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let needed = Some(bytes.len() as u64);
        self.file.write_all(bytes).map_err(|e| write_error(&self.store, "write", &self.key, needed, e))?;
        self.hasher.update(bytes);
        self.size_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Says that the file is still being made: what is old and unknown is swept. Best effort.
    pub fn touch(&self) {
        drop(self.file.as_file().set_modified(SystemTime::now()));
    }

    /// Syncs and renames; from then on the file stays. Replaces what lies there.
    pub fn seal(self) -> Result<SealedFile, StoreError> {
        self.file.publish()?;
        Ok(SealedFile { key: self.key, size_bytes: self.size_bytes, sha256: self.hasher.finalize().into() })
    }
}
