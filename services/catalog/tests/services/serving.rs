//! The whole service over gRPC: it migrates, serves, tells its watchers, and drains.

use crate::support::Rig;
use catalog::{Config, serve};
use dataset_model::Reason;
use dataset_proto::{
    catalog::{
        self as proto, dataset_event::Body, dataset_service_client::DatasetServiceClient, watch_dataset_response::Item,
        watch_service_client::WatchServiceClient,
    },
    status::from_status,
};
use futures::future::join;
use service_kit::{Lifecycle, Listeners, Secret};
use std::{net::SocketAddr, time::Duration};
use tonic::transport::Channel;

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Serves while `user` speaks to it; returns after both have ended in good order.
async fn with_service(config: Config, user: impl AsyncFnOnce(Channel)) {
    let listeners = Listeners::bind(LOCAL, LOCAL).await.unwrap();
    let url = format!("http://{}", listeners.api.local_addr().unwrap());
    let lifecycle = Lifecycle::new();
    let talk = async {
        user(service_kit::channel(&url).unwrap()).await;
        lifecycle.shutdown().await;
    };
    let (served, ()) = join(serve(config, listeners, lifecycle.clone()), talk).await;
    served.unwrap();
}

#[tokio::test]
async fn watchers_hear_numbered_events_and_a_snapshot() {
    let rig = Rig::new().await;
    let mut config = Config::default();
    config.database.url = Secret::new(rig.database.url());
    let heard = tokio::time::timeout(
        Duration::from_secs(20),
        with_service(config, async |channel| {
            let mut datasets = DatasetServiceClient::new(channel.clone());
            let create = proto::DatasetServiceCreateRequest { repo_id: "a".into(), ..Default::default() };
            let dataset_id = datasets.create(create).await.unwrap().into_inner().dataset.unwrap().id;
            let watch = proto::WatchDatasetRequest { dataset_id: dataset_id.clone(), since_seq: Some(0) };
            let mut items = WatchServiceClient::new(channel).watch_dataset(watch).await.unwrap().into_inner();
            assert!(
                matches!(items.message().await.unwrap().unwrap().item, Some(Item::Event(event)) if event.seq == Some(1))
            );
            assert!(
                matches!(items.message().await.unwrap().unwrap().item, Some(Item::Snapshot(s)) if s.seq == 1 && !s.reset)
            );
            let start = proto::StartIngestRequest { dataset_id: dataset_id.clone(), ..Default::default() };
            datasets.start_ingest(start).await.unwrap();
            datasets.cancel(proto::DatasetServiceCancelRequest { id: dataset_id.clone() }).await.unwrap();
            datasets.delete(proto::DatasetServiceDeleteRequest { id: dataset_id }).await.unwrap();
            let mut seen = Vec::new();
            while let Some(answer) = items.message().await.unwrap() {
                if let Some(Item::Event(proto::DatasetEvent { seq: Some(seq), body: Some(body), .. })) = answer.item {
                    seen.push((seq, body));
                }
            }
            assert_eq!(seen.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [2, 3, 4]);
            assert!(matches!(seen[1].1, Body::DownloadCancelled(_)), "{seen:?}");
            assert!(matches!(seen[2].1, Body::DatasetDeleted(_)), "{seen:?}");
        }),
    );
    heard.await.unwrap();
}

#[tokio::test]
async fn without_a_database_every_call_says_so() {
    let mut config = Config::default();
    config.database.url = Secret::new("postgres://nobody@127.0.0.1:1/nothing");
    config.database.migrate = false;
    with_service(config, async |channel| {
        let mut datasets = DatasetServiceClient::new(channel);
        let status = datasets.list(proto::DatasetServiceListRequest::default()).await.unwrap_err();
        let problem = from_status(&status);
        assert_eq!((problem.reason, problem.retryable), (Reason::DbUnavailable, true), "{status:?}");
        assert!(problem.retry_after_ms.is_some() && !problem.detail.contains("127.0.0.1"), "{problem}");
    })
    .await;
}
