//! The tokenization process.

use service_kit::Listeners;
use std::process::ExitCode;
use tokenization::Config;

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

fn main() -> ExitCode {
    allocator::give_back();
    service_kit::run("tokenization", |config: Config, lifecycle| async move {
        let listeners = Listeners::bind(config.tokenization.listen, config.tokenization.internal).await?;
        tokenization::serve(config, listeners, lifecycle).await
    })
}
