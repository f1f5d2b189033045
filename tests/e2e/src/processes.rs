//! The services as processes of their own, so that exactly one can be killed or stopped at any instruction.

use crate::rig::{Options, Rig};
use anyhow::{Context, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::File,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::process::Child;

/// Services on fixed ports, so that one that was killed comes back where the others look for it.
const SERVICES: &[&str] = &["catalog", "tokenization", "flight", "gateway", "ingestion"];

/// Of each service's log, the end is shown.
const LOG_LINES: usize = 40;

/// A rig whose services are processes. Workers are started one by one, so that a test knows who has the task.
#[derive(Debug)]
pub struct Processes {
    pub rig: Rig,
    addresses: Value,
    environment: Vec<(String, String)>,
    running: BTreeMap<String, Process>,
}

/// One service.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Processes {
    /// Starts the catalog, the tokenization service, the doors, and one ingestion worker, over `acme/english`.
    pub async fn start(splits: &[&str]) -> Result<Self> {
        Self::start_with(splits, &[]).await
    }

    /// The same, with more environment for every process.
    pub async fn start_with(splits: &[&str], environment: &[(&str, &str)]) -> Result<Self> {
        // The slow engine, so that there is a middle in which a process can be killed.
        let settings = json!({ "tokenize": { "engine": "reference" } });
        let rig = Rig::unstarted(Options { settings, ..Options::default() }, Some(splits)).await?;
        let mut addresses = json!({});
        for (name, address) in SERVICES.iter().zip(test_kit::free_addresses(SERVICES.len())) {
            addresses[name] =
                json!({ "listen": address, "internal": "127.0.0.1:0", "url": format!("http://{address}") });
        }
        let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut stack = Self { rig, addresses, environment, running: BTreeMap::new() };
        for name in SERVICES {
            stack.spawn(name, &[])?;
        }
        let url = |name: &str| stack.addresses[name]["url"].as_str().unwrap_or_default().to_owned();
        let (catalog, gateway, flight) = (url("catalog"), url("gateway"), url("flight"));
        stack.rig.connect(&catalog, &gateway, &flight)?;
        stack.rig.ready().await;
        Ok(stack)
    }

    /// Starts a second worker of a service, `ingestion` or `tokenization`, on any port.
    pub fn spawn_second(&mut self, service: &str) -> Result<()> {
        self.spawn_nth(service, 2)
    }

    /// Starts worker number `n`, which is called [`Self::nth`].
    pub fn spawn_nth(&mut self, service: &str, n: usize) -> Result<()> {
        let over = (n > 1).then(|| (variable(service, "listen"), "127.0.0.1:0".to_owned()));
        self.spawn(&Self::nth(service, n), over.as_slice())
    }

    /// What worker number `n` of a service is called here; the first has the service's own name.
    pub fn nth(service: &str, n: usize) -> String {
        if n == 1 { service.to_owned() } else { format!("{service} {n}") }
    }

    /// The process of a worker that runs.
    pub fn pid(&self, name: &str) -> Result<u32> {
        self.process(name)?.child.id().context("it has ended")
    }

    /// Starts a worker again that was killed, with the catalog behind another port.
    pub fn spawn_behind(&mut self, service: &str, port: u16) -> Result<()> {
        self.spawn(service, &[(variable("catalog", "url"), format!("http://127.0.0.1:{port}"))])
    }

    /// Where a service listens.
    pub fn address(&self, service: &str) -> String {
        self.addresses[service]["listen"].as_str().unwrap_or_default().to_owned()
    }

    /// Starts the service again that was killed.
    pub fn spawn_again(&mut self, service: &str) -> Result<()> {
        self.spawn(service, &[])
    }

    /// `name` is the service, and a number behind it if it is not the first.
    fn spawn(&mut self, name: &str, over: &[(String, String)]) -> Result<()> {
        let service = name.split(' ').next().unwrap_or(name);
        let log = File::options().create(true).append(true).open(self.rig.folder().join(format!("{name}.log")))?;
        let mut command = Command::new(program(service)?);
        command.arg("serve").current_dir(self.rig.folder()).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        for (section, keys) in self.rig.settings().as_object().into_iter().chain(self.addresses.as_object()).flatten() {
            for (key, value) in keys.as_object().into_iter().flatten() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                command.env(variable(section, key), text);
            }
        }
        for (key, value) in self.environment.iter().chain(over) {
            command.env(key, value);
        }
        let child = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
        self.running.insert(name.to_owned(), Process { child });
        Ok(())
    }

    /// kill -9.
    pub async fn kill(&mut self, name: &str) -> Result<()> {
        let mut process = self.running.remove(name).context("no such process")?;
        process.child.kill().await?;
        Ok(())
    }

    /// SIGSTOP: not a single instruction more.
    pub fn pause(&self, name: &str) -> Result<()> {
        self.process(name)?.signal(Signal::SIGSTOP)
    }

    pub fn wake(&self, name: &str) -> Result<()> {
        self.process(name)?.signal(Signal::SIGCONT)
    }

    /// SIGTERM, and waits for an end in good order.
    pub async fn stop(&mut self, name: &str) -> Result<()> {
        let mut process = self.running.remove(name).context("no such process")?;
        process.signal(Signal::SIGTERM)?;
        let status = tokio::time::timeout(Duration::from_secs(25), process.child.wait()).await;
        let status = status.with_context(|| format!("`{name}` does not stop"))??;
        ensure!(status.success(), "`{name}` ended with {status}");
        Ok(())
    }

    /// Checks, and stops everything in good order: the catalog last.
    pub async fn done(mut self) -> Result<()> {
        self.rig.check().await?;
        let mut names: Vec<String> = self.running.keys().cloned().collect();
        names.sort_by_key(|name| name == "catalog");
        for name in names {
            self.stop(&name).await?;
        }
        Ok(())
    }

    fn process(&self, name: &str) -> Result<&Process> {
        self.running.get(name).context("no such process")
    }
}

/// Shown when the test fails.
impl Drop for Processes {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(self.rig.folder()).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|end| end == "log") {
                let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let last = &lines[lines.len().saturating_sub(LOG_LINES)..];
                eprintln!("--- {}\n{}", entry.path().display(), last.join("\n"));
            }
        }
    }
}

impl Process {
    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.child.id().context("it has ended")?;
        Ok(kill(Pid::from_raw(pid.cast_signed()), signal)?)
    }
}

fn variable(section: &str, key: &str) -> String {
    format!("TOKENMILL_{}__{}", section.to_uppercase(), key.to_uppercase())
}

/// The service's own program, which Cargo puts two folders above the tests.
fn program(service: &str) -> Result<PathBuf> {
    let tests = std::env::current_exe()?;
    let program = tests.ancestors().nth(2).context("no target folder")?.join(service);
    ensure!(program.exists(), "no `{}`: run `make build`", program.display());
    Ok(program)
}
