//! The ingestion process.

use ingestion::Config;
use service_kit::Listeners;
use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::run("ingestion", |config: Config, lifecycle| async move {
        let listeners = Listeners::bind(config.ingestion.listen, config.ingestion.internal).await?;
        ingestion::serve(config, listeners, lifecycle).await
    })
}
