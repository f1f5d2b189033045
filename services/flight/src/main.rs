//! The flight process.

use flight::Config;
use service_kit::Listeners;
use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::run("flight", |config: Config, lifecycle| async move {
        let listeners = Listeners::bind(config.flight.listen, config.flight.internal).await?;
        flight::serve(config, listeners, lifecycle).await
    })
}
