//! A partial download on disk: locked, resumable after a crash, hashed from its first byte by this process.
//!
//! The file is named by the digest of the content it is to have, so that any job that wants the same content
//! goes on where another stopped. Exactly one holder writes it: who cannot lock it starts a part of its own.
//! What a part already holds is hashed again when it is opened, and the descriptor that was hashed is the one
//! that is handed out: nobody can exchange the file between the check and the use.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    digest::{Digest, Hasher},
    error::HubError,
    listing::RemoteFile,
};

/// So much may be lost to a crash of the machine.
const SYNC_EVERY: u64 = 64 << 20;

const BUFFER: usize = 1 << 20;

pub(crate) struct Part {
    file: File,
    path: PathBuf,
    digest: Digest,
    size: u64,
    hasher: Hasher,
    length: u64,
    unsynced: u64,
    etag: Option<String>,
}

/// How far a part was at some moment.
pub(crate) struct Checkpoint {
    length: u64,
    hasher: Hasher,
}

impl Part {
    /// Opens or creates the part for `remote` and hashes what it holds. Blocking; reads the whole prefix.
    pub(crate) fn open(staging: &Path, remote: &RemoteFile, cancel: &CancellationToken) -> Result<Self, HubError> {
        let disk = |source| HubError::disk(&remote.path, source);
        fs::create_dir_all(staging).map_err(disk)?;
        let (file, path) = lock(staging, &remote.digest).map_err(disk)?;
        let etag = fs::read_to_string(etag_path(&path)).ok();
        let hasher = remote.digest.hasher(remote.size);
        let mut part =
            Self { file, path, digest: remote.digest, size: remote.size, hasher, length: 0, unsynced: 0, etag };
        if part.file.metadata().map_err(disk)?.len() > part.size {
            part.restart().map_err(disk)?;
        }
        part.hash_prefix(cancel).map_err(disk)?;
        if cancel.is_cancelled() { Err(HubError::Cancelled) } else { Ok(part) }
    }

    /// Bytes that are there, in order, from the first.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.length == self.size
    }

    /// The strong `ETag` of the answer that the bytes came from.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// Keeps the `ETag` beside the part for the next process. Without one a resumed part is still verified.
    pub(crate) fn remember_etag(&mut self, etag: Option<&str>) {
        if self.etag.as_deref() != etag {
            let path = etag_path(&self.path);
            let _ = match etag {
                Some(etag) => fs::write(path, etag),
                None => fs::remove_file(path),
            };
            self.etag = etag.map(str::to_owned);
        }
    }

    /// Appends all that arrives until the senders are gone. Blocking.
    pub(crate) fn drain(mut self, mut chunks: mpsc::Receiver<Bytes>) -> (Self, io::Result<()>) {
        while let Some(chunk) = chunks.blocking_recv() {
            if let Err(error) = self.append(&chunk) {
                return (self, Err(error));
            }
        }
        (self, Ok(()))
    }

    /// Appends the rest of `source`, a copy of the same content, until it ends or is cancelled. Blocking.
    pub(crate) fn copy_from(&mut self, mut source: File, cancel: &CancellationToken) -> io::Result<()> {
        source.seek(SeekFrom::Start(self.length))?;
        let mut source = source.take(self.size - self.length);
        let mut buffer = vec![0; BUFFER];
        while !cancel.is_cancelled() {
            match source.read(&mut buffer)? {
                0 => break,
                n => self.append(&buffer[..n])?,
            }
        }
        Ok(())
    }

    /// Throws the content away, but not the file and its lock.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        self.remember_etag(None);
        (self.length, self.hasher) = (0, self.digest.hasher(self.size));
        self.cut()
    }

    /// The present state, to come back to when what follows turns out not to belong to the file.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint { length: self.length, hasher: self.hasher.clone() }
    }

    /// Throws away what came after the checkpoint.
    pub(crate) fn roll_back(&mut self, checkpoint: Checkpoint) -> io::Result<()> {
        (self.length, self.hasher) = (checkpoint.length, checkpoint.hasher);
        self.cut()
    }

    /// The digest of what is there.
    pub(crate) fn digest(&self) -> Digest {
        self.hasher.digest()
    }

    /// Gives out the descriptor that was hashed, at its first byte. It holds the lock for as long as it lives.
    pub(crate) fn finish(mut self) -> io::Result<(File, PathBuf)> {
        self.remember_etag(None);
        self.file.rewind()?;
        Ok((self.file, self.path))
    }

    /// Removes the part: the disk is full, or its content is beyond hope.
    pub(crate) fn discard(mut self) {
        self.remember_etag(None);
        let _ = fs::remove_file(&self.path);
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // A part of the bytes may be there. They are not hashed, so they must go.
            self.cut()?;
            return Err(error);
        }
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= SYNC_EVERY {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Makes the file end where the hashed bytes end.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length)).map(drop)
    }

    fn hash_prefix(&mut self, cancel: &CancellationToken) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        while !cancel.is_cancelled() {
            match self.file.read(&mut buffer)? {
                0 => break,
                n => {
                    self.hasher.update(&buffer[..n]);
                    self.length += n as u64;
                }
            }
        }
        Ok(())
    }
}

