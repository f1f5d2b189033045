//! Where a Postgres cluster lives and whom it belongs to.
//!
//! An ordinary user's lies in `DATA_DIR/postgres`. Postgres refuses to run as root, and `nobody` cannot enter
//! root's home or a private temporary folder, so root's lies in `/var/lib/tokenmill/{hash of DATA_DIR}`, named
//! by the pointer file `DATA_DIR/postgres.location`. The pointer is written after the cluster is complete: a
//! cluster without one was never used, or its data directory has been removed, and is set aside. Clusters of
//! removed data directories in the temporary folder (tests, demos) are deleted when root opens another one.

use std::{
    env,
    ffi::OsStr,
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    io,
    os::unix::ffi::OsStrExt as _,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use nix::unistd::{geteuid, getuid};
use sha2::{Digest as _, Sha256};

use crate::{ServerError, process::Identity};

/// Root's folder for clusters and for copies of programs that `nobody` cannot reach.
pub(crate) const ROOT_STORE: &str = "/var/lib/tokenmill";
/// Root's homes say which data directory they belong to.
const BACK_POINTER: &str = "data_dir";
const NOBODY: (u32, u32) = (65534, 65534);
/// `sun_path` has 108 bytes on Linux and 104 on macOS; Postgres adds `/.s.PGSQL.5432` and a final zero.
const LONGEST_SOCKET_DIR: usize = 85;

/// The locked folder of one cluster. The lock ends with this value, or with the process.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) dir: PathBuf,
    pub(crate) cluster: PathBuf,
    pub(crate) sockets: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) identity: Identity,
    /// Root's pointer file; none for an ordinary user.
    pointer: Option<PathBuf>,
    _lock: File,
}

impl Home {
    /// Finds the home of `data_dir`'s cluster, makes its folders and takes its lock.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, ServerError> {
        fs::create_dir_all(data_dir).map_err(ServerError::file("create", data_dir))?;
        let data_dir = data_dir.canonicalize().map_err(ServerError::file("resolve", data_dir))?;
        let (own, pointer) = (data_dir.join("postgres"), data_dir.join("postgres.location"));
        let named = match fs::read_to_string(&pointer) {
            Ok(path) => Some(PathBuf::from(path.trim_end())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(ServerError::file("read", pointer)(error)),
        };
        if !geteuid().is_root() {
            return if named.is_some() {
                Err(ServerError::ClusterOfRoot { pointer })
            } else {
                Self::lock(own, None, None)
            };
        }
        if let Ok(made) = own.join("cluster").metadata() {
            // An ordinary user's data directory: run its server as that user.
            return Self::lock(own, Some((made.uid(), made.gid())), None);
        }
        if let Some(home) = &named
            && !home.join("cluster").exists()
        {
            return Err(ServerError::ClusterGone { cluster: home.join("cluster"), pointer });
        }
        let unused = named.is_none();
        let dir = named.unwrap_or_else(|| Path::new(ROOT_STORE).join(short_hash(&data_dir)));
        let home = Self::lock(dir, Some(NOBODY), Some(pointer))?;
        if unused {
            home.set_aside()?;
        }
        let back = home.dir.join(BACK_POINTER);
        fs::write(&back, data_dir.as_os_str().as_bytes()).map_err(ServerError::file("write", &back))?;
        sweep(Path::new(ROOT_STORE), &env::temp_dir());
        Ok(home)
    }

    fn lock(dir: PathBuf, identity: Identity, pointer: Option<PathBuf>) -> Result<Self, ServerError> {
        let parent = dir.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(ServerError::file("create", parent))?;
        private_dir(&dir, identity)?;
        let lock = dir.join("lock");
        let file = File::options().create(true).append(true).open(&lock).map_err(ServerError::file("open", &lock))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ServerError::DataDirInUse { lock }),
            Err(TryLockError::Error(error)) => return Err(ServerError::file("lock", lock)(error)),
        }
        let sockets = socket_dir(&dir);
        private_dir(&sockets, identity)?;
        let (cluster, log) = (dir.join("cluster"), dir.join("log"));
        Ok(Self { dir, cluster, sockets, log, identity, pointer, _lock: file })
    }

    /// A cluster that no pointer names is kept, under another name, until the next one is set aside.
    fn set_aside(&self) -> Result<(), ServerError> {
        if self.cluster.exists() {
            let aside = self.dir.join("cluster.replaced");
            tracing::warn!(aside = %aside.display(), "set aside a cluster of a removed data directory");
            remove_tree(&aside)?;
            fs::rename(&self.cluster, &aside).map_err(ServerError::file("rename", &self.cluster))?;
        }
        Ok(())
    }

    /// Writes root's pointer, once the cluster is complete.
    pub(crate) fn point(&self) -> Result<(), ServerError> {
        let Some(pointer) = self.pointer.as_ref().filter(|pointer| !pointer.exists()) else { return Ok(()) };
        let new = pointer.with_extension("location.new");
        fs::write(&new, format!("{}\n", self.dir.display())).map_err(ServerError::file("write", &new))?;
        fs::rename(&new, pointer).map_err(ServerError::file("rename", &new))
    }

    /// Deletes the cluster and all that belongs to it.
    pub(crate) fn remove(self) -> Result<(), ServerError> {
        if let Some(pointer) = self.pointer.as_ref().filter(|pointer| pointer.exists()) {
            fs::remove_file(pointer).map_err(ServerError::file("remove", pointer))?;
        }
        remove_tree(&self.sockets)?;
        remove_tree(&self.dir)
    }
}

