//! The state of a repository's folder as an immutable snapshot with a commit id.
//!
//! A commit is a hash over the sorted paths and digests, so the same content has the same commit on every
//! machine. Files are hashed once: the digest is kept for as long as size and modification time stand. A
//! snapshot stays known by its commit, so that a download that began before a change can go on with the files
//! that did not change; one that did is refused rather than mixed in.
//!
//! The folder itself is `main`; another revision is a folder with all its files in `.revisions`, under the name that a
//! client asks for: `.revisions/dev`, `.revisions/refs/convert/parquet`.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use sha1::{Digest as _, Sha1};

use crate::{Options, digest::Digest, refusal::Refusal, route::Repo};

/// How many commits of one repository stay addressable while it changes.
const KEPT_COMMITS: usize = 8;

/// Where the revisions of a repository lie that are not `main`.
const REVISIONS: &str = ".revisions";

/// One file of a snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) local: PathBuf,
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
    pub(crate) digest: Digest,
}

impl Entry {
    /// Whether the file on disk is still the one that was hashed.
    pub(crate) fn is_current(&self) -> bool {
        fs::metadata(&self.local)
            .is_ok_and(|meta| meta.len() == self.size && meta.modified().is_ok_and(|time| time == self.modified))
    }
}

/// The files of a repository at one commit, by path.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) commit: String,
    pub(crate) files: BTreeMap<String, Entry>,
}

impl Snapshot {
    fn new(files: BTreeMap<String, Entry>) -> Self {
        let mut hasher = Sha1::new();
        for (path, entry) in &files {
            hasher.update(format!("{path}\0{}\n", entry.digest.etag()));
        }
        Self { commit: hex::encode(hasher.finalize()), files }
    }

    /// Every folder that holds a file, at any depth.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &str> {
        let mut seen = HashSet::new();
        self.files
            .keys()
            .flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at]))
            .filter(move |folder| seen.insert(*folder))
    }
}

/// All repositories below the root, and what was learnt about them.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) options: Options,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    entries: HashMap<PathBuf, Entry>,
    by_sha256: HashMap<String, PathBuf>,
    snapshots: HashMap<Repo, Vec<Arc<Snapshot>>>,
    scans: HashMap<Repo, Arc<Mutex<()>>>,
}

impl Store {
    pub(crate) fn new(options: Options) -> Self {
        Self { options, known: Mutex::default() }
    }

    /// The snapshot that `revision` names: a branch is read anew, and a commit that no branch has must have been seen before.
    pub(crate) fn snapshot(&self, repo: &Repo, revision: &str) -> Result<Arc<Snapshot>, Refusal> {
        let kept = |known: &Known| {
            known.snapshots.get(repo).and_then(|all| all.iter().find(|one| one.commit == revision)).cloned()
        };
        if let Some(snapshot) = kept(&self.known()) {
            return Ok(snapshot);
        }
        let mut named = self.revisions(repo)?.into_iter();
        let found = named.find(|(name, snapshot)| name == revision || snapshot.commit == revision);
        found.map(|(_, snapshot)| snapshot).ok_or_else(|| Refusal::RevisionNotFound { revision: revision.to_owned() })
    }

    /// All revisions of a repository by name, `main` first.
    pub(crate) fn revisions(&self, repo: &Repo) -> Result<Vec<(String, Arc<Snapshot>)>, Refusal> {
        let folder = self.options.root.join(repo.kind.folder()).join(&repo.id);
        let mut revisions = vec![("main".to_owned(), self.scan(repo, &folder)?)];
        let folder = folder.join(REVISIONS);
        let mut names = children(&folder, "");
        names.retain(|name| name != "refs");
        names.extend(children(&folder, "refs/").iter().flat_map(|kind| children(&folder, &format!("{kind}/"))));
        for name in names {
            let snapshot = self.scan(repo, &folder.join(&name))?;
            revisions.push((name, snapshot));
        }
        Ok(revisions)
    }

    /// The large file with this content, if it was listed before.
    pub(crate) fn lfs(&self, sha256: &str) -> Option<Entry> {
        let known = self.known();
        known.entries.get(known.by_sha256.get(sha256)?).cloned()
    }

    fn scan(&self, repo: &Repo, folder: &Path) -> Result<Arc<Snapshot>, Refusal> {
        // An owner's folder is not a repository: it holds folders only.
        let is_owner = !repo.id.contains('/') && !has_file(folder);
        if !folder.is_dir() || is_owner {
            return Err(Refusal::RepoNotFound { repo: repo.clone() });
        }
        // A client that lost patience and asks again waits for the hashing under way instead of doubling it.
        let scan = Arc::clone(self.known().scans.entry(repo.clone()).or_default());
        let _alone = scan.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files = BTreeMap::new();
        self.walk(folder, "", &mut files).map_err(Refusal::Unreadable)?;
        let snapshot = Arc::new(Snapshot::new(files));
        let mut known = self.known();
        let kept = known.snapshots.entry(repo.clone()).or_default();
        kept.retain(|one| one.commit != snapshot.commit);
        kept.truncate(KEPT_COMMITS - 1);
        kept.insert(0, Arc::clone(&snapshot));
        Ok(snapshot)
    }

