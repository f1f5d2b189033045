//! A server process that ends with its owner, kept by a thread of its own.
//!
//! The kernel sends the parent-death signal when the *thread* that started a child ends. Threads of an async
//! runtime come and go, so one thread per server starts it, waits for it and reaps it. `setpriv` (util-linux)
//! asks for that signal and drops root's identity; where it is missing (macOS) the signal is not asked for,
//! and `orphan` cleans up at the next start.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};
use tokio::sync::watch;

/// The identity a server runs under: (uid, gid). None: our own.
pub(crate) type Identity = Option<(u32, u32)>;

/// A command for `program` under `identity`, with an empty environment: ours may hold tokens.
pub(crate) fn command(program: &Path, identity: Identity, death: Option<Signal>) -> Command {
    let mut command = match setpriv() {
        Some(setpriv) if identity.is_some() || death.is_some() => {
            let mut command = Command::new(setpriv);
            if let Some((uid, gid)) = identity {
                command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
            }
            if let Some(signal) = death {
                command.args(["--pdeathsig", signal.as_str().trim_start_matches("SIG")]);
            }
            command.arg(program);
            command
        }
        _ => {
            use std::os::unix::process::CommandExt as _;
            let mut command = Command::new(program);
            if let Some((uid, gid)) = identity {
                command.uid(uid).gid(gid);
            }
            command
        }
    };
    command.env_clear().stdin(std::process::Stdio::null());
    if let Some(path) = env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn setpriv() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join("setpriv")).find(|program| program.is_file())
}

/// A running (or just ended) server. Dropping it ends the server at once and waits until it is gone.
#[derive(Debug)]
pub(crate) struct Server {
    pid: Pid,
    /// Held while signalling, so that the number cannot be reused between the look and the signal.
    reaped: Arc<Mutex<bool>>,
    exited: watch::Receiver<Option<ExitStatus>>,
    keeper: Option<thread::JoinHandle<()>>,
    /// What ends the server without a clean shutdown.
    abort: Signal,
}

impl Server {
    pub(crate) fn spawn(mut command: Command, abort: Signal) -> io::Result<Self> {
        let (started, start) = mpsc::sync_channel(1);
        let (exit, exited) = watch::channel(None);
        let reaped = Arc::new(Mutex::new(false));
        let mark = Arc::clone(&reaped);
        let keeper = thread::Builder::new().name("server-keeper".into()).spawn(move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return drop(started.send(Err(error))),
            };
            let pid = Pid::from_raw(child.id().cast_signed());
            let _ = started.send(Ok(pid));
            // NOWAIT leaves the number taken until nobody can signal it any more.
            while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(nix::errno::Errno::EINTR) {}
            let mut reaped = mark.lock().unwrap_or_else(PoisonError::into_inner);
            *reaped = true;
            let _ = exit.send(child.wait().ok());
        })?;
        let pid = start.recv().map_err(|_| io::Error::other("the keeper thread ended"))??;
        Ok(Self { pid, reaped, exited, keeper: Some(keeper), abort })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw().cast_unsigned()
    }

    /// Sends `signal` unless the server has ended already.
    pub(crate) fn signal(&self, signal: Signal) {
        let reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*reaped && let Err(error) = kill(self.pid, signal) {
            tracing::debug!(pid = self.pid.as_raw(), %signal, %error, "could not signal a server");
        }
    }

    pub(crate) fn has_exited(&self) -> bool {
        self.keeper.as_ref().is_none_or(thread::JoinHandle::is_finished)
    }

    /// Returns when the server has ended, for whatever reason.
    pub(crate) async fn exited(&self) {
        let mut exited = self.exited.clone();
        // An error means that the keeper ended, and so did the server.
        let _ = exited.wait_for(Option::is_some).await;
    }

    /// Asks with `signal`, and ends the server the hard way when `patience` runs out.
    pub(crate) async fn stop(self, signal: Signal, patience: Duration) {
        self.signal(signal);
        if tokio::time::timeout(patience, self.exited()).await.is_err() {
            tracing::warn!(pid = self.pid.as_raw(), "a server did not stop in time and is ended");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(self.abort);
        // A stopped process would never see the signal.
        self.signal(Signal::SIGCONT);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}