/// Deletes the homes in `store` that nobody holds and whose data directory in `temporary` is gone. Elsewhere a
/// missing data directory may be a volume that is not mounted.
fn sweep(store: &Path, temporary: &Path) {
    for dir in fs::read_dir(store).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let Ok(data_dir) = fs::read(dir.join(BACK_POINTER)) else { continue };
        let data_dir = Path::new(OsStr::from_bytes(&data_dir));
        if data_dir.starts_with(temporary)
            && !data_dir.exists()
            && let Ok(lock) = File::open(dir.join("lock"))
            && lock.try_lock().is_ok()
        {
            tracing::debug!(home = %dir.display(), "deleting the cluster of a removed temporary data directory");
            let removed = remove_tree(&socket_dir(&dir)).and_then(|()| remove_tree(&dir));
            if let Err(error) = removed {
                tracing::debug!(%error, "left behind");
            }
        }
    }
}

/// A folder that only `identity` (and root) can enter, since whoever reaches the socket is let in.
fn private_dir(dir: &Path, identity: Identity) -> Result<(), ServerError> {
    if let Err(error) = DirBuilder::new().mode(0o700).create(dir) {
        if error.kind() != io::ErrorKind::AlreadyExists {
            return Err(ServerError::file("create", dir)(error));
        }
        // Somebody may have planted a link in a shared temporary folder.
        let found = dir.symlink_metadata().map_err(ServerError::file("inspect", dir))?;
        let ours = found.uid() == getuid().as_raw() || identity.is_some_and(|(uid, _)| uid == found.uid());
        if !found.is_dir() || !ours {
            return Err(ServerError::NotPrivate { path: dir.to_path_buf() });
        }
    }
    if let Some((uid, gid)) = identity {
        chown(dir, Some(uid), Some(gid)).map_err(ServerError::file("hand over", dir))?;
    }
    fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(ServerError::file("close", dir))
}

fn socket_dir(home: &Path) -> PathBuf {
    let beside = home.join("socket");
    if beside.as_os_str().len() <= LONGEST_SOCKET_DIR {
        return beside;
    }
    env::temp_dir().join(format!("tokenmill-{}", short_hash(home)))
}

fn short_hash(path: &Path) -> String {
    hex::encode(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..8])
}

pub(crate) fn remove_tree(dir: &Path) -> Result<(), ServerError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ServerError::file("remove", dir)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_socket_folder_of_its_own() {
        let deep = PathBuf::from(format!("/{}", "d".repeat(100)));
        let other = PathBuf::from(format!("/{}", "e".repeat(100)));
        assert!(socket_dir(&deep).as_os_str().len() <= LONGEST_SOCKET_DIR);
        assert_ne!(socket_dir(&deep), socket_dir(&other));
        assert_eq!(socket_dir(Path::new("/srv/tokenmill")), Path::new("/srv/tokenmill/socket"));
    }

    #[test]
    fn a_planted_link_is_no_private_folder() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("socket");
        std::os::unix::fs::symlink("/tmp", &link).unwrap();
        assert!(matches!(private_dir(&link, None), Err(ServerError::NotPrivate { .. })));
    }

    #[test]
    fn only_free_homes_of_removed_temporary_directories_are_swept() {
        let dir = tempfile::tempdir().unwrap();
        let (store, temporary) = (dir.path().join("store"), dir.path().join("tmp"));
        fs::create_dir_all(temporary.join("present")).unwrap();
        let home = |name: &str, data_dir: PathBuf| {
            let home = Home::lock(store.join(name), None, None).unwrap();
            fs::write(home.dir.join(BACK_POINTER), data_dir.as_os_str().as_bytes()).unwrap();
            home
        };
        drop(home("gone", temporary.join("gone")));
        drop(home("present", temporary.join("present")));
        drop(home("elsewhere", dir.path().join("unmounted")));
        let _held = home("held", temporary.join("also gone"));
        sweep(&store, &temporary);
        let mut left: Vec<_> = fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["elsewhere", "held", "present"]);
    }

    #[test]
    fn one_data_directory_has_one_owner() {
        let dir = tempfile::tempdir().unwrap();
        let first = Home::lock(dir.path().join("home"), None, None).unwrap();
        let second = Home::lock(dir.path().join("home"), None, None);
        assert!(matches!(second, Err(ServerError::DataDirInUse { .. })), "{second:?}");
        drop(first);
        Home::lock(dir.path().join("home"), None, None).unwrap();
    }
}
