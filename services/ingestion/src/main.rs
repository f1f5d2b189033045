//! The ingestion process.

use ingestion::Config;
use service_kit::Listeners;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

fn main() -> ExitCode {
    allocator::give_back();
    service_kit::run("ingestion", |config: Config, lifecycle| async move {
        let listeners = Listeners::bind(config.ingestion.listen, config.ingestion.internal).await?;
        ingestion::serve(config, listeners, lifecycle).await
    })
}
