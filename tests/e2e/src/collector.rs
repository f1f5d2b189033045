//! A collector of traces, as `OTEL_EXPORTER_OTLP_ENDPOINT` names one: it keeps what the services say of themselves.

use anyhow::Result;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
};
use std::time::Duration;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

/// What a test looks at of a span.
#[derive(Debug, Clone)]
pub struct Seen {
    pub service: String,
    pub name: String,
    /// Hexadecimal.
    pub trace: String,
    /// Traces that it is linked to.
    pub links: Vec<String>,
    /// Its attributes that are text.
    pub attributes: Vec<(String, String)>,
}

impl Seen {
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// A running collector; it stops when it is dropped.
#[derive(Debug)]
pub struct Collector {
    pub endpoint: String,
    spans: watch::Receiver<Vec<Seen>>,
    server: JoinHandle<()>,
}

impl Collector {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (sender, spans) = watch::channel(Vec::new());
        let service = TraceServiceServer::new(Keep(sender));
        #[expect(clippy::disallowed_methods, reason = "the test's runtime ends it; it has no Lifecycle to belong to")]
        let server = tokio::spawn(async move {
            let _ = Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener)).await;
        });
        Ok(Self { endpoint, spans, server })
    }

    /// Waits until the spans so far look as they should; fails with `what` and their names when they never do.
    pub async fn wait_for(&self, what: &str, is_as_expected: impl Fn(&[Seen]) -> bool) -> Result<Vec<Seen>> {
        let mut spans = self.spans.clone();
        let waited = tokio::time::timeout(Duration::from_secs(30), spans.wait_for(|spans| is_as_expected(spans))).await;
        match waited {
            Ok(spans) => Ok(spans?.clone()),
            Err(_) => anyhow::bail!("no {what} among {:#?}", *self.spans.borrow()),
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Keep(watch::Sender<Vec<Seen>>);

#[tonic::async_trait]
impl TraceService for Keep {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut seen = Vec::new();
        for one in request.into_inner().resource_spans {
            let resource = texts(one.resource.unwrap_or_default().attributes);
            let service = resource.into_iter().find(|(key, _)| key == "service.name").map(|(_, name)| name);
            let service = service.unwrap_or_default();
            seen.extend(one.scope_spans.into_iter().flat_map(|scope| scope.spans).map(|span| Seen {
                service: service.clone(),
                name: span.name,
                trace: hex::encode(&span.trace_id),
                links: span.links.iter().map(|link| hex::encode(&link.trace_id)).collect(),
                attributes: texts(span.attributes),
            }));
        }
        self.0.send_modify(|spans| spans.extend(seen));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn texts(attributes: Vec<KeyValue>) -> Vec<(String, String)> {
    let text = |one: KeyValue| match one.value?.value? {
        Value::StringValue(text) => Some((one.key, text)),
        _ => None,
    };
    attributes.into_iter().filter_map(text).collect()
}
