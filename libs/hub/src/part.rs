//! A partial download on disk: locked, resumable after a crash, hashed from its first byte by this process.
//!
//! The file is named by the digest of the content it is to have, so that any job that wants the same content
//! goes on where another stopped. Exactly one holder writes it: who cannot lock it starts a part of its own.
//! What a part already holds is hashed again when it is opened, and the descriptor that was hashed is the one
//! that is handed out: nobody can exchange the file between the check and the use.
//!
//! Several streams may write at once. Bytes ahead of the contiguous beginning wait on disk and are hashed when it
//! reaches them. Such a file is full of holes, so a line behind its last byte says what of it is there.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    digest::{Digest, Hasher},
    error::HubError,
    listing::RemoteFile,
    spans::{Span, Spans},
    syncing::Syncing,
};

/// After so many bytes the disk is told to keep them; so much of a file with holes may be lost to a crash of the process.
const SYNC_EVERY: u64 = 64 << 20;

const BUFFER: usize = 1 << 20;

/// Bytes with their place in the file.
pub(crate) type Chunk = (u64, Bytes);

pub(crate) struct Part {
    file: File,
    path: PathBuf,
    digest: Digest,
    size: u64,
    hasher: Hasher,
    length: u64,
    /// What came beyond `length`.
    ahead: Spans,
    /// Whether the file ends with a line that says what is there, and not where the hashed bytes end.
    has_line: bool,
    unsynced: u64,
    syncing: Syncing,
    etag: Option<String>,
    /// Ends what reads many bytes back.
    cancel: CancellationToken,
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
        let (digest, size, cancel) = (remote.digest, remote.size, cancel.clone());
        let (length, ahead, has_line, unsynced) = (0, Spans::default(), false, 0);
        let syncing = Syncing::default();
        let mut part =
            Self { file, path, digest, size, hasher, length, ahead, has_line, unsynced, syncing, etag, cancel };
        part.take_up().map_err(disk)?;
        if part.cancel.is_cancelled() { Err(HubError::Cancelled) } else { Ok(part) }
    }

    /// All bytes that are there.
    pub(crate) fn present(&self) -> u64 {
        self.length + self.ahead.bytes()
    }

    /// Whether bytes came ahead of others.
    pub(crate) fn has_holes(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// What is missing, in order, in pieces of at most `longest` bytes.
    pub(crate) fn missing(&self, longest: u64) -> impl Iterator<Item = Span> {
        self.ahead.gaps(Span { first: self.length, end: self.size }, longest)
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

    /// Writes all that arrives until the senders are gone. Blocking.
    pub(crate) fn drain(mut self, mut chunks: mpsc::Receiver<Chunk>) -> (Self, io::Result<()>) {
        while let Some((at, bytes)) = chunks.blocking_recv() {
            if let Err(error) = self.write(at, &bytes) {
                return (self, Err(error));
            }
        }
        let left = match (self.has_line, self.has_holes()) {
            (true, true) => self.say_what_is_there(),
            (true, false) => self.cut(),
            (false, _) => Ok(()),
        };
        (self, left)
    }

    /// Appends the rest of `source`, a copy of the same content, until it ends or is cancelled. Blocking.
    pub(crate) fn copy_from(&mut self, mut source: File, cancel: &CancellationToken) -> io::Result<()> {
        self.cut()?;
        source.seek(SeekFrom::Start(self.length))?;
        let mut source = source.take(self.size - self.length);
        let mut buffer = vec![0; BUFFER];
        while !cancel.is_cancelled() {
            match source.read(&mut buffer)? {
                0 => break,
                n => self.write(self.length, &buffer[..n])?,
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
        self.cut()?;
        self.file.rewind()?;
        Ok((self.file, self.path))
    }

    /// Removes the part: the disk is full, or its content is beyond hope.
    pub(crate) fn discard(mut self) {
        self.remember_etag(None);
        let _ = fs::remove_file(&self.path);
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        if at > self.length && !self.has_line {
            self.say_what_is_there()?;
        }
        if let Err(error) = self.file.write_all_at(bytes, at) {
            // A part of the bytes may be there. They are not hashed, so they must go.
            if !self.has_line {
                self.cut()?;
            }
            return Err(error);
        }
        let end = at + bytes.len() as u64;
        if at == self.length {
            self.hasher.update(bytes);
            self.length = end;
            self.hash_ahead()?;
        } else {
            self.ahead.insert(Span { first: at, end });
        }
        self.unsynced += bytes.len() as u64;
        if self.unsynced < SYNC_EVERY {
            return Ok(());
        }
        if self.has_line {
            return self.say_what_is_there();
        }
        self.unsynced = 0;
        self.syncing.again(&self.path)
    }

    /// Behind the last byte, where a file without holes never has anything. Only what is synced is said to be there.
    fn say_what_is_there(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        (self.has_line, self.unsynced) = (true, 0);
        self.file.write_all_at(self.ahead.to_line(self.length).as_bytes(), self.size)
    }

    /// Makes the file end where the hashed bytes end.
    fn cut(&mut self) -> io::Result<()> {
        (self.ahead, self.has_line) = (Spans::default(), false);
        self.file.set_len(self.length)
    }

    /// Hashes what an earlier process left.
    fn take_up(&mut self) -> io::Result<()> {
        let held = self.file.metadata()?.len();
        if held <= self.size {
            return self.hash(held);
        }
        let mut line = vec![0; usize::try_from(held - self.size).unwrap_or(usize::MAX).min(BUFFER)];
        self.file.read_exact_at(&mut line, self.size)?;
        match Spans::from_line(&String::from_utf8_lossy(&line), self.size) {
            Some((length, ahead)) => {
                (self.ahead, self.has_line) = (ahead, true);
                self.hash(length)?;
                self.hash_ahead()
            }
            None => self.restart(),
        }
    }

    /// Goes on over the bytes that came ahead and are reached now.
    fn hash_ahead(&mut self) -> io::Result<()> {
        while !self.cancel.is_cancelled()
            && let Some(span) = self.ahead.take(self.length)
        {
            self.hash(span.end)?;
            if self.length < span.end {
                self.ahead.insert(Span { first: self.length, end: span.end });
            }
        }
        Ok(())
    }

    /// Hashes what is on disk up to `end`.
    fn hash(&mut self, end: u64) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        while self.length < end && !self.cancel.is_cancelled() {
            let most = usize::try_from(end - self.length).unwrap_or(BUFFER).min(BUFFER);
            match self.file.read_at(&mut buffer[..most], self.length)? {
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
        part.write(0, &TEXT[..3]).unwrap();
        part.remember_etag(Some("\"e1\""));
        drop(part);
        let mut part = open(staging.path());
        assert_eq!((part.length, part.etag()), (3, Some("\"e1\"")));
        part.write(3, &TEXT[3..]).unwrap();
        assert!(part.is_complete());
        assert_eq!(part.digest(), remote().digest);
        let (mut file, path) = part.finish().unwrap();
        let mut read = Vec::new();
        file.read_to_end(&mut read).unwrap();
        assert_eq!(read, TEXT);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "the etag is gone");
    }

    #[test]
    fn holes_are_not_taken_for_content_after_a_kill() {
        let staging = tempfile::tempdir().unwrap();
        let mut part = open(staging.path());
        part.write(0, &TEXT[..1]).unwrap();
        part.write(3, &TEXT[3..5]).unwrap();
        part.write(1, &TEXT[1..2]).unwrap();
        assert_eq!((part.length, part.present()), (2, 4));
        drop(part);
        let part = open(staging.path());
        assert_eq!((part.length, part.present()), (1, 1), "what was last said to be there");
    }

    #[test]
    fn what_came_ahead_is_taken_up_and_hashed_when_it_is_reached() {
        let staging = tempfile::tempdir().unwrap();
        let (sender, receiver) = mpsc::channel(2);
        sender.try_send((4, Bytes::from_static(&TEXT[4..]))).unwrap();
        sender.try_send((0, Bytes::from_static(&TEXT[..2]))).unwrap();
        drop(sender);
        open(staging.path()).drain(receiver).1.unwrap();
        let mut part = open(staging.path());
        assert_eq!((part.length, part.present(), part.is_complete()), (2, 4, false));
        assert_eq!(part.missing(1).collect::<Vec<_>>(), [Span { first: 2, end: 3 }, Span { first: 3, end: 4 }]);
        part.write(2, &TEXT[2..4]).unwrap();
        assert_eq!((part.is_complete(), part.digest()), (true, remote().digest));
        let (file, _) = part.finish().unwrap();
        assert_eq!(file.metadata().unwrap().len(), TEXT.len() as u64, "the line is gone");
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
        assert_eq!(open(staging.path()).length, 0);
    }

    #[test]
    fn discarding_leaves_nothing() {
        let staging = tempfile::tempdir().unwrap();
        let mut part = open(staging.path());
        part.write(0, TEXT).unwrap();
        part.remember_etag(Some("\"e1\""));
        part.discard();
        assert_eq!(fs::read_dir(staging.path()).unwrap().count(), 0);
    }
}
