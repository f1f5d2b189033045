//! A private Postgres server on a data directory.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::signal::Signal;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::{Instant, sleep};

use crate::{
    ServerError, Tools,
    cluster::{self, NAME},
    home::Home,
    orphan,
    process::{self, Server},
};

const POLL: Duration = Duration::from_millis(10);
/// Crash recovery comes first, and may take a while after a long run.
const READY: Duration = Duration::from_mins(1);
/// For a fast shutdown, which ends with a checkpoint.
const STOP: Duration = Duration::from_secs(20);
const LARGEST_LOG: u64 = 4 << 20;
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// How a server treats its data.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Whether committed data survives a crash of the machine (default). Tests switch it off for speed; data
    /// survives a crash of the server either way.
    pub durable: bool,
    /// A ready-made cluster to copy instead of running `initdb`, made at the first start. Default none.
    pub template: Option<PathBuf>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { durable: true, template: None }
    }
}

/// A running server. Dropping it is an immediate shutdown: nothing committed is lost, the next start recovers.
#[derive(Debug)]
pub struct Postgres {
    url: String,
    bin: PathBuf,
    // Before `home`: the lock is given back when the server is gone.
    server: Server,
    home: Home,
}

impl Postgres {
    /// Starts a durable server on `data_dir`, first making it, its cluster and the database `tokenmill` if needed.
    pub async fn start(tools: &Tools, data_dir: &Path) -> Result<Self, ServerError> {
        Self::start_with(tools, data_dir, &PostgresOptions::default()).await
    }

    /// As [`Postgres::start`], with `options`. Returns when the server accepts connections.
    pub async fn start_with(tools: &Tools, data_dir: &Path, options: &PostgresOptions) -> Result<Self, ServerError> {
        let home = Home::open(data_dir)?;
        stop_orphan(&home).await?;
        let bin = cluster::reachable_bin(tools, &home).await?;
        cluster::ensure(tools, &bin, &home, options.template.as_deref()).await?;
        let server = launch(&bin, &home, options).await?;
        let url = url(&home.sockets, NAME);
        Ok(Self { url, bin, server, home })
    }

    /// The URL of the database `tokenmill`, over a Unix socket that only this user and root can reach.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The Unix socket itself, for a proxy in front of it.
    pub fn socket(&self) -> PathBuf {
        self.home.sockets.join(".s.PGSQL.5432")
    }

    /// The URL of another database of this server.
    pub fn url_of(&self, database: &str) -> String {
        url(&self.home.sockets, database)
    }

    /// Makes an empty database; an error when there is one of this name.
    pub async fn create_database(&self, name: &str) -> Result<(), ServerError> {
        if !is_database_name(name) {
            return Err(ServerError::InvalidDatabaseName { name: name.to_owned() });
        }
        let program = self.bin.join("createdb");
        let mut createdb = cluster::command(&program, &self.home);
        createdb.args(["--username", NAME, "--port", "5432", "--maintenance-db", "postgres", "--host"]);
        createdb.arg(&self.home.sockets).arg(name);
        cluster::run(createdb, &program, "").await
    }

    /// The process id of the server's first process.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Returns when the server has ended, for whatever reason.
    pub async fn exited(&self) {
        self.server.exited().await;
    }

    /// A fast shutdown: ends connections, writes a checkpoint.
    pub async fn stop(self) {
        self.server.stop(Signal::SIGINT, STOP).await;
    }

    /// An immediate shutdown, as in a crash: no checkpoint, the next start recovers from the log.
    pub async fn kill(self) {
        self.server.stop(Signal::SIGQUIT, STOP).await;
    }

    /// Ends the server at once and deletes its cluster; blocks for some ten milliseconds.
    pub fn remove(self) -> Result<(), ServerError> {
        drop(self.server);
        self.home.remove()
    }

    /// Deletes the cluster of `data_dir`, first ending a server that lost its owner; an error when it has one.
    pub async fn discard(data_dir: &Path) -> Result<(), ServerError> {
        let home = Home::open(data_dir)?;
        stop_orphan(&home).await?;
        home.remove()
    }
}

