//! The catalog's process.

use catalog::{Config, migrate, serve};
use service_kit::{Listeners, run_with};
use std::process::ExitCode;

fn main() -> ExitCode {
    let commands = [("migrate", "bring the database's schema up to date and exit")];
    run_with("catalog", &commands, |command, config: Config, lifecycle| async move {
        if command == "migrate" {
            return migrate(&config).await;
        }
        let listeners = Listeners::bind(config.catalog.listen, config.catalog.internal).await?;
        serve(config, listeners, lifecycle).await
    })
}
