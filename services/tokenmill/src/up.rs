//! `tokenmill up`: every service in one process, with a private Postgres and NATS.
//!
//! After a kill -9 the same data directory starts again: the servers' own files are mended by embedded-servers, and
//! leases end by themselves.

use crate::{arguments::Up, failure::Failure, output};
use embedded_servers::{Nats, Postgres, Tools};
use serde_json::{Value, json};
use service_kit::{Lifecycle, ServeError, Telemetry};
use std::{fs::File, path::Path, process::ExitCode};
use tokenmill::{Addresses, Platform, Sockets};
use tokio::runtime::Runtime;

pub(crate) fn run(runtime: &Runtime, options: Up) -> ExitCode {
    let telemetry = Telemetry::install("tokenmill", runtime.handle());
    let ended = runtime.block_on(async {
        let lifecycle = Lifecycle::new();
        service_kit::serve_until_signal(&lifecycle, up(options, lifecycle.clone())).await
    });
    drop(telemetry);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => Failure::other(error.chain()).report(false),
    }
}

async fn up(options: Up, doors: Lifecycle) -> Result<(), ServeError> {
    let addresses = Addresses {
        catalog: options.catalog,
        ingestion: options.ingestion,
        tokenization: options.tokenization,
        flight: options.flight,
        gateway: options.gateway,
        internal_port: options.internal_port,
    };
    addresses.check(options.config.as_deref())?;
    let _lock = lock(&options.data_dir)?;
    let sockets = Sockets::bind(addresses).await?;
    let mut decided = json!({ "storage": { "data_dir": options.data_dir } });
    let servers = Servers::start(&options.data_dir, &mut decided).await?;
    let ended = match Platform::start(sockets, options.config.as_deref(), &decided, doors) {
        Ok(mut platform) => {
            announce(&platform, &options.data_dir);
            let ended = platform.ended().await;
            platform.stop().await;
            ended
        }
        Err(error) => Err(error),
    };
    servers.stop().await;
    ended
}

/// The private servers that were needed.
struct Servers {
    postgres: Option<Postgres>,
    nats: Option<Nats>,
}

/// Decides what is started, before there are settings.
fn given(names: [&str; 2]) -> bool {
    names.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

impl Servers {
    async fn start(data_dir: &Path, decided: &mut Value) -> Result<Self, ServeError> {
        let failed = |e| ServeError::new("the private servers cannot be started", e);
        let database = given(["DATABASE_URL", "TOKENMILL_DATABASE__URL"]);
        let bus = given(["NATS_URL", "TOKENMILL_NATS__URL"]);
        let mut servers = Self { postgres: None, nats: None };
        if database && bus {
            return Ok(servers);
        }
        let tools = Tools::find(&[]).map_err(failed)?;
        if !database {
            let postgres = Postgres::start(&tools, data_dir).await.map_err(failed)?;
            decided["database"] = json!({ "url": postgres.url() });
            servers.postgres = Some(postgres);
        }
        if !bus {
            let nats = Nats::start(&tools, data_dir, None).await.map_err(failed)?;
            decided["nats"] = json!({ "url": nats.url() });
            servers.nats = Some(nats);
        }
        Ok(servers)
    }

    async fn stop(self) {
        if let Some(nats) = self.nats {
            nats.stop().await;
        }
        if let Some(postgres) = self.postgres {
            postgres.stop().await;
        }
    }
}

fn announce(platform: &Platform, data_dir: &Path) {
    output::remark(&format!(
        "tokenmill is starting in {}\n  gateway  {}  (ready when /readyz answers 200; API at /api/docs)\n  \
         flight   {}\n  catalog  {}\nCtrl-C drains and stops.",
        data_dir.display(),
        platform.url("gateway"),
        platform.url("flight").replace("http://", "grpc://"),
        platform.url("catalog"),
    ));
}

/// One `up` per data directory: the lock goes with the process, however it ends.
fn lock(data_dir: &Path) -> Result<File, ServeError> {
    let path = data_dir.join("tokenmill.lock");
    let failed =
        |e: std::io::Error| ServeError::new(format!("cannot use the data directory {}", data_dir.display()), e);
    std::fs::create_dir_all(data_dir).map_err(failed)?;
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(ServeError::new(
            format!("another tokenmill runs in {}", data_dir.display()),
            format!("{} is locked; stop it, or give --data-dir", path.display()),
        )),
        Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}
