//! Files that appear whole or not at all, and stay after a crash.
//!
//! Bytes go to a private name in `staging/`, are synced, renamed to their key, and then the folder and each folder
//! made for it are synced: a rename is durable only with its folder. After a failed write or sync the temporary file
//! is dropped and never synced again, because the kernel reports a lost page only once and a second sync would lie.
//!
//! While a file grows the disk is already told to write it, so that the sync at its end has little left to wait for.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::libc;
use tempfile::{Builder, NamedTempFile};

use crate::error::is_out_of_space;
use crate::{ShardStore, StoreError};

/// Bytes that the disk is told to write at a time.
const WRITEBACK_BYTES: u64 = 8 << 20;

/// A file in the making. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct PendingFile {
    store: ShardStore,
    key: String,
    temporary: NamedTempFile,
    /// Its length, and how much of it the disk was told to write.
    length: u64,
    told: u64,
}

impl PendingFile {
    pub(crate) fn create(store: &ShardStore, key: &str) -> Result<Self, StoreError> {
        let staging = store.staging_dir();
        let temporary = create_dirs(&staging, store.root())
            // Other users read published shards (a flight process under its own uid); the umask still applies.
            .and_then(|()| {
                Builder::new().permissions(Permissions::from_mode(0o644)).suffix(".tmp").tempfile_in(staging)
            })
            .map_err(|e| write_error(store, "create a temporary file for", key, None, e))?;
        Ok(Self { store: store.clone(), key: key.to_owned(), temporary, length: 0, told: 0 })
    }

    pub(crate) fn as_file(&self) -> &File {
        self.temporary.as_file()
    }

    /// Syncs and renames to the key; replaces what lies there. Any error leaves no file behind.
    pub(crate) fn publish(self) -> Result<(), StoreError> {
        let Self { store, key, temporary, .. } = self;
        let failed = |action, e| write_error(&store, action, &key, None, e);
        temporary.as_file().sync_all().map_err(|e| failed("sync", e))?;

        let target = store.path(&key)?;
        rename(temporary, &target, store.root()).map_err(|e| failed("rename", e))?;
        if let Err(e) = sync_parent(&target) {
            // The name may be lost in a crash: without a durable name the file must not be committed.
            drop(std::fs::remove_file(&target));
            return Err(failed("sync the folder of", e));
        }
        Ok(())
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.temporary.as_file_mut().write(bytes)?;
        self.length += written as u64;
        if self.length - self.told >= WRITEBACK_BYTES {
            start_writeback(self.as_file(), self.told, self.length - self.told);
            self.told = self.length;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to write a range to the disk, without waiting for it and without a promise: an error is the sync's to report.
#[expect(unsafe_code, reason = "no library has the call")]
fn start_writeback(file: &File, offset: u64, length: u64) {
    let (offset, length) = (offset.cast_signed(), length.cast_signed());
    // SAFETY: takes numbers, and a descriptor that is open as long as `file` is.
    let _ = unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Maps an I/O error of a write; an exhausted volume gets its own variant with the space that is left.
pub(crate) fn write_error(
    store: &ShardStore,
    action: &'static str,
    key: &str,
    needed: Option<u64>,
    source: io::Error,
) -> StoreError {
    if is_out_of_space(&source) {
        StoreError::DiskFull { key: key.to_owned(), needed, free: store.free_space() }
    } else {
        StoreError::Io { action, key: key.to_owned(), source }
    }
}

/// Renames, making the folders first; again whenever a neighbour's removal took a folder in between.
///
/// Each further try means that such a removal came to its end, so somebody always gets on; the bound is there for a
/// volume that answers "not found" for reasons of its own.
fn rename(mut temporary: NamedTempFile, target: &Path, root: &Path) -> io::Result<()> {
    const TRIES: usize = 1000;
    let parent = target.parent().unwrap_or(root);
    let mut tries = 0;
    loop {
        let error = match create_dirs(parent, root) {
            Err(error) => error,
            Ok(()) => match temporary.persist(target) {
                Ok(_) => return Ok(()),
                Err(failed) => {
                    temporary = failed.file;
                    failed.error
                }
            },
        };
        tries += 1;
        if error.kind() != io::ErrorKind::NotFound || tries == TRIES {
            return Err(error);
        }
    }
}

/// Makes the folders from `root` down to `dir`, and makes each new name durable.
pub(crate) fn create_dirs(dir: &Path, root: &Path) -> io::Result<()> {
    let missing: Vec<PathBuf> =
        dir.ancestors().take_while(|d| *d != root && !d.is_dir()).map(Path::to_path_buf).collect();
    for new in missing.iter().rev() {
        match std::fs::create_dir(new) {
            Ok(()) => sync_parent(new)?,
            // A neighbour made it first; it also syncs it, but perhaps not yet.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => sync_parent(new)?,
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Syncs the folder that holds `path`.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
