//! Scenarios and faults against the whole platform in one process. One binary, so that it is linked once.

mod happy_path;

use std::future::Future;

/// A test body that fails with its error, chain and all.
fn run(test: impl Future<Output = anyhow::Result<()>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(test).unwrap_or_else(|error| panic!("{error:#}"));
}
