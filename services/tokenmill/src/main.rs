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
use std::time::Duration;
use tokio::runtime::Builder;

// Encoding makes and frees many small buffers on all cores, where the system's allocator loses a quarter of the speed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Freed memory goes back to the system when nobody took it for so many milliseconds. By default it is ten, which is less
/// than lies between two batches: then each of them is cleared by the system anew.
const FREED_IS_KEPT: std::ffi::c_long = 100;

#[expect(unsafe_code, reason = "the library is told in no other way")]
fn keep_freed_memory() {
    // `mi_option_purge_delay`, to which the bindings give no name.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: takes numbers; not to be called by two threads, and there is one yet.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, FREED_IS_KEPT) }
}

fn main() -> ExitCode {
    keep_freed_memory();
    let arguments = Arguments::parse();
    // Fails only when a provider is installed already, which is then the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A thread keeps what was freed on it as long as it lives, and no other may take that.
    let idle = Duration::from_millis(FREED_IS_KEPT.unsigned_abs());
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
