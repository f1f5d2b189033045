//! Makes a Postgres cluster with one database, `tokenmill`, or copies one that was made before.
//!
//! Everything happens under the name `cluster.new` and is renamed when complete, so that a start that was
//! killed halfway leaves nothing that looks like a cluster.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::{
    ServerError, Tools,
    home::{Home, ROOT_STORE, remove_tree},
    process,
};

/// The superuser and the database.
pub(crate) const NAME: &str = "tokenmill";

/// Makes the home's cluster unless it is there, and checks that this Postgres can run it.
///
/// `template`: a folder that holds a ready-made cluster, and gets one when it does not exist.
pub(crate) async fn ensure(tools: &Tools, bin: &Path, home: &Home, template: Option<&Path>) -> Result<(), ServerError> {
    if !home.cluster.exists() {
        let new = home.dir.join("cluster.new");
        remove_tree(&new)?;
        match template {
            Some(template) if template.exists() => copy(template, &new).await?,
            Some(template) => {
                make(bin, &new, home).await?;
                keep_template(&new, template).await?;
            }
            None => make(bin, &new, home).await?,
        }
        fs::rename(&new, &home.cluster).map_err(ServerError::file("rename", &new))?;
    }
    let version_file = home.cluster.join("PG_VERSION");
    let cluster_version = fs::read_to_string(&version_file).map_err(ServerError::file("read", &version_file))?;
    let cluster_version = cluster_version.trim().to_owned();
    if cluster_version != tools.postgres_version.to_string() {
        let (cluster, program) = (home.cluster.clone(), tools.postgres());
        return Err(ServerError::ClusterVersion {
            cluster,
            cluster_version,
            program,
            program_version: tools.postgres_version,
        });
    }
    home.point()
}

async fn make(bin: &Path, new: &Path, home: &Home) -> Result<(), ServerError> {
    // Trust is safe: the only listener is a socket in a folder that nobody else can enter.
    let mut initdb = command(&bin.join("initdb"), home);
    initdb.args(["--auth=trust", "--no-locale", "--encoding=UTF8", "--username", NAME]).arg("--pgdata").arg(new);
    run(initdb, &bin.join("initdb"), "").await?;
    // Single-user mode needs no server, so the cluster is complete before it gets its name.
    let mut single = command(&bin.join("postgres"), home);
    single.arg("--single").arg("-D").arg(new).arg("postgres");
    run(single, &bin.join("postgres"), &format!("CREATE DATABASE {NAME}\n")).await
}

/// Another process may make the same template at the same time: the first rename wins.
async fn keep_template(new: &Path, template: &Path) -> Result<(), ServerError> {
    let parent = template.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(ServerError::file("create", parent))?;
    let own = template.with_extension(std::process::id().to_string());
    copy(new, &own).await?;
    if fs::rename(&own, template).is_err() {
        remove_tree(&own)?;
    }
    Ok(())
}

/// With owners and times, as Postgres demands of a cluster.
async fn copy(from: &Path, to: &Path) -> Result<(), ServerError> {
    cp("-a", from, to).await
}

async fn cp(how: &str, from: &Path, to: &Path) -> Result<(), ServerError> {
    let mut cp = Command::new("cp");
    cp.arg(how).arg(from).arg(to);
    run(cp, Path::new("cp"), "").await
}

/// The folder of programs, or a copy that the home's identity can reach.
pub(crate) async fn reachable_bin(tools: &Tools, home: &Home) -> Result<PathBuf, ServerError> {
    // Unlike `postgres`, `initdb` needs the installation's own libraries too.
    let program = tools.postgres_bin.join("initdb");
    let mut probe = command(&program, home);
    probe.arg("--version");
    if home.identity.is_none() || run(probe, &program, "").await.is_ok() {
        return Ok(tools.postgres_bin.clone());
    }
    let made = program.metadata().map_err(ServerError::file("inspect", &program))?;
    // An upgrade in place is another program.
    let name = format!("postgres-{}-{:x}-{:x}", tools.postgres_version, made.len(), made.mtime());
    let target = Path::new(ROOT_STORE).join(&name);
    if !target.exists() {
        let own = target.with_extension(std::process::id().to_string());
        remove_tree(&own)?;
        copy_installation(&tools.postgres_bin, &own).await?;
        if fs::rename(&own, &target).is_err() {
            remove_tree(&own)?;
        }
    }
    Ok(target.join("package/install/bin"))
}

/// Postgres finds its files relative to its program, so the whole installation moves; a wheel keeps libraries of
/// other projects in a folder `{package}.libs` beside the package. The copy is root's, whosever the programs were.
async fn copy_installation(bin: &Path, target: &Path) -> Result<(), ServerError> {
    let package = target.join("package");
    fs::create_dir_all(&package).map_err(ServerError::file("create", &package))?;
    let mut above = bin.ancestors().skip(1);
    if let Some(install) = above.next() {
        cp("-RP", install, &package.join("install")).await?;
    }
    if let Some(libraries) = above.next().map(|package| package.with_extension("libs")).filter(|libs| libs.is_dir())
        && let Some(name) = libraries.file_name()
    {
        cp("-RP", &libraries, &target.join(name)).await?;
    }
    Ok(())
}

pub(crate) fn command(program: &Path, home: &Home) -> Command {
    let mut command = Command::from(process::command(program, home.identity, None));
    // Root's working directory may be closed to the other identity, and Postgres complains.
    command.current_dir(&home.dir).kill_on_drop(true);
    command
}

/// Runs a program to its end with `input`; what it said is in the error.
pub(crate) async fn run(mut command: Command, program: &Path, input: &str) -> Result<(), ServerError> {
    let spawn_error = |source| ServerError::Spawn { program: program.to_path_buf(), source };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(spawn_error)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that reads nothing closes the pipe; its exit code tells what matters.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = child.wait_with_output().await.map_err(spawn_error)?;
    if output.status.success() {
        return Ok(());
    }
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(ServerError::Failed { program: program.to_path_buf(), said: last_lines(&said) })
}

/// The end of a program's output, short enough for an error message.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().rev().take(8).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