/// The part that others can go on with, or one of our own when somebody holds that.
fn lock(staging: &Path, digest: &Digest) -> io::Result<(File, PathBuf)> {
    let mut path = staging.join(format!("{}.part", digest.to_hex()));
    loop {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        match file.try_lock() {
            // Its last holder may have removed the name since it was opened: then the file is nobody's.
            Ok(()) if is_same_file(&file, &path)? => return Ok((file, path)),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                path = staging.join(format!("{}.{:016x}.part", digest.to_hex(), rand::random::<u64>()));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

fn is_same_file(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((held.dev(), held.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn etag_path(part: &Path) -> PathBuf {
    part.with_extension("etag")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"hello\n";

    fn remote() -> RemoteFile {
        let digest = Digest::from_hex("5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03").unwrap();
        RemoteFile { path: "a.txt".to_owned(), size: TEXT.len() as u64, digest }
    }

    fn open(staging: &Path) -> Part {
        Part::open(staging, &remote(), &CancellationToken::new()).unwrap()
    }

    #[test]
    fn a_part_is_taken_up_where_it_was_left() {
        let staging = tempfile::tempdir().unwrap();
        let mut part = open(staging.path());
        part.append(&TEXT[..3]).unwrap();
        part.remember_etag(Some("\"e1\""));
        drop(part);
        let mut part = open(staging.path());
        assert_eq!((part.length(), part.etag()), (3, Some("\"e1\"")));
        part.append(&TEXT[3..]).unwrap();
        assert!(part.is_complete());
        assert_eq!(part.digest(), remote().digest);
        let (mut file, path) = part.finish().unwrap();
        let mut read = Vec::new();
        file.read_to_end(&mut read).unwrap();
        assert_eq!(read, TEXT);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "the etag is gone");
    }

    #[test]
    fn two_holders_never_write_one_file() {
        let staging = tempfile::tempdir().unwrap();
        let (first, second) = (open(staging.path()), open(staging.path()));
        assert_ne!(first.path, second.path);
        assert!(second.path.extension().is_some_and(|extension| extension == "part"));
    }

    #[test]
    fn a_part_that_is_too_long_starts_anew() {
        let staging = tempfile::tempdir().unwrap();
        fs::write(staging.path().join(format!("{}.part", remote().digest.to_hex())), b"much too long").unwrap();
        assert_eq!(open(staging.path()).length(), 0);
    }

    #[test]
    fn discarding_leaves_nothing() {
        let staging = tempfile::tempdir().unwrap();
        let mut part = open(staging.path());
        part.append(TEXT).unwrap();
        part.remember_etag(Some("\"e1\""));
        part.discard();
        assert_eq!(fs::read_dir(staging.path()).unwrap().count(), 0);
    }
}
