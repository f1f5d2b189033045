//! Compiles the protos without a system protoc, and keeps the descriptors for reflection.

use prost::Message;
use std::{env, error::Error, fs, path::PathBuf};

const FILES: &[&str] = &[
    "tokenmill/bus/v1/bus.proto",
    "tokenmill/catalog/v1/datasets.proto",
    "tokenmill/catalog/v1/jobs.proto",
    "tokenmill/catalog/v1/left_out.proto",
    "tokenmill/catalog/v1/problem.proto",
    "tokenmill/catalog/v1/tokenizations.proto",
    "tokenmill/catalog/v1/watch.proto",
    "tokenmill/flight/v1/read_plan.proto",
    "tokenmill/ingestion/v1/ingestion.proto",
    "tokenmill/tokenization/v1/tokenization.proto",
];

#[expect(clippy::disallowed_methods, reason = "a build script is configured by its environment")]
fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin"), descriptors.encode_to_vec())?;
    // Shards and their digests go through without being copied.
    let generated = tonic_prost_build::configure().bytes(".tokenmill.catalog.v1.Shard.batch_digests");
    generated.skip_debug([".tokenmill.catalog.v1.HubToken"]).compile_fds(descriptors)?;
    Ok(())
}
