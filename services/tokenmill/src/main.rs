//! `tokenmill`: all services in one process on a laptop, and the command line for people.

mod arguments;
mod commands;
mod failure;
mod output;
mod up;
mod watch;

use arguments::{Arguments, Command};
use clap::{CommandFactory, Parser};
use std::process::ExitCode;
use tokio::runtime::Builder;

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The other commands only ask, and end.
    if matches!(arguments.command, Command::Up(_)) {
        allocator::give_back();
    }
    // Fails only when a provider is installed already, which is then the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A thread keeps what was freed on it as long as it lives, and no other may take that.
    let idle = allocator::FREED_IS_KEPT;
    let runtime = match Builder::new_multi_thread().enable_all().thread_keep_alive(idle).build() {
        Ok(runtime) => runtime,
        Err(error) => return failure::Failure::other(format!("no runtime: {error}")).report(arguments.json),
    };
    let json = arguments.json;
    let ended = match arguments.command {
        Command::Up(options) => return up::run(&runtime, options),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "tokenmill", &mut std::io::stdout());
            Ok(())
        }
        _ => runtime.block_on(commands::run(arguments)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}