    fn walk(&self, folder: &Path, prefix: &str, files: &mut BTreeMap<String, Entry>) -> io::Result<()> {
        for child in fs::read_dir(folder)? {
            let child = child?;
            // Git and `hf download` leave these behind; they are not part of a repository.
            let Some(name) = child
                .file_name()
                .to_str()
                .filter(|name| ![".git", ".cache", REVISIONS].contains(name))
                .map(String::from)
            else {
                continue;
            };
            if child.file_type()?.is_dir() {
                self.walk(&child.path(), &format!("{prefix}{name}/"), files)?;
            } else if child.path().is_file() {
                files.insert(format!("{prefix}{name}"), self.entry(child.path())?);
            }
        }
        Ok(())
    }

    fn entry(&self, local: PathBuf) -> io::Result<Entry> {
        let meta = fs::metadata(&local)?;
        let (size, modified) = (meta.len(), meta.modified()?);
        if let Some(entry) = self.known().entries.get(&local)
            && (entry.size, entry.modified) == (size, modified)
        {
            return Ok(entry.clone());
        }
        // Hashed outside the lock: it may take seconds, and other requests need only what is known.
        let is_lfs = size >= self.options.lfs_threshold || local.extension().is_some_and(|ext| ext == "parquet");
        let entry = Entry { digest: Digest::of(&local, size, is_lfs)?, local, size, modified };
        let mut known = self.known();
        if let Digest::Lfs { sha256, .. } = &entry.digest {
            known.by_sha256.insert(sha256.clone(), entry.local.clone());
        }
        known.entries.insert(entry.local.clone(), entry.clone());
        Ok(entry)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The folders in `folder/prefix`, each with the prefix, in order.
fn children(folder: &Path, prefix: &str) -> Vec<String> {
    let entries = fs::read_dir(folder.join(prefix)).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> =
        folders.filter_map(|entry| Some(format!("{prefix}{}", entry.file_name().to_str()?))).collect();
    names.sort_unstable();
    names
}

fn has_file(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|children| children.flatten().any(|child| child.path().is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Kind;

    fn store(files: &[(&str, &str)]) -> (tempfile::TempDir, Store, Repo) {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("datasets/acme/corpus");
        for (path, text) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let store = Store::new(Options::new(dir.path()));
        (dir, store, Repo { kind: Kind::Dataset, id: "acme/corpus".to_owned() })
    }

    #[test]
    fn the_commit_is_a_function_of_the_content() {
        let files = [("data/a.txt", "one"), ("b.parquet", "two")];
        let (_first, store, repo) = store(&files);
        let (second, other, _) = self::store(&files);
        let commit = store.snapshot(&repo, "main").unwrap().commit.clone();
        assert_eq!(commit, other.snapshot(&repo, "main").unwrap().commit);
        fs::write(second.path().join("datasets/acme/corpus/data/a.txt"), "changed").unwrap();
        assert_ne!(commit, other.snapshot(&repo, "main").unwrap().commit);
        assert_eq!(commit, other.snapshot(&repo, &commit).unwrap().commit, "an older commit stays known");
    }

    #[test]
    fn parquet_is_lfs_whatever_its_size() {
        let (_dir, store, repo) = store(&[("data/a.txt", "one"), ("b.parquet", "two")]);
        let snapshot = store.snapshot(&repo, "main").unwrap();
        assert!(matches!(snapshot.files["b.parquet"].digest, Digest::Lfs { .. }));
        assert!(matches!(snapshot.files["data/a.txt"].digest, Digest::Git { .. }));
        assert_eq!(snapshot.folders().collect::<Vec<_>>(), ["data"]);
        assert!(store.lfs(snapshot.files["b.parquet"].digest.etag()).is_some());
    }

    #[test]
    fn other_revisions_lie_in_a_folder_of_their_own() {
        let parquet = ".revisions/refs/convert/parquet/default/train/0000.parquet";
        let (_dir, store, repo) = store(&[("a.txt", "one"), (".revisions/dev/a.txt", "two"), (parquet, "three")]);
        let files = |revision: &str| {
            let snapshot = store.snapshot(&repo, revision).unwrap();
            (snapshot.commit.clone(), snapshot.files.keys().cloned().collect::<Vec<_>>())
        };
        let (main, dev, converted) = (files("main"), files("dev"), files("refs/convert/parquet"));
        assert_eq!(
            (&*main.1, &*dev.1, &*converted.1),
            (&["a.txt".to_owned()][..], &["a.txt".to_owned()][..], &["default/train/0000.parquet".to_owned()][..],)
        );
        assert_ne!(main.0, dev.0);
        let names = store.revisions(&repo).unwrap().into_iter().map(|(name, _)| name);
        assert_eq!(names.collect::<Vec<_>>(), ["main", "dev", "refs/convert/parquet"]);
        // Another process knows the commit of a branch that nobody asked it for.
        let restarted = Store::new(Options::new(store.options.root.clone()));
        assert_eq!(restarted.snapshot(&repo, &dev.0).unwrap().commit, dev.0);
        for odd in ["refs", "../corpus", ".revisions/dev", ""] {
            assert!(matches!(store.snapshot(&repo, odd), Err(Refusal::RevisionNotFound { .. })), "{odd}");
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        let (_dir, store, mut repo) = store(&[("a.txt", "one")]);
        assert!(matches!(store.snapshot(&repo, "dev"), Err(Refusal::RevisionNotFound { .. })));
        repo.id = "acme".to_owned();
        assert!(matches!(store.snapshot(&repo, "main"), Err(Refusal::RepoNotFound { .. })));
    }
}
