//! The services wired together.
//!
//! The doors (gateway, Flight) and the workers stop first, so that tasks are handed back to a catalog that still
//! answers; the catalog stops last.

use serde_json::{Value, json};
use service_kit::{Lifecycle, Listeners, ServeError, Settings};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinSet};

/// Where each service listens.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    pub catalog: SocketAddr,
    pub ingestion: SocketAddr,
    pub tokenization: SocketAddr,
    pub flight: SocketAddr,
    pub gateway: SocketAddr,
    /// First of five ports of the health pages; 0 = any.
    pub internal_port: u16,
}

impl Addresses {
    /// Loopback, on ports that are free.
    pub fn any() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { catalog: any, ingestion: any, tokenization: any, flight: any, gateway: any, internal_port: 0 }
    }

    /// Refuses a gateway that may not listen there, before anything is started for it.
    pub fn check(self, file: Option<&Path>) -> Result<(), ServeError> {
        load::<::gateway::Config>(file, &json!({ "gateway": { "listen": self.gateway } })).map(drop)
    }
}

/// The sockets of all services, bound before anything starts, so that a clash of ports fails first.
#[derive(Debug)]
pub struct Sockets {
    catalog: Listeners,
    ingestion: Listeners,
    tokenization: Listeners,
    flight: Listeners,
    gateway: Listeners,
}

impl Sockets {
    pub async fn bind(addresses: Addresses) -> Result<Self, ServeError> {
        let internal = |n: u16| {
            let port = if addresses.internal_port == 0 { 0 } else { addresses.internal_port + n };
            SocketAddr::from((Ipv4Addr::LOCALHOST, port))
        };
        Ok(Self {
            catalog: Listeners::bind(addresses.catalog, internal(0)).await?,
            ingestion: Listeners::bind(addresses.ingestion, internal(1)).await?,
            tokenization: Listeners::bind(addresses.tokenization, internal(2)).await?,
            flight: Listeners::bind(addresses.flight, internal(3)).await?,
            gateway: Listeners::bind(addresses.gateway, internal(4)).await?,
        })
    }

    /// Where the services find each other, as settings that win over file and environment.
    fn settings(&self) -> Result<Value, ServeError> {
        let address =
            |socket: &TcpListener| socket.local_addr().map_err(|e| ServeError::new("a socket has no address", e));
        let section = |listeners: &Listeners| -> Result<Value, ServeError> {
            let api = address(&listeners.api)?;
            Ok(json!({ "listen": api, "internal": address(&listeners.internal)?, "url": format!("http://{api}") }))
        };
        Ok(json!({
            "catalog": section(&self.catalog)?,
            "ingestion": section(&self.ingestion)?,
            "tokenization": section(&self.tokenization)?,
            "flight": section(&self.flight)?,
            "gateway": section(&self.gateway)?,
        }))
    }
}

/// Running services.
#[derive(Debug)]
pub struct Platform {
    doors: Lifecycle,
    back: Lifecycle,
    services: JoinSet<Result<(), ServeError>>,
    settings: Value,
}

impl Platform {
    /// Starts all services. `decided` holds settings that win over `file` and the environment (`storage`, `database`,
    /// `nats`); `doors` is the lifecycle that ends first.
    pub fn start(sockets: Sockets, file: Option<&Path>, decided: &Value, doors: Lifecycle) -> Result<Self, ServeError> {
        let mut settings = sockets.settings()?;
        merge(&mut settings, decided);
        let mut platform = Self { doors, back: Lifecycle::new(), services: JoinSet::new(), settings };
        let (doors, back) = (platform.doors.clone(), platform.back.clone());
        let Sockets { catalog, ingestion, tokenization, flight, gateway } = sockets;
        platform.run(&back, "catalog", ::catalog::serve(platform.load(file)?, catalog, back.clone()));
        platform.run(&doors, "ingestion", ::ingestion::serve(platform.load(file)?, ingestion, doors.clone()));
        platform.run(&doors, "tokenization", ::tokenization::serve(platform.load(file)?, tokenization, doors.clone()));
        platform.run(&doors, "flight", ::flight::serve(platform.load(file)?, flight, doors.clone()));
        platform.run(&doors, "gateway", ::gateway::serve(platform.load(file)?, gateway, doors.clone()));
        Ok(platform)
    }

    /// Where a service is reached, such as `http://127.0.0.1:8080` for `gateway`.
    pub fn url(&self, service: &str) -> &str {
        self.settings[service]["url"].as_str().unwrap_or_default()
    }

    /// Waits until a service fails, or the doors are asked to close.
    pub async fn ended(&mut self) -> Result<(), ServeError> {
        loop {
            tokio::select! {
                ended = self.services.join_next() => match ended {
                    Some(Ok(Err(error))) => return Err(error),
                    Some(_) => {}
                    None => return Ok(()),
                },
                () = self.doors.soft().cancelled() => return Ok(()),
            }
        }
    }

    /// Stops the doors and workers, then the catalog.
    pub async fn stop(self) {
        self.doors.shutdown().await;
        self.back.shutdown().await;
    }

    fn load<C: Settings>(&self, file: Option<&Path>) -> Result<C, ServeError> {
        load(file, &self.settings)
    }

    /// Runs a service as a tracked task of its own, so that all cores serve.
    fn run(
        &mut self,
        lifecycle: &Lifecycle,
        name: &'static str,
        service: impl Future<Output = Result<(), ServeError>> + Send + 'static,
    ) {
        let (tell, ended) = oneshot::channel();
        lifecycle.spawn(name, async move {
            let _ = tell.send(service.await);
        });
        self.services.spawn(async move { ended.await.unwrap_or(Ok(())) });
    }
}

fn load<C: Settings>(file: Option<&Path>, decided: &Value) -> Result<C, ServeError> {
    service_kit::load_over(file, decided).map_err(|e| ServeError::new("the settings cannot be used", e))
}

/// Lays `over` on top of `base`, section by section.
fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over.clone(),
    }
}
