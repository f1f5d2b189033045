//! Fetches a dataset's files into a folder: `cargo run --release -p hub --example fetch -- ENDPOINT REPO DIR`.
//!
//! Prints the seconds and the bytes. It is the verified transfer alone, as in an ingest but without the conversion.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a command line")]

use std::{path::Path, time::Instant};

use futures::{StreamExt, TryStreamExt, stream};
use hub::{Fetch, HubClient, HubConfig, HubError, RepoKind};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), HubError> {
    let mut arguments = std::env::args().skip(1);
    let (Some(endpoint), Some(repo), Some(dir)) = (arguments.next(), arguments.next(), arguments.next()) else {
        eprintln!("usage: fetch ENDPOINT REPO DIR");
        std::process::exit(64);
    };
    let config = HubConfig { endpoint, ..HubConfig::default() };
    let at_once = config.max_files;
    let client = HubClient::new(config)?;
    let (started, cancel) = (Instant::now(), CancellationToken::new());
    let commit = client.dataset_info(&repo, None, None).await?.sha;
    let files = client.tree(RepoKind::Dataset, &repo, &commit, None).await?;
    let fetch = async |file| {
        let (staging, progress) = (Path::new(&dir), &|_| ());
        let kind = RepoKind::Dataset;
        let fetch = Fetch { kind, repo: &repo, commit: &commit, file, staging, token: None, cancel: &cancel, progress };
        Ok::<_, HubError>(client.fetch(fetch).await?.downloaded)
    };
    let bytes = stream::iter(&files).map(fetch).buffer_unordered(at_once);
    let bytes: u64 = bytes.try_fold(0, async |sum, bytes| Ok(sum + bytes)).await?;
    println!("{} {bytes}", started.elapsed().as_secs_f64());
    Ok(())
}
