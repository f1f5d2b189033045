//! One WebSocket: its subscriptions, what waits for it, and when it must go.
//!
//! Two halves share an outbox. While it is full, the reading half takes neither from the client nor from its channels,
//! which wait for nobody; one that does not catch up in time is closed.

use super::{
    message::{Message, PANEL},
    outbox::Outbox,
    upstream::{Feed, channel_of},
    wire::ClientMessage,
};
use crate::{Gateway, config, error::ApiError, openapi::FeedErrors, origin};
use axum::{
    extract::{
        State,
        ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::HeaderMap,
    response::Response,
};
use dataset_model::{DatasetId, Problem, Reason};
use futures::{Sink, SinkExt, Stream, StreamExt, stream::BoxStream};
use std::{error::Error, pin::pin, time::Duration};
use tokio::time::{Instant, timeout};
use tokio_stream::StreamMap;
use tokio_tungstenite::tungstenite;

/// Largest message of a client.
const MAX_INBOUND: usize = 4 << 10;
const MAX_CHANNELS: usize = 64;
/// How long a socket may take to read its close frame.
const FAREWELL: Duration = Duration::from_secs(10);

const CLOSE_NORMAL: u16 = 1000;
const CLOSE_DRAINING: u16 = 1001;
const CLOSE_POLICY: u16 = 1008;
const CLOSE_TOO_BIG: u16 = 1009;
const CLOSE_SLOW: u16 = 1013;

/// Why a socket is closed.
#[derive(Debug, Clone, Copy)]
struct Farewell(u16, &'static str);

const SHUTTING_DOWN: Farewell = Farewell(CLOSE_DRAINING, "the gateway is shutting down");
const TOO_SLOW: Farewell = Farewell(CLOSE_SLOW, "too slow: subscribe again with the last seq");

/// Live state over one WebSocket: channels `dataset/{id}` and `datasets`.
///
/// The client sends `ClientMessage`s, such as `{"type":"subscribe","channel":"dataset/{id}","since":seq?}`, and the
/// server `ServerMessage`s (see the schemas). A channel gives the numbered events after `since`, a snapshot, then what
/// happens. Close codes: 1001 shutting down, 1008 silence, 1009 message too big, 1013 too slow.
#[utoipa::path(get, path = "/ws", operation_id = "connect_feeds", tag = "feeds",
    responses((status = 101, description = "switches to WebSocket"), FeedErrors))]
pub(crate) async fn connect(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    origin::check(&headers, &gateway.settings.allowed_origins)?;
    let upgrade = upgrade.map_err(|_| ApiError::new(Reason::MalformedBody, "this path speaks WebSocket only"))?;
    let place = gateway.feeds.enter()?;
    // Its default is 128 KiB for each socket, whatever comes.
    let upgrade = upgrade.max_message_size(MAX_INBOUND).max_frame_size(MAX_INBOUND).read_buffer_size(MAX_INBOUND);
    Ok(upgrade.on_upgrade(async move |socket| {
        run(socket, &gateway).await;
        drop(place);
    }))
}

async fn run(socket: WebSocket, gateway: &Gateway) {
    let outbox = Outbox::default();
    let (mut sink, mut frames) = socket.split();
    let mut session = Session { gateway, outbox: &outbox, channels: StreamMap::new() };
    let farewell = {
        let mut writer = pin!(write(&mut sink, &outbox, config::seconds(gateway.settings.ping_seconds)));
        tokio::select! {
            // The connection broke: there is nobody to say anything to.
            () = &mut writer => return,
            farewell = session.read(&mut frames) => farewell,
        }
    };
    // The catalog need not wait for the goodbye.
    drop(session);
    // The half that waits in the writer may have left a message half written; the sink goes on with it.
    let frame = CloseFrame { code: farewell.0, reason: farewell.1.into() };
    let close = async {
        if sink.send(Frame::Close(Some(frame))).await.is_ok() {
            // The client's own close frame ends the handshake; whatever else it sent is not read any more.
            while let Some(Ok(_)) = frames.next().await {}
        }
    };
    let _ = timeout(FAREWELL, close).await;
}

/// Writes what waits and pings; ends when the connection breaks.
async fn write(sink: &mut (impl Sink<Frame> + Unpin), outbox: &Outbox, pause: Duration) {
    let mut ping = tokio::time::interval_at(Instant::now() + pause, pause);
    loop {
        let frame = tokio::select! {
            message = outbox.next() => Frame::Text(message.text.clone()),
            _ = ping.tick() => Frame::Ping(axum::body::Bytes::new()),
        };
        if sink.send(frame).await.is_err() {
            return;
        }
    }
}

