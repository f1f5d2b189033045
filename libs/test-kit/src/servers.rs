//! A Postgres database and a nats-server of its own for each test.
//!
//! A test process starts one Postgres from a ready-made cluster (about 0.2 s) and gives each test an empty
//! database; the server goes with the last of them. One server shared by all processes would save little and
//! need an owner that survives any of them.

use std::{
    fs, io,
    ops::Deref,
    path::{Path, PathBuf},
    process,
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use embedded_servers::{Nats, Postgres, PostgresOptions, ServerError};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::paths::{project_root, tools};

/// An empty database on a server shared with the other tests of this process.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    name: String,
    server: Arc<SharedPostgres>,
}

impl TestDatabase {
    /// For sqlx and other clients; over a Unix socket.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's own name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server's socket, as the target of a [`ChaosProxy`](crate::ChaosProxy).
    pub fn socket(&self) -> PathBuf {
        self.server.postgres().socket()
    }

    /// The URL of this database through a proxy that listens on `port`.
    pub fn url_through(&self, port: u16) -> String {
        format!("postgres://tokenmill@127.0.0.1:{port}/{}", self.name)
    }
}

#[derive(Debug)]
struct SharedPostgres {
    /// None only while it is dropped.
    running: Option<Postgres>,
    folder: PathBuf,
}

impl SharedPostgres {
    fn postgres(&self) -> &Postgres {
        self.running.as_ref().unwrap_or_else(|| unreachable!("taken in drop"))
    }

    async fn start() -> Result<Self, ServerError> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let folders = project_root().join(".tools/test-postgres");
        sweep(&folders).await;
        let folder = folders.join(format!("{}-{}", process::id(), STARTED.fetch_add(1, Ordering::Relaxed)));
        let template = folders.join(format!("template-{}-{}", tools().postgres_version, user()));
        let options = PostgresOptions { durable: false, template: Some(template) };
        Ok(Self { running: Some(Postgres::start_with(tools(), &folder, &options).await?), folder })
    }
}

impl Drop for SharedPostgres {
    fn drop(&mut self) {
        // What stays behind is swept by a later test.
        let removed = self.running.take().map(Postgres::remove);
        if !matches!(removed, Some(Err(_))) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Clusters belong to whom they were made for: a template of root's is no use to anybody else.
fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// Removes what killed test processes left behind.
async fn sweep(folders: &Path) {
    for entry in fs::read_dir(folders).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.split_once('-').and_then(|(pid, _)| pid.parse().ok());
        let gone = |pid| nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None) == Err(nix::errno::Errno::ESRCH);
        if owner.is_some_and(gone) && Postgres::discard(&entry.path()).await.is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// An empty database of the test's own. Panics when there is no Postgres.
pub async fn postgres() -> TestDatabase {
    static SHARED: Mutex<Weak<SharedPostgres>> = Mutex::const_new(Weak::new());
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let mut shared = SHARED.lock().await;
    let server = match shared.upgrade() {
        Some(server) => server,
        None => Arc::new(SharedPostgres::start().await.unwrap_or_else(|error| panic!("{error}"))),
    };
    *shared = Arc::downgrade(&server);
    drop(shared);
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    server.postgres().create_database(&name).await.unwrap_or_else(|error| panic!("{error}"));
    TestDatabase { url: server.postgres().url_of(&name), name, server }
}

/// A nats-server that keeps its port over restarts.
#[derive(Debug)]
pub struct TestNats {
    /// None between a kill and a restart.
    running: Option<Nats>,
    port: u16,
    folder: TempDir,
}

impl Deref for TestNats {
    type Target = Nats;

    /// Panics while the server is down.
    fn deref(&self) -> &Nats {
        self.running.as_ref().unwrap_or_else(|| panic!("this nats-server was killed and not started again"))
    }
}

impl TestNats {
    /// `nats://127.0.0.1:{port}`, also while the server is down.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Where it stores.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `kill -9`, as in a crash.
    pub async fn kill(&mut self) {
        if let Some(nats) = self.running.take() {
            nats.kill().await;
        }
    }

    /// Starts it again on the same port with what it had stored.
    pub async fn start_again(&mut self) -> Result<(), ServerError> {
        self.kill().await;
        self.running = Some(Nats::start(tools(), self.folder.path(), Some(self.port)).await?);
        Ok(())
    }

    /// Kills it and starts it again empty.
    pub async fn wipe(&mut self) -> Result<(), ServerError> {
        self.kill().await;
        let stored = self.folder.path().join("nats/jetstream");
        fs::remove_dir_all(&stored)
            .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
            .map_err(|source| ServerError::File { action: "remove", path: stored, source })?;
        self.start_again().await
    }
}

/// A fresh nats-server with JetStream on a free port. Panics when there is none of a sufficient version.
pub async fn nats() -> TestNats {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    let nats = Nats::start(tools(), folder.path(), None).await.unwrap_or_else(|error| panic!("{error}"));
    TestNats { port: nats.port(), running: Some(nats), folder }
}
