//! `DoGet` without a copy: gRPC frames whose payload is a slice of the memory map.
//!
//! The generated server encodes every message into a buffer of its own, which copies each batch once. Here a message
//! is a few bytes (gRPC prefix, protobuf tags, IPC header) and then the body as it lies in the map, so that rows go
//! from the page cache to the socket. All other methods go to the generated server.

use std::convert::Infallible;
use std::task::{Context, Poll};

use arrow_flight::Ticket;
use arrow_flight::flight_service_server::FlightServiceServer;
use bytes::{BufMut, Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::{self, Stream, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::StreamBody;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use tonic::Status;
use tonic::body::Body;
use tonic::codec::Streaming;
use tonic::server::NamedService;
use tonic_prost::ProstDecoder;
use tower::Service;

use crate::error::ReadError;
use crate::message::Message;
use crate::readers::Names;
use crate::service::Flight;

const DO_GET: &str = "/arrow.flight.protocol.FlightService/DoGet";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// Far above the largest ticket.
const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// Fields of `FlightData` in Flight.proto.
const DATA_HEADER: u32 = 2;
const DATA_BODY: u32 = 1000;

/// The Flight server with a `DoGet` of its own.
#[derive(Debug, Clone)]
pub(crate) struct WithoutCopy {
    flight: Flight,
    generated: FlightServiceServer<Flight>,
}

impl WithoutCopy {
    pub(crate) fn new(flight: Flight) -> Self {
        Self { generated: FlightServiceServer::new(flight.clone()), flight }
    }
}

impl NamedService for WithoutCopy {
    const NAME: &'static str = FlightServiceServer::<Flight>::NAME;
}

impl Service<Request<Body>> for WithoutCopy {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.uri().path() != DO_GET {
            return Service::<Request<Body>>::call(&mut self.generated, request);
        }
        let flight = self.flight.clone();
        Box::pin(async move { Ok(do_get(flight, request).await.unwrap_or_else(Status::into_http)) })
    }
}

async fn do_get(flight: Flight, request: Request<Body>) -> Result<Response<Body>, Status> {
    let names = Names::of(request.headers());
    let decoder = ProstDecoder::<Ticket>::default();
    let mut messages = Streaming::new_request(decoder, request.into_body(), None, Some(MAX_REQUEST_BYTES));
    // An absent message is an empty one, which is no ticket.
    let ticket = messages.message().await?.unwrap_or_default();
    let rows = flight.rows(&ticket.ticket, names).await.map_err(ReadError::into_status)?;
    let mut response = Response::new(Body::new(StreamBody::new(frames(rows))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    Ok(response)
}

/// The frames of a response: each message in its pieces, and how it ended as trailers.
fn frames(
    rows: impl Stream<Item = Result<Message, Status>> + Send + 'static,
) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + 'static {
    let until_end = rows.map(Some).chain(stream::once(async { None })).scan(false, |ended, message| {
        let item = (!*ended).then_some(message);
        *ended |= matches!(item, Some(Some(Err(_)) | None));
        async move { item }
    });
    until_end.flat_map(|message| {
        let frames = match message {
            Some(Ok(message)) => [head(&message)].into_iter().chain(message.body).map(Frame::data).collect(),
            Some(Err(status)) => vec![Frame::trailers(failed(&status))],
            None => vec![Frame::trailers(HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_static("0"))]))],
        };
        let is_needed = |frame: &Frame<Bytes>| frame.data_ref().is_none_or(|data| !data.is_empty());
        stream::iter(frames.into_iter().filter(is_needed).map(Ok))
    })
}

fn failed(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        // Metadata that no header can hold; ours is text and base64. 13 is INTERNAL.
        trailers.insert(GRPC_STATUS, HeaderValue::from_static("13"));
    }
    trailers
}

/// Everything of a message that precedes its body's bytes.
fn head(message: &Message) -> Bytes {
    let field = |number: u32, length: usize| match length {
        0 => 0,
        length => key_len(number) + encoded_len_varint(length as u64) + length,
    };
    let body = message.body_bytes();
    let length = field(DATA_HEADER, message.header.len()) + field(DATA_BODY, body);
    let mut head = BytesMut::with_capacity(message.header.len() + 32);
    head.put_u8(0); // not compressed
    // A message is a batch of at most 4 MiB or a single row; Arrow's own lengths of such a row are 32 bits too.
    head.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    if !message.header.is_empty() {
        encode_key(DATA_HEADER, WireType::LengthDelimited, &mut head);
        encode_varint(message.header.len() as u64, &mut head);
        head.put_slice(&message.header);
    }
    if body > 0 {
        encode_key(DATA_BODY, WireType::LengthDelimited, &mut head);
        encode_varint(body as u64, &mut head);
    }
    head.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_flight::FlightData;
    use prost::Message as _;

    #[test]
    fn frames_are_the_message_that_prost_would_write() {
        let bytes = |n: usize| Bytes::from(vec![7; n]);
        for (header, body) in [(0, 0), (200, 0), (200, 1), (130, 127), (1000, 128), (5, 3_000_000)] {
            let message = Message { header: bytes(header), body: vec![bytes(body / 3), bytes(body - body / 3)] };
            let encoded = FlightData::from(message.clone()).encode_to_vec();
            let sent = [&head(&message)[..], &message.body.concat()].concat();
            assert_eq!(sent[0], 0);
            assert_eq!(sent[1..5], u32::try_from(encoded.len()).unwrap().to_be_bytes());
            assert_eq!(sent[5..], encoded, "{header} + {body}");
        }
    }

    #[tokio::test]
    async fn a_status_ends_the_frames_once() {
        let message = Message { header: Bytes::from_static(b"h"), ..Message::default() };
        for (rows, expected) in [
            (vec![Ok(message.clone())], "0"),
            (vec![Ok(message.clone()), Err(Status::data_loss("gone")), Ok(message)], "15"),
        ] {
            let sent: Vec<Frame<Bytes>> = frames(stream::iter(rows)).map(|frame| frame.unwrap()).collect().await;
            assert_eq!(sent.len(), 2);
            assert!(sent[0].is_data());
            assert_eq!(sent[1].trailers_ref().unwrap()[GRPC_STATUS], expected);
        }
    }
}
