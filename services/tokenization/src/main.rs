//! The tokenization process.

use service_kit::Listeners;
use std::process::ExitCode;
use tokenization::Config;

// As in `tokenmill`, and for the same reason.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    service_kit::run("tokenization", |config: Config, lifecycle| async move {
        let listeners = Listeners::bind(config.tokenization.listen, config.tokenization.internal).await?;
        tokenization::serve(config, listeners, lifecycle).await
    })
}
