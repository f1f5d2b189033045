//! The gateway as a process of its own.

use gateway::Config;
use service_kit::Listeners;
use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::run("gateway", |config: Config, lifecycle| async move {
        let listeners = Listeners::bind(config.gateway.listen, config.gateway.internal).await?;
        gateway::serve(config, listeners, lifecycle).await
    })
}
