//! Logs to stderr; traces over OTLP when an endpoint is configured; W3C trace context in and out.

use opentelemetry::{
    global,
    propagation::{Extractor, Injector},
    trace::TracerProvider as _,
};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use std::collections::HashMap;
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// Keeps telemetry running; dropping it flushes what is buffered.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Installs logging and tracing for the whole process. `RUST_LOG` filters (default `info`), and
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` turns the export on; its connection lives in `runtime`, which must outlive this.
    pub fn install(service: &'static str, runtime: &Handle) -> Self {
        let _inside = runtime.enter();
        global::set_text_map_propagator(TraceContextPropagator::new());
        let mut builder =
            SdkTracerProvider::builder().with_resource(Resource::builder().with_service_name(service).build());
        if let Some(endpoint) = variable("OTEL_EXPORTER_OTLP_ENDPOINT") {
            match exporter(&endpoint) {
                Ok(exporter) => builder = builder.with_batch_exporter(exporter),
                // The logger does not exist yet, and telemetry must not keep a service from starting.
                #[expect(clippy::print_stderr, reason = "before the logger is installed")]
                Err(error) => eprintln!("traces are not exported to {endpoint}: {error}"),
            }
        }
        let provider = builder.build();
        let filter = EnvFilter::try_from_default_env()
            .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,async_nats=warn,hyper=warn,h2=warn"));
        let json = variable("TOKENMILL_LOG__FORMAT").as_deref() == Some("json");
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = if json { lines.json().boxed() } else { lines.with_target(false).boxed() };
        let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer(service));
        // A second installation (tests) keeps the first.
        let _ = tracing_subscriber::registry().with(filter).with(lines).with(spans).try_init();
        Self { provider }
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let _ = self.provider.shutdown();
    }
}

fn exporter(endpoint: &str) -> Result<opentelemetry_otlp::SpanExporter, opentelemetry_otlp::ExporterBuildError> {
    use opentelemetry_otlp::WithExportConfig;
    opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()
}

#[expect(clippy::disallowed_methods, reason = "telemetry starts before settings are read, under the ecosystem's names")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The W3C `traceparent` of the current span; empty when none is sampled.
pub fn traceparent() -> String {
    struct Carrier(HashMap<String, String>);
    impl Injector for Carrier {
        fn set(&mut self, key: &str, value: String) {
            self.0.insert(key.to_owned(), value);
        }
    }
    let mut carrier = Carrier(HashMap::new());
    let context = Span::current().context();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut carrier));
    carrier.0.remove("traceparent").unwrap_or_default()
}

/// Makes `span` a child of the trace context in `headers`.
pub fn set_parent(span: &Span, headers: &http::HeaderMap) {
    struct Headers<'a>(&'a http::HeaderMap);
    impl Extractor for Headers<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            self.0.get(key).and_then(|value| value.to_str().ok())
        }

        fn keys(&self) -> Vec<&str> {
            self.0.keys().map(http::HeaderName::as_str).collect()
        }
    }
    let context = global::get_text_map_propagator(|propagator| propagator.extract(&Headers(headers)));
    let _ = span.set_parent(context);
}

/// Links `span` to the trace context in `traceparent`: it was caused by it, and is not a part of it.
pub fn follow(span: &Span, traceparent: &str) {
    use opentelemetry::trace::TraceContextExt;
    struct One<'a>(&'a str);
    impl Extractor for One<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            (key == "traceparent").then_some(self.0)
        }

        fn keys(&self) -> Vec<&str> {
            vec!["traceparent"]
        }
    }
    if !traceparent.is_empty() {
        let context = global::get_text_map_propagator(|propagator| propagator.extract(&One(traceparent)));
        span.add_link(context.span().span_context().clone());
    }
}
