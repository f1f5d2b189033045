//! A watcher that comes back misses nothing; the browser's feeds carry the same events.

use crate::{THREE, bert, busy_rig, run};
use anyhow::{Context, Result, ensure};
use dataset_model::DatasetId;
use e2e::{Feed, Item, Rig, repos, repos::LONG};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// All numbered events after `since`, up to the snapshot that follows them.
async fn replay(rig: &Rig, dataset: DatasetId, since: u64) -> Result<Vec<String>> {
    let mut feed = Feed::open(rig.catalog(), dataset, Some(since)).await?;
    let mut names = Vec::new();
    loop {
        match feed.next().await? {
            Item::Event { seq: Some(_), event } => names.push(event.name().to_owned()),
            Item::Event { seq: None, .. } => {}
            Item::Snapshot { seq, reset, .. } => {
                ensure!(!reset && seq == since + names.len() as u64, "a snapshot at {seq} after {names:?}");
                return Ok(names);
            }
        }
    }
}

#[test]
fn a_watcher_that_comes_back_gets_what_it_missed() {
    run(async {
        let mut rig = Rig::small(THREE).await?;
        let dataset = rig.create(repos::ENGLISH).await?;
        let mut feed = rig.watch(dataset).await?;
        let job = rig.download(dataset).await?;
        feed.until(|item| matches!(item, Item::Event { seq: Some(_), .. }).then_some(())).await?;
        let seen = feed.seq.context("a number")?;
        drop(feed);

        rig.succeeded(dataset, job).await?;
        let (_, job) = rig.tokenize(dataset, &bert("test")).await?;
        rig.succeeded(dataset, job).await?;
        rig.restart().await?;
        let all = replay(&rig, dataset, 0).await?;
        println!("events: {all:?}");
        let missed = replay(&rig, dataset, seen).await?;
        ensure!(all[usize::try_from(seen)?..] == missed, "{all:?} {missed:?}");
        ensure!(missed.iter().any(|name| name == "download_completed"), "{missed:?}");
        ensure!(missed.last().is_some_and(|name| name == "tokenization_completed"), "{missed:?}");
        ensure!(replay(&rig, dataset, all.len() as u64).await?.is_empty());

        // Over server-sent events, by the browser's own header.
        let last = (all.len() - 1).to_string();
        let path = format!("/datasets/{dataset}/events");
        let mut events = rig.api().stream(&path, &[("last-event-id", &last)]).await?;
        let text = sse_until(&mut events, "event: snapshot").await?;
        ensure!(text.contains("event: tokenization_completed") && !text.contains("download_completed\n"), "{text}");
        // One that comes with no number is told the last end.
        let Item::Snapshot { last_terminal, .. } = rig.watch(dataset).await?.next().await? else {
            anyhow::bail!("a snapshot comes first");
        };
        ensure!(last_terminal.is_some_and(|event| event.name() == "tokenization_completed"));
        drop(events);
        rig.done().await
    });
}

#[test]
fn the_browser_hears_of_progress_and_ends() {
    run(async {
        let rig = busy_rig().await?;
        let dataset = rig.create(repos::ENGLISH).await?;
        let mut socket = subscribe(&rig, &format!("dataset/{dataset}")).await?;
        let mut events = rig.api().stream(&format!("/datasets/{dataset}/events"), &[]).await?;

        let job = rig.download(dataset).await?;
        let told = until(&mut socket, "download_completed").await?;
        ensure!(told["data"]["job_id"] == job.to_string(), "{told}");
        sse_until(&mut events, "event: download_completed").await?;

        let (id, _) = rig.tokenize(dataset, &bert(LONG)).await?;
        let progress = until(&mut socket, "tokenization_progress").await?;
        ensure!(progress["data"]["tokenization_id"] == id.to_string(), "{progress}");
        let told = until(&mut socket, "tokenization_completed").await?;
        let statistics = rig.api().show(&format!("/datasets/{dataset}/statistics")).await?;
        ensure!(told["data"]["statistics"]["total_tokens"] == statistics["total_tokens"], "{told}");
        socket.close(None).await?;
        drop(events);
        rig.done().await
    });
}

async fn subscribe(rig: &Rig, channel: &str) -> Result<Socket> {
    let (mut socket, _) = tokio_tungstenite::connect_async(rig.api().socket()).await?;
    socket.send(Message::text(json!({ "type": "subscribe", "channel": channel }).to_string())).await?;
    until(&mut socket, "snapshot").await?;
    Ok(socket)
}

/// Reads on until an event of this name.
async fn until(socket: &mut Socket, event: &str) -> Result<Value> {
    let read = async {
        while let Some(message) = socket.next().await {
            let Message::Text(text) = message? else { continue };
            let value: Value = serde_json::from_str(&text)?;
            if value["event"] == event {
                return Ok(value);
            }
        }
        anyhow::bail!("the socket closed before `{event}`")
    };
    tokio::time::timeout(Duration::from_mins(1), read).await.with_context(|| format!("no `{event}`"))?
}

/// Reads on until the text holds `wanted`, and returns all of it.
async fn sse_until(events: &mut reqwest::Response, wanted: &str) -> Result<String> {
    let mut text = String::new();
    while !text.contains(wanted) {
        let chunk =
            tokio::time::timeout(Duration::from_secs(20), events.chunk()).await.context(wanted.to_owned())??;
        text.push_str(&String::from_utf8_lossy(&chunk.context("the stream of events ended")?));
    }
    Ok(text)
}
