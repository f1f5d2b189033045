//! A private nats-server with JetStream on a data directory, on the loopback interface only.
//!
//! It has no passwords: messages are doorbells, and a forged one is as harmless as a lost one.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::{
    ServerError, Tools,
    cluster::last_lines,
    orphan,
    postgres::open_log,
    process::{self, Server},
};

const POLL: Duration = Duration::from_millis(5);
const READY: Duration = Duration::from_secs(20);
const STOP: Duration = Duration::from_secs(10);

/// A running server. Dropping it kills it; what JetStream had stored is found again by the next start.
#[derive(Debug)]
pub struct Nats {
    url: String,
    // Before the lock, which is given back when the server is gone.
    server: Server,
    _lock: File,
}

impl Nats {
    /// Starts a server on `data_dir/nats`; without a `port` the system chooses a free one.
    pub async fn start(tools: &Tools, data_dir: &Path, port: Option<u16>) -> Result<Self, ServerError> {
        let home = data_dir.join("nats");
        let made = DirBuilder::new().mode(0o700).recursive(true).create(&home);
        made.map_err(ServerError::file("create", &home))?;
        let home = home.canonicalize().map_err(ServerError::file("resolve", &home))?;
        let lock = lock(&home)?;
        let store = home.join("jetstream");
        let ways = [(Signal::SIGTERM, STOP), (Signal::SIGKILL, STOP)];
        orphan::stop(&home.join("pid"), &store, &ways).await?;
        // The server tells its port in a file; one of an earlier run would lie.
        let ports = home.join("ports");
        crate::home::remove_tree(&ports)?;
        fs::create_dir(&ports).map_err(ServerError::file("create", &ports))?;
        let server = spawn(&tools.nats_server, &home, &store, port)?;
        let url = ready(&tools.nats_server, &home, &server).await?;
        Ok(Self { url, server, _lock: lock })
    }

    /// `nats://127.0.0.1:{port}`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port that the server listens on.
    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or_default()
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Returns when the server has ended, for whatever reason.
    pub async fn exited(&self) {
        self.server.exited().await;
    }

    /// Asks the server to flush and end.
    pub async fn stop(self) {
        self.server.stop(Signal::SIGTERM, STOP).await;
    }

    /// `kill -9`, as in a crash.
    pub async fn kill(self) {
        self.server.stop(Signal::SIGKILL, STOP).await;
    }
}

fn lock(home: &Path) -> Result<File, ServerError> {
    let path = home.join("lock");
    let file = File::options().create(true).append(true).open(&path).map_err(ServerError::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServerError::DataDirInUse { lock: path }),
        Err(TryLockError::Error(error)) => Err(ServerError::file("lock", path)(error)),
    }
}

fn spawn(program: &Path, home: &Path, store: &Path, port: Option<u16>) -> Result<Server, ServerError> {
    let log_path = home.join("log");
    let log = open_log(&log_path)?;
    let errors = log.try_clone().map_err(ServerError::file("open", &log_path))?;
    let mut command = process::command(program, None, Some(Signal::SIGTERM));
    command.current_dir(home).stdout(log).stderr(errors);
    command.args(["--addr", "127.0.0.1", "--port"]).arg(port.map_or("-1".to_owned(), |port| port.to_string()));
    command.arg("--jetstream").arg("--store_dir").arg(store);
    command.arg("--pid").arg(home.join("pid")).arg("--ports_file_dir").arg(home.join("ports"));
    Server::spawn(command, Signal::SIGKILL)
        .map_err(|source| ServerError::Spawn { program: program.to_path_buf(), source })
}

/// Waits for the ports file, which appears when the server accepts clients, and returns the URL.
async fn ready(program: &Path, home: &Path, server: &Server) -> Result<String, ServerError> {
    let deadline = Instant::now() + READY;
    loop {
        if let Some(url) = client_url(&home.join("ports")) {
            return Ok(url);
        }
        let said = || last_lines(&fs::read_to_string(home.join("log")).unwrap_or_default());
        if server.has_exited() {
            return Err(ServerError::Failed { program: program.to_path_buf(), said: said() });
        }
        if Instant::now() >= deadline {
            let program = program.to_path_buf();
            return Err(ServerError::NotReady { program, seconds: READY.as_secs(), said: said() });
        }
        sleep(POLL).await;
    }
}

fn client_url(ports: &Path) -> Option<String> {
    let file: PathBuf = fs::read_dir(ports).ok()?.flatten().next()?.path();
    // A half-written file is no JSON yet.
    let ports: serde_json::Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    Some(ports.get("nats")?.get(0)?.as_str()?.to_owned())
}
