//! The `main` of a service: command line, settings, telemetry, lifecycle, exit code.

use crate::{Lifecycle, ServeError, Settings, Telemetry, config};
use clap::{Arg, ArgAction, Command};
use std::{
    future::Future,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};
use tokio::signal::unix::{SignalKind, signal};

/// `EX_CONFIG` would be 78; 64 is what the documentation of the services promises for unusable settings.
const EXIT_USAGE: u8 = 64;

/// Runs a service that has only `serve` and `healthcheck`.
pub fn run<C, F>(service: &'static str, serve: impl FnOnce(C, Lifecycle) -> F) -> ExitCode
where
    C: Settings,
    F: Future<Output = Result<(), ServeError>>,
{
    run_with(service, &[], |_, config, lifecycle| serve(config, lifecycle))
}

/// The same with further subcommands (`name`, about); `serve` is told which one was given, or `serve`.
pub fn run_with<C, F>(
    service: &'static str,
    commands: &[(&'static str, &'static str)],
    serve: impl FnOnce(String, C, Lifecycle) -> F,
) -> ExitCode
where
    C: Settings,
    F: Future<Output = Result<(), ServeError>>,
{
    let matches = command_line(service, commands).get_matches();
    let config: C = match config::load(matches.get_one::<PathBuf>("config").map(PathBuf::as_path)) {
        Ok(config) => config,
        Err(error) => {
            say(&error.to_string());
            return ExitCode::from(EXIT_USAGE);
        }
    };
    if matches.get_flag("check-config") {
        say(&toml::to_string_pretty(&config).unwrap_or_default());
        return ExitCode::SUCCESS;
    }
    let command = matches.subcommand_name().unwrap_or("serve").to_owned();
    if command == "healthcheck" {
        return healthcheck(config.internal());
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("no runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let telemetry = Telemetry::install(service, runtime.handle());
    tracing::info!(service, settings = %toml::to_string(&config).unwrap_or_default(), "starting");
    // Fails only when a provider is installed already, which is then the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ended = runtime.block_on(async {
        let lifecycle = Lifecycle::new();
        serve_until_signal(&lifecycle, serve(command, config, lifecycle.clone())).await
    });
    if let Err(error) = &ended {
        tracing::error!(service, error = %error.chain(), "stopped");
    }
    // The last spans leave over a connection of the runtime.
    drop(telemetry);
    runtime.shutdown_timeout(Duration::from_secs(1));
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs `service` until it ends or a signal asks it to: the first signal drains, the second drops.
pub async fn serve_until_signal(
    lifecycle: &Lifecycle,
    service: impl Future<Output = Result<(), ServeError>>,
) -> Result<(), ServeError> {
    let signals = |e| ServeError::new("cannot listen for signals", e);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    tokio::pin!(service);
    tokio::select! {
        ended = &mut service => { lifecycle.shutdown().await; return ended }
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("draining; a second signal stops at once");
    let drain = async { tokio::join!(lifecycle.shutdown(), &mut service).1 };
    tokio::select! {
        ended = drain => ended,
        _ = interrupt.recv() => { lifecycle.hard().cancel(); Ok(()) }
        _ = terminate.recv() => { lifecycle.hard().cancel(); Ok(()) }
    }
}

fn command_line(service: &'static str, commands: &[(&'static str, &'static str)]) -> Command {
    let flag = |name: &'static str, help: &'static str| Arg::new(name).long(name).global(true).help(help);
    Command::new(service)
        .version(env!("CARGO_PKG_VERSION"))
        .arg(flag("config", "settings file [default: tokenmill.toml]").value_parser(clap::value_parser!(PathBuf)))
        .arg(flag("check-config", "print the settings and exit").action(ArgAction::SetTrue))
        .subcommand(Command::new("serve").about("run the service"))
        .subcommand(Command::new("healthcheck").about("exit 0 when the running service is ready"))
        .subcommands(commands.iter().map(|(name, about)| Command::new(*name).about(*about)))
}

/// Asks `/readyz` of the running service; plain HTTP/1.1, as a probe needs no client library.
fn healthcheck(internal: SocketAddr) -> ExitCode {
    let ask = || -> std::io::Result<bool> {
        let timeout = Duration::from_secs(3);
        let mut stream = TcpStream::connect_timeout(&internal, timeout)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    };
    match ask() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            say("not ready");
            ExitCode::FAILURE
        }
        Err(error) => {
            say(&format!("{internal} does not answer: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "answers of the command line, before there is a logger")]
fn say(text: &str) {
    eprintln!("{text}");
}
