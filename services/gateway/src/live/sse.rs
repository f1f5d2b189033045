//! The feed of one dataset as server-sent events: `id` is the number, `event` the name, `data` the whole message as on
//! the WebSocket.
//!
//! The reader's own pace is the bound: nothing is taken from the channel before the last event is on its way.

use super::upstream::Feed;
use crate::{Gateway, error::ApiError, openapi::FeedErrors, rest::Id};
use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use dataset_model::{DatasetId, Problem, Reason};
use futures::{StreamExt, stream};
use std::{convert::Infallible, time::Duration};

/// How long the catalog may take for the first event before the answer is an error.
const FIRST_EVENT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What happens to a dataset, as server-sent events: what was missed since `Last-Event-ID`, a snapshot, then live.
#[utoipa::path(get, path = "/datasets/{id}/events", operation_id = "dataset_events", tag = "feeds",
    params(("id" = uuid::Uuid, Path), ("Last-Event-ID" = Option<u64>, Header, description = "the last number received")),
    responses((status = 200, body = String, content_type = "text/event-stream"), FeedErrors))]
pub(crate) async fn events(
    State(gateway): State<Gateway>,
    Id(id): Id<DatasetId>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let place = gateway.feeds.enter()?;
    let since = last_event_id(&headers)?;
    let mut feed = Box::pin(gateway.feeds.channels.dataset(id, since));
    let first = tokio::time::timeout(FIRST_EVENT, feed.next()).await;
    let first = match first {
        Ok(Some(Feed::Refused(problem))) => return Err(problem.into()),
        Ok(first) => first,
        Err(_) => return Err(ApiError::new(Reason::Overloaded, "the catalog does not answer")),
    };
    let draining = gateway.feeds.draining.clone();
    let events = stream::iter(first).chain(feed).filter_map(async |feed| event(feed)).map(move |event| {
        // The place is free when the stream is dropped.
        let _ = &place;
        Ok::<_, Infallible>(event)
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("alive");
    Ok(Sse::new(events.take_until(draining.cancelled_owned())).keep_alive(keep_alive))
}

fn event(feed: Feed) -> Option<Event> {
    let Feed::Message(message) = feed else { return None };
    let event = Event::default().event(message.event).data(message.text.as_str());
    Some(match message.seq {
        Some(seq) => event.id(seq.to_string()),
        None => event,
    })
}

/// An empty one is what a browser sends that got no numbered event yet.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get("last-event-id").filter(|value| !value.is_empty()) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    let refused = || Problem::field("Last-Event-ID", "must be the number of an event").into();
    number.map(Some).ok_or_else(refused)
}
