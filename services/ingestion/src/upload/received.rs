//! Writes the files of one upload, and removes them all unless their end came. Blocking.

use dataset_model::{Problem, Reason};
use dataset_proto::catalog::UploadedFile;
use shard_store::{FileWriter, SealedFile, ShardStore, layout};
use tokio::sync::mpsc;

use crate::{LimitSettings, failure, plan::PlanError};

/// Free space is looked at after so many bytes.
const LOOK_BYTES: u64 = 16 << 20;

/// What the stream brings.
#[derive(Debug)]
pub(super) enum Arriving {
    /// The next file's name.
    File(String),
    Chunk(Vec<u8>),
    /// Time has passed: what was written must not look forgotten.
    Touch,
    End,
}

/// A file that is durable.
#[derive(Debug)]
pub(super) struct Received {
    name: String,
    file: SealedFile,
}

impl Received {
    pub(super) fn into_message(self) -> UploadedFile {
        let SealedFile { key, size_bytes, sha256 } = self.file;
        UploadedFile { name: self.name, key, size_bytes, sha256: sha256.into() }
    }
}

/// Writes what arrives. When it ends without [`Arriving::End`], or fails, nothing stays.
pub(super) fn write(
    store: &ShardStore,
    limits: &LimitSettings,
    folder: &str,
    mut arriving: mpsc::Receiver<Arriving>,
) -> Result<Vec<Received>, Problem> {
    let mut files = Files { store, limits, folder, sealed: Vec::new(), open: None, bytes: 0, looked: 0 };
    while let Some(part) = arriving.blocking_recv() {
        let done = match part {
            Arriving::File(name) => files.begin(name),
            Arriving::Chunk(bytes) => files.append(&bytes),
            Arriving::Touch => {
                files.touch();
                Ok(())
            }
            Arriving::End => match files.seal() {
                Ok(()) => return Ok(files.sealed),
                Err(problem) => Err(problem),
            },
        };
        if let Err(problem) = done {
            drop(files.open);
            remove(store, folder);
            return Err(problem);
        }
    }
    drop(files.open);
    remove(store, folder);
    Err(Problem::new(Reason::MalformedBody, "the upload broke off"))
}

/// Removes everything of an upload.
pub(super) fn remove(store: &ShardStore, folder: &str) {
    if let Err(error) = store.remove_dir(folder) {
        tracing::warn!(%error, folder, "files of a broken upload stay until they are swept");
    }
}

/// Whether so many bytes may come, of which `missing` are not written yet. The shards take about as much again.
pub(super) fn check_room(bytes: u64, missing: u64, limits: &LimitSettings, free: u64) -> Result<(), Problem> {
    let limit = limits.max_dataset_bytes;
    if bytes > limit {
        let problem = Problem::from(PlanError::TooLarge { size: bytes, limit });
        return Err(problem.next_step("send less, or raise `limits.max_dataset_bytes`"));
    }
    let needed = bytes.saturating_add(missing).saturating_add(limits.free_space_bytes);
    if needed > free { Err(PlanError::DiskFull { needed, free }.into()) } else { Ok(()) }
}

struct Files<'a> {
    store: &'a ShardStore,
    limits: &'a LimitSettings,
    folder: &'a str,
    sealed: Vec<Received>,
    open: Option<(String, FileWriter)>,
    bytes: u64,
    /// At so many bytes the free space was looked at last.
    looked: u64,
}

impl Files<'_> {
    fn begin(&mut self, name: String) -> Result<(), Problem> {
        self.seal()?;
        let key = layout::source_file(self.folder, self.sealed.len());
        let writer = FileWriter::create(self.store, &key).map_err(|error| failure::store(&error))?;
        self.open = Some((name, writer));
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.bytes += bytes.len() as u64;
        let looks = self.bytes >= self.looked + LOOK_BYTES;
        let free = if looks { self.store.free_space() } else { u64::MAX };
        check_room(self.bytes, 0, self.limits, free)?;
        if looks {
            self.looked = self.bytes;
        }
        let Some((_, writer)) = &mut self.open else { return Err(Problem::internal()) };
        writer.write(bytes).map_err(|error| failure::store(&error))
    }

    fn seal(&mut self) -> Result<(), Problem> {
        if let Some((name, writer)) = self.open.take() {
            let file = writer.seal().map_err(|error| failure::store(&error))?;
            self.sealed.push(Received { name, file });
        }
        Ok(())
    }

    fn touch(&self) {
        if let Some((_, writer)) = &self.open {
            writer.touch();
        }
        for Received { file, .. } in &self.sealed {
            self.store.touch(&file.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(parts: Vec<Arriving>, limits: &LimitSettings) -> (Result<Vec<Received>, Problem>, Vec<String>) {
        let root = tempfile::tempdir().unwrap();
        let store = ShardStore::open(root.path()).unwrap();
        let (sender, arriving) = mpsc::channel(parts.len());
        for part in parts {
            sender.try_send(part).unwrap();
        }
        drop(sender);
        let written = write(&store, limits, "datasets/upload/d", arriving);
        (written, store.list_raw().unwrap().into_iter().map(|file| file.key).collect())
    }

    fn parts(end: bool) -> Vec<Arriving> {
        let file = |name: &str| Arriving::File(name.to_owned());
        let chunk = |bytes: &[u8]| Arriving::Chunk(bytes.to_vec());
        let mut parts = vec![file("a.txt"), chunk(b"he"), chunk(b"llo\n"), Arriving::Touch, file("b.txt")];
        if end {
            parts.push(Arriving::End);
        }
        parts
    }

    #[test]
    fn all_files_or_none() {
        let limits = LimitSettings { free_space_bytes: 0, ..LimitSettings::default() };
        let (written, keys) = run(parts(true), &limits);
        let written = written.unwrap();
        assert_eq!(keys, ["datasets/upload/d/source/0", "datasets/upload/d/source/1"]);
        // `printf 'hello\n' | sha256sum`
        let digest = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        assert_eq!((written[0].file.size_bytes, hex::encode(written[0].file.sha256).as_str()), (6, digest));
        assert_eq!((written[1].name.as_str(), written[1].file.size_bytes), ("b.txt", 0));
        let (broken, keys) = run(parts(false), &limits);
        assert_eq!((broken.unwrap_err().reason, keys), (Reason::MalformedBody, Vec::new()));
        let small = LimitSettings { max_dataset_bytes: 5, ..limits };
        let (refused, keys) = run(parts(true), &small);
        assert_eq!((refused.unwrap_err().reason, keys), (Reason::DatasetTooLarge, Vec::new()));
    }

    #[test]
    fn room_is_needed_for_files_and_shards() {
        let limits = LimitSettings { max_dataset_bytes: 1 << 30, free_space_bytes: 10 };
        let reason = |bytes, missing, free| check_room(bytes, missing, &limits, free).map_err(|problem| problem.reason);
        assert_eq!(reason(100, 100, 210), Ok(()));
        assert_eq!(reason(100, 100, 209), Err(Reason::DiskFull));
        assert_eq!(reason(100, 0, 110), Ok(()));
        assert_eq!(reason((1 << 30) + 1, 0, u64::MAX), Err(Reason::DatasetTooLarge));
    }
}
