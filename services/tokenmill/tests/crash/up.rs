//! `tokenmill up` as a process that can be killed.

use anyhow::{Context, Result, bail, ensure};
use catalog_client::CatalogClient;
use dataset_model::DatasetId;
use dataset_proto::catalog::{WatchDatasetRequest, watch_dataset_response::Item};
use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};
use tokio::process::{Child, Command};

pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// `tokenmill up` as a process of its own.
pub(crate) struct Up {
    child: Child,
    pub(crate) catalog: CatalogClient,
    pub(crate) flight: SocketAddr,
}

impl Up {
    pub(crate) async fn start(data_dir: &Path, hub: &str) -> Result<Self> {
        let addresses = test_kit::free_addresses(5);
        let &[catalog, flight, gateway, ingestion, tokenization] = addresses.as_slice() else {
            bail!("five addresses")
        };
        let log = std::fs::File::options().create(true).append(true).open(data_dir.join("../up.log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenmill"));
        command.arg("up").arg("--data-dir").arg(data_dir).args(["--internal-port", "0"]);
        for (name, address) in [
            ("--catalog", catalog),
            ("--flight", flight),
            ("--gateway", gateway),
            ("--ingestion", ingestion),
            ("--tokenization", tokenization),
        ] {
            command.arg(name).arg(address.to_string());
        }
        let child = command
            .current_dir(test_kit::project_root())
            .env("HF_ENDPOINT", hub)
            .env("TOKENMILL_JOBS__LEASE_SECONDS", "3")
            // The slow engine, so that there is a middle in which to kill it.
            .env("TOKENMILL_TOKENIZE__ENGINE", "reference")
            .env("TOKENMILL_JOBS__RECONCILE_SECONDS", "0.5")
            .env_remove("DATABASE_URL")
            .env_remove("NATS_URL")
            .stdin(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let channel = service_kit::channel(&format!("http://{catalog}"))?;
        let up = Self { child, catalog: CatalogClient::new(channel), flight };
        up.ready().await.context("`tokenmill up` did not become ready")?;
        Ok(up)
    }

    async fn ready(&self) -> Result<()> {
        test_kit::wait_until(Duration::from_mins(1), "the catalog answers", async || {
            let unknown = self.catalog.get_dataset(DatasetId::new()).await;
            unknown.is_err_and(|problem| problem.reason == dataset_model::Reason::NotFound)
        })
        .await;
        Ok(())
    }

    /// kill -9, of the process alone: what it started is left to itself.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.child.start_kill()?;
        self.child.wait().await?;
        Ok(())
    }

    /// Ctrl-C, and waits until it has drained.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let id = self.child.id().context("it has ended already")?;
        Command::new("kill").args(["-INT", &id.to_string()]).status().await?;
        let status = tokio::time::timeout(Duration::from_secs(25), self.child.wait()).await??;
        ensure!(status.success(), "`tokenmill up` ended with {status}");
        Ok(())
    }

    /// Follows the feed until `found` says so.
    pub(crate) async fn follow<T>(&self, id: DatasetId, found: impl Fn(Item) -> Option<T>) -> Result<T> {
        let watch = WatchDatasetRequest { dataset_id: id.to_string(), since_seq: None };
        let mut stream = self.catalog.watch().watch_dataset(watch).await?.into_inner();
        let followed = async {
            while let Some(message) = stream.message().await? {
                if let Some(value) = message.item.and_then(&found) {
                    return Ok(value);
                }
            }
            bail!("the feed ended")
        };
        tokio::time::timeout(PATIENCE, followed).await?
    }
}
