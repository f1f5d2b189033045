//! Whole files by key: manifests, removal, verification, and the raw listing that the orphan sweep compares.
//!
//! Removal is idempotent, because a garbage task may run twice.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::Path;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::durable::sync_parent;
use crate::{FileWriter, ShardStore, StoreError, layout};

/// A file that is durable under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedFile {
    /// Storage key, relative to the store's root.
    pub key: String,
    /// Length in bytes.
    pub size_bytes: u64,
    /// sha256 of the content.
    pub sha256: [u8; 32],
}

/// A file as the raw directory listing shows it, whether or not the catalog knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFile {
    /// Key relative to the store's root.
    pub key: String,
    /// Length in bytes.
    pub size_bytes: u64,
    /// Last modification, by the volume's clock.
    pub modified: SystemTime,
}

impl ShardStore {
    /// Writes a small file whole: temporary name, sync, rename, sync of the folder. Replaces what lies there.
    pub fn write_file(&self, key: &str, bytes: &[u8]) -> Result<SealedFile, StoreError> {
        let mut file = FileWriter::create(self, key)?;
        file.write(bytes)?;
        file.seal()
    }

    /// Reads a small file whole.
    pub fn read_file(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        fs::read(self.path(key)?).map_err(|e| StoreError::on_read("read", key, e))
    }

    /// Reads the file back and compares its length and sha256 with what the writer or the manifest says.
    pub fn verify_shard(&self, key: &str, sha256: &[u8; 32], size_bytes: u64) -> Result<(), StoreError> {
        self.open_source(key, sha256, size_bytes).map(drop)
    }

    /// The same, and gives the very file that was read, at its first byte.
    pub fn open_source(&self, key: &str, sha256: &[u8; 32], size_bytes: u64) -> Result<File, StoreError> {
        let on_read = |e| StoreError::on_read("read", key, e);
        let mut file = File::open(self.path(key)?).map_err(on_read)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        let mut actual_size = 0;
        loop {
            let n = file.read(&mut buffer).map_err(on_read)?;
            if n == 0 {
                break;
            }
            hasher.update(&buffer[..n]);
            actual_size += n as u64;
        }
        if actual_size != size_bytes {
            return Err(StoreError::SizeMismatch { key: key.to_owned(), expected: size_bytes, actual: actual_size });
        }
        let actual: [u8; 32] = hasher.finalize().into();
        if actual != *sha256 {
            let (expected, actual) = (hex::encode(sha256), hex::encode(actual));
            return Err(StoreError::DigestMismatch { key: key.to_owned(), expected, actual });
        }
        file.rewind().map_err(on_read)?;
        Ok(file)
    }

    /// Makes a file look as if it was written now, so that no sweep takes it for forgotten. Best effort.
    pub fn touch(&self, key: &str) {
        drop(
            self.path(key)
                .map(|path| File::options().write(true).open(path).and_then(|f| f.set_modified(SystemTime::now()))),
        );
    }

    /// Removes a file and the folders that it leaves empty. Returns whether it was there. Open readers keep it.
    pub fn remove(&self, key: &str) -> Result<bool, StoreError> {
        let path = self.path(key)?;
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(StoreError::Io { action: "remove", key: key.to_owned(), source }),
        }
        self.remove_empty_parents(&path);
        Ok(true)
    }

    /// Removes a folder with everything in it, such as [`layout::dataset_dir`]. Returns whether it was there.
    pub fn remove_dir(&self, dir: &str) -> Result<bool, StoreError> {
        let path = self.path(dir)?;
        match fs::remove_dir_all(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(StoreError::Io { action: "remove", key: dir.to_owned(), source }),
        }
        self.remove_empty_parents(&path);
        Ok(true)
    }

    /// Every file under the root, as the volume lists it, sorted by key.
    pub fn list_raw(&self) -> Result<Vec<RawFile>, StoreError> {
        let mut files = Vec::new();
        let mut folders = vec![self.root().to_path_buf()];
        while let Some(folder) = folders.pop() {
            list_folder(self.root(), &folder, &mut folders, &mut files).map_err(|source| StoreError::Io {
                action: "list",
                key: key_of(self.root(), &folder).unwrap_or_default(),
                source,
            })?;
        }
        files.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(files)
    }

    /// Best effort: a folder that is not empty, or that a writer is filling right now, stays.
    fn remove_empty_parents(&self, path: &Path) {
        let kept = [self.root().to_path_buf(), self.root().join(layout::DATASETS), self.staging_dir()];
        for parent in path.ancestors().skip(1).take_while(|p| !kept.iter().any(|k| k == p)) {
            if fs::remove_dir(parent).is_err() {
                // The removed name is what must not come back after a crash.
                drop(sync_parent(&parent.join("removed")));
                return;
            }
        }
        drop(File::open(self.root().join(layout::DATASETS)).and_then(|d| d.sync_all()));
    }
}

/// Files may vanish while they are listed: a sweep looks at a running system.
fn list_folder(
    root: &Path,
    folder: &Path,
    folders: &mut Vec<std::path::PathBuf>,
    files: &mut Vec<RawFile>,
) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let entry = entry?;
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        if metadata.is_dir() {
            folders.push(entry.path());
        } else if let Some(key) = key_of(root, &entry.path()) {
            files.push(RawFile { key, size_bytes: metadata.len(), modified: metadata.modified()? });
        } else {
            tracing::warn!(path = %entry.path().display(), "a file with a foreign name lies in the shard store");
        }
    }
    Ok(())
}

/// None for names that are not UTF-8: this store never wrote them.
fn key_of(root: &Path, path: &Path) -> Option<String> {
    path.strip_prefix(root).ok()?.to_str().map(str::to_owned)
}