struct Session<'a> {
    gateway: &'a Gateway,
    outbox: &'a Outbox,
    channels: StreamMap<String, BoxStream<'static, Feed>>,
}

impl Session<'_> {
    /// Takes from the client and from the catalog until the socket must go.
    async fn read(&mut self, frames: &mut (impl Stream<Item = Result<Frame, axum::Error>> + Unpin)) -> Farewell {
        let silence = config::seconds(self.gateway.settings.silence_seconds);
        let mut deadline = Instant::now() + silence;
        let patience = config::seconds(self.gateway.settings.slow_seconds);
        let draining = self.gateway.feeds.draining.clone();
        loop {
            if self.outbox.is_full() {
                tokio::select! {
                    () = self.outbox.room() => {}
                    () = tokio::time::sleep(patience) => return TOO_SLOW,
                    () = draining.cancelled() => return SHUTTING_DOWN,
                }
            }
            let step = tokio::select! {
                frame = frames.next() => {
                    deadline = Instant::now() + silence;
                    self.frame(frame)
                }
                Some((channel, feed)) = self.channels.next() => {
                    self.feed(&channel, feed);
                    Ok(())
                }
                () = tokio::time::sleep_until(deadline) => Err(Farewell(CLOSE_POLICY, "no sign of life")),
                () = draining.cancelled() => Err(SHUTTING_DOWN),
            };
            if let Err(farewell) = step {
                return farewell;
            }
        }
    }

    fn frame(&mut self, frame: Option<Result<Frame, axum::Error>>) -> Result<(), Farewell> {
        match frame {
            None | Some(Ok(Frame::Close(_))) => Err(Farewell(CLOSE_NORMAL, "")),
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => Ok(()),
            Some(Ok(Frame::Text(text))) => {
                match serde_json::from_str(&text) {
                    Ok(message) => self.client(message),
                    Err(error) => self.refuse(None, Problem::new(Reason::MalformedBody, error.to_string())),
                }
                Ok(())
            }
            Some(Ok(Frame::Binary(_))) => {
                self.refuse(None, Problem::new(Reason::MalformedBody, "messages are JSON texts"));
                Ok(())
            }
            Some(Err(error)) if is_too_big(&error) => Err(Farewell(CLOSE_TOO_BIG, "a message is larger than 4 KiB")),
            Some(Err(_)) => Err(Farewell(CLOSE_POLICY, "not a WebSocket frame")),
        }
    }

    fn client(&mut self, message: ClientMessage) {
        match message {
            ClientMessage::Ping {} => self.outbox.push(Message::pong()),
            ClientMessage::Unsubscribe { channel } => {
                self.leave(&channel);
                self.outbox.push(Message::unsubscribed(&channel));
            }
            ClientMessage::Subscribe { channel, since } => {
                if let Err(problem) = self.subscribe(&channel, since) {
                    self.refuse(Some(&channel), problem);
                }
            }
        }
    }

    fn subscribe(&mut self, channel: &str, since: Option<u64>) -> Result<(), Problem> {
        let channels = &self.gateway.feeds.channels;
        let (name, feed): (String, BoxStream<'static, Feed>) = match channel.split_once('/') {
            None if channel == PANEL => (channel.to_owned(), channels.datasets().boxed()),
            Some(("dataset", id)) => {
                let unknown = |_| Problem::new(Reason::NotFound, format!("no dataset has the id `{id}`"));
                let id: DatasetId = id.parse().map_err(unknown)?;
                (channel_of(id), channels.dataset(id, since).boxed())
            }
            _ => return Err(Problem::field("channel", "must be `datasets` or `dataset/{id}`")),
        };
        // A second subscription starts again, with nothing left over from the first.
        self.leave(&name);
        if self.channels.len() >= MAX_CHANNELS {
            let detail = format!("a socket has at most {MAX_CHANNELS} channels");
            return Err(Problem::new(Reason::QuotaExceeded, detail));
        }
        self.outbox.push(Message::subscribed(&name));
        self.channels.insert(name, feed);
        Ok(())
    }

    fn leave(&mut self, channel: &str) {
        self.channels.remove(channel);
        self.outbox.forget(channel);
    }

    fn feed(&self, channel: &str, feed: Feed) {
        match feed {
            Feed::Message(message) => self.outbox.push(message),
            Feed::Refused(problem) => self.refuse(Some(channel), problem),
        }
    }

    fn refuse(&self, channel: Option<&str>, problem: Problem) {
        self.outbox.push(Message::error(channel, problem));
    }
}

/// The size limit of the protocol's own layer, which reports it as an error of reading.
fn is_too_big(error: &axum::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<tungstenite::Error>());
    matches!(cause, Some(tungstenite::Error::Capacity(_)))
}
