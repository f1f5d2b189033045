//! What can go wrong with a private server, each with the next step.

use std::{fmt::Write as _, io, path::PathBuf};

/// Why a private server could not be found, started or asked.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No program of a sufficient version; `tried` holds one line for each place.
    #[error("no `{tool}` of version {needed} or newer{}; run `make tools`, which fetches one", list(tried))]
    ToolNotFound { tool: &'static str, needed: &'static str, tried: Vec<String> },
    /// Another process owns a server on this data directory.
    #[error("`{}` is in use by another process; stop it or choose another data directory", lock.display())]
    DataDirInUse { lock: PathBuf },
    /// Root's cluster lies outside the data directory and is no longer there: starting empty would hide the loss.
    #[error("the Postgres cluster `{}` named by `{}` is gone; restore it, or remove that file to start with an empty one", cluster.display(), pointer.display())]
    ClusterGone { cluster: PathBuf, pointer: PathBuf },
    /// Root made this data directory's cluster, so an ordinary user cannot run it.
    #[error("`{}` says that the Postgres cluster was made by root; run as root, or choose another data directory", pointer.display())]
    ClusterOfRoot { pointer: PathBuf },
    /// The cluster was made by another major version of Postgres.
    #[error("`{}` was made by Postgres {cluster_version}, but `{}` is version {program_version}; put that version on PATH first", cluster.display(), program.display())]
    ClusterVersion { cluster: PathBuf, cluster_version: String, program: PathBuf, program_version: u32 },
    /// A folder that must be private belongs to somebody else, or others may enter it.
    #[error("`{}` is not a private folder of this user; remove it, then start again", path.display())]
    NotPrivate { path: PathBuf },
    /// A server of an earlier run does not end.
    #[error("process {pid}, a server of an earlier run on `{}`, does not stop; end it, then start again", data.display())]
    OrphanStuck { pid: i32, data: PathBuf },
    /// A program could not be run at all.
    #[error("cannot run `{}`", program.display())]
    Spawn {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A program ended with an error; `said` is the end of what it said.
    #[error("`{}` failed: {said}", program.display())]
    Failed { program: PathBuf, said: String },
    /// The server runs but did not become ready.
    #[error("`{}` was not ready after {seconds} s: {said}", program.display())]
    NotReady { program: PathBuf, seconds: u64, said: String },
    /// Not a name for a database: ASCII lower-case letters, digits and underscores, a letter first, at most 63.
    #[error("`{name}` is not a database name: use lower-case letters, digits and underscores, a letter first")]
    InvalidDatabaseName { name: String },
    /// A file or folder of the server could not be used.
    #[error("cannot {action} `{}`", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl ServerError {
    /// For `map_err`: which file, and what was to be done with it.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}

fn list(tried: &[String]) -> String {
    let mut text = String::new();
    for (n, one) in tried.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}{one}", if n == 0 { " (tried: " } else { "; " });
    }
    if !tried.is_empty() {
        text.push(')');
    }
    text
}