async fn stop_orphan(home: &Home) -> Result<(), ServerError> {
    let ways = [(Signal::SIGINT, STOP), (Signal::SIGQUIT, Duration::from_secs(10)), (Signal::SIGKILL, STOP)];
    orphan::stop(&home.cluster.join("postmaster.pid"), &home.cluster, &ways).await
}

async fn launch(bin: &Path, home: &Home, options: &PostgresOptions) -> Result<Server, ServerError> {
    let program = bin.join("postgres");
    let deadline = Instant::now() + READY;
    loop {
        let server = spawn(&program, home, options)?;
        let pid_file = home.cluster.join("postmaster.pid");
        while !is_ready(&pid_file, server.pid()) && !server.has_exited() && Instant::now() < deadline {
            sleep(POLL).await;
        }
        if is_ready(&pid_file, server.pid()) && !server.has_exited() {
            return Ok(server);
        }
        let said = cluster::last_lines(&fs::read_to_string(&home.log).unwrap_or_default());
        if !server.has_exited() {
            return Err(ServerError::NotReady { program, seconds: READY.as_secs(), said });
        }
        // After a `kill -9` of the first process, its children take a moment to notice and to go.
        if !said.contains("shared memory block") || Instant::now() >= deadline {
            return Err(ServerError::Failed { program, said });
        }
        sleep(POLL * 10).await;
    }
}

fn spawn(program: &Path, home: &Home, options: &PostgresOptions) -> Result<Server, ServerError> {
    let log = open_log(&home.log)?;
    let errors = log.try_clone().map_err(ServerError::file("open", &home.log))?;
    // When the owner dies, open transactions end and a checkpoint is written: a fast shutdown.
    let mut command = process::command(program, home.identity, Some(Signal::SIGINT));
    command.current_dir(&home.dir).stdout(log).stderr(errors).arg("-D").arg(&home.cluster).arg("-k").arg(&home.sockets);
    let durable = if options.durable { "on" } else { "off" };
    let fixed = ["listen_addresses=", "port=5432", "unix_socket_permissions=0700", "logging_collector=off"];
    let size = ["max_connections=200", "log_timezone=UTC", "timezone=UTC"];
    let safety = ["fsync", "synchronous_commit", "full_page_writes"].map(|name| format!("{name}={durable}"));
    for setting in fixed.into_iter().chain(size).chain(safety.iter().map(String::as_str)) {
        command.args(["-c", setting]);
    }
    Server::spawn(command, Signal::SIGQUIT)
        .map_err(|source| ServerError::Spawn { program: program.to_path_buf(), source })
}

/// Opens the log to append; one that has grown large starts anew.
pub(crate) fn open_log(path: &Path) -> Result<File, ServerError> {
    let grown = fs::metadata(path).is_ok_and(|log| log.len() > LARGEST_LOG);
    let mut options = File::options();
    if grown {
        options.write(true).truncate(true)
    } else {
        options.append(true).create(true)
    };
    options.open(path).map_err(ServerError::file("open", path))
}

/// The server keeps its state in the eighth line of its pid file; `pg_ctl` reads it there too.
fn is_ready(pid_file: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(pid_file).unwrap_or_default();
    let mut lines = text.lines();
    lines.next() == Some(pid.to_string().as_str()) && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}

fn url(sockets: &Path, database: &str) -> String {
    let host = utf8_percent_encode(&sockets.to_string_lossy(), PATH).to_string();
    format!("postgres://{NAME}@localhost/{database}?host={host}")
}

fn is_database_name(name: &str) -> bool {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
    name.len() <= 63 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_carries_any_path() {
        let url = url(Path::new("/srv/a b+c/socket"), "tokenmill");
        assert_eq!(url, "postgres://tokenmill@localhost/tokenmill?host=/srv/a%20b%2Bc/socket");
    }

    #[test]
    fn database_names_are_plain() {
        assert!(is_database_name("test_1"));
        for name in ["", "1a", "a-b", "A", "a; drop", "ä", &"a".repeat(64)] {
            assert!(!is_database_name(name), "{name}");
        }
    }
}
