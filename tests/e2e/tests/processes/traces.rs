//! One trace leads from a request over REST through gRPC, the outbox and NATS to the work, across five processes.

use crate::{SPLITS, run};
use anyhow::ensure;
use dataset_model::JobId;
use e2e::{Collector, Processes, Seen, repos};
use reqwest::{Method, StatusCode};
use serde_json::json;

#[test]
fn a_request_is_followed_to_its_work() {
    run(async {
        let collector = Collector::start().await?;
        // The batch processor's default of 5 s only makes the test longer.
        let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
        let stack = Processes::start_with(SPLITS, &environment).await?;
        let dataset = stack.rig.create(repos::ENGLISH).await?;

        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let header = format!("00-{trace}-00f067aa0ba902b7-01");
        let path = format!("/datasets/{dataset}/download");
        let asked = stack.rig.api().call(Method::POST, &path, Some(&json!({})), &[("traceparent", &header)]).await?;
        let job: JobId = asked.expect(StatusCode::ACCEPTED)?["job_id"].as_str().unwrap_or_default().parse()?;
        stack.rig.acknowledge(dataset, job);
        stack.rig.succeeded(dataset, job).await?;

        let is_inside = |span: &Seen, service: &str| span.service == service && span.trace == trace;
        let is_caused = |span: &Seen, name: &str| {
            span.service == "ingestion" && span.name == name && span.links.iter().any(|link| link == trace)
        };
        let task = |spans: &[Seen], kind: &str| {
            spans.iter().any(|span| is_caused(span, "task") && span.attribute("task.kind") == Some(kind))
        };
        let spans = collector
            .wait_for("trace from the gateway to the last task", |spans| {
                spans.iter().any(|span| is_inside(span, "gateway"))
                    && spans.iter().any(|span| is_inside(span, "catalog"))
                    && ["plan", "work", "finish"].iter().all(|kind| task(spans, kind))
                    // What the doorbell's header said, and nothing else can have.
                    && spans.iter().any(|span| is_caused(span, "claim"))
            })
            .await?;
        // Work is caused by the request and no part of it: it may run hours later, and again.
        let strays: Vec<_> = spans.iter().filter(|span| is_inside(span, "ingestion")).collect();
        ensure!(strays.is_empty(), "work inside the request's trace: {strays:?}");
        println!("{} spans of {} services", spans.len(), {
            let mut services: Vec<&str> = spans.iter().map(|span| &*span.service).collect();
            services.sort_unstable();
            services.dedup();
            services.len()
        });
        stack.done().await
    });
}
