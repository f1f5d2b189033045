//! Stops a server of an earlier run that outlived its owner.
//!
//! The caller holds the data directory's lock, so whatever still runs on it has lost its owner. A pid file
//! alone proves nothing, since numbers are reused: the process must name this directory in its command line.

use std::{fs, path::Path, process::Command, time::Duration};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::{Instant, sleep};

use crate::ServerError;

const POLL: Duration = Duration::from_millis(10);

/// Ends the process named in the first line of `pid_file`, when it is a server on `data`: asks with each signal
/// in turn and gives it so long. Afterwards `pid_file` is gone.
pub(crate) async fn stop(pid_file: &Path, data: &Path, signals: &[(Signal, Duration)]) -> Result<(), ServerError> {
    let Ok(text) = fs::read_to_string(pid_file) else { return Ok(()) };
    let pid = text.lines().next().and_then(|line| line.trim().parse().ok()).filter(|pid: &i32| *pid > 1);
    if let Some(pid) = pid.filter(|pid| is_server_on(*pid, data)) {
        tracing::warn!(pid, data = %data.display(), "stopping a server that outlived its owner");
        if !end(pid, data, signals).await {
            return Err(ServerError::OrphanStuck { pid, data: data.to_path_buf() });
        }
    }
    // Left alone, a reused number would make Postgres believe that it still runs.
    match fs::remove_file(pid_file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ServerError::file("remove", pid_file)(error)),
        _ => Ok(()),
    }
}

async fn end(pid: i32, data: &Path, signals: &[(Signal, Duration)]) -> bool {
    for (signal, patience) in signals {
        if kill(Pid::from_raw(pid), *signal) == Err(Errno::ESRCH) {
            return true;
        }
        let deadline = Instant::now() + *patience;
        while Instant::now() < deadline {
            if !is_server_on(pid, data) {
                return true;
            }
            sleep(POLL).await;
        }
    }
    !is_server_on(pid, data)
}

/// Whether the process has `data` as one of its arguments. A process that has ended but is not reaped has none.
fn is_server_on(pid: i32, data: &Path) -> bool {
    let data = data.as_os_str().as_encoded_bytes();
    if let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) {
        return line.split(|byte| *byte == 0).any(|argument| argument == data);
    }
    if Path::new("/proc/self").exists() {
        return false;
    }
    // Systems without /proc.
    let output = Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output();
    output.is_ok_and(|output| output.stdout.windows(data.len()).any(|window| window == data))
}
