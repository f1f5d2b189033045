//! `DoGet` without a copy: gRPC frames whose payload is a slice of the memory map.
//!
//! The generated server encodes every message into a buffer of its own, which copies each batch once. Here a message
//! is a few bytes (gRPC prefix, protobuf tags, IPC header) and then the body as it lies in the map, so that rows go
//! from the page cache to the socket; its last byte waits until they did ([`crate::withheld`]). All other methods go to
//! the generated server.

use std::convert::Infallible;
use std::task::{Context, Poll};

use arrow_flight::Ticket;
use arrow_flight::flight_service_server::FlightServiceServer;
use bytes::{BufMut, Bytes, BytesMut};
use futures::TryFutureExt;
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
use crate::withheld::Withheld;

const DO_GET: &str = "/arrow.flight.protocol.FlightService/DoGet";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// Far above the largest ticket.
const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// Pieces of so many bytes are written to the socket together with the next.
const COLLECTED_BYTES: usize = 255;
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
    let pieces = rows.flat_map(|message| match message {
        Ok(message) => pieces(message).left_stream(),
        Err(status) => stream::once(async { Err(status) }).right_stream(),
    });
    let until_end = pieces.map(Some).chain(stream::once(async { None })).scan(false, |ended, piece| {
        let item = (!*ended).then_some(piece);
        *ended |= matches!(item, Some(Some(Err(_)) | None));
        async move { item }
    });
    until_end.map(|piece| {
        Ok(match piece {
            Some(Ok(data)) => Frame::data(data),
            Some(Err(status)) => Frame::trailers(failed(&status)),
            None => Frame::trailers(HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_static("0"))])),
        })
    })
}

/// The bytes of a message; none is empty.
fn pieces(message: Message) -> impl Stream<Item = Result<Bytes, Status>> + Send {
    let head = head(&message);
    let (body, withheld) = match message.lender {
        Some(lender) => Withheld::take(lender, message.body),
        None => (message.body, None),
    };
    let pieces = small(head).chain(body).filter(|piece| !piece.is_empty());
    let last = stream::iter(withheld).then(|withheld| withheld.release().map_err(ReadError::into_status));
    stream::iter(pieces.map(Ok)).chain(last)
}

/// Cuts a head so that HTTP/2 collects it and the last byte before it: from 256 bytes on, h2 writes each piece to the
/// socket by itself, which wakes the client twice for every message.
fn small(mut head: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || (!head.is_empty()).then(|| head.split_to(head.len().min(COLLECTED_BYTES))))
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
    use crate::descriptor::Target;
    use crate::stream::Part;
    use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
    use arrow_flight::FlightData;
    use dataset_model::TokenizationId;
    use futures::FutureExt;
    use prost::Message as _;
    use shard_store::ShardStore;
    use std::fs::File;
    use std::io::Write;
    use std::os::unix::fs::FileExt;
    use std::sync::Arc;

    #[test]
    fn frames_are_the_message_that_prost_would_write() {
        let bytes = |n: usize| Bytes::from(vec![7; n]);
        for (header, body) in [(0, 0), (200, 0), (200, 1), (130, 127), (1000, 128), (5, 3_000_000)] {
            let message = Message {
                header: bytes(header),
                body: vec![bytes(body / 3), bytes(body - body / 3)],
                ..Message::default()
            };
            let expected = FlightData {
                data_header: message.header.clone(),
                data_body: message.body.concat().into(),
                ..FlightData::default()
            };
            let encoded = expected.encode_to_vec();
            let sent = [&head(&message)[..], &message.body.concat()].concat();
            assert_eq!(sent[0], 0);
            assert_eq!(sent[1..5], u32::try_from(encoded.len()).unwrap().to_be_bytes());
            assert_eq!(sent[5..], encoded, "{header} + {body}");
            let pieces: Vec<Bytes> = small(head(&message)).collect();
            assert!(pieces.iter().all(|piece| (1..=COLLECTED_BYTES).contains(&piece.len())));
            assert_eq!(pieces.concat(), head(&message));
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

    type Damage = fn(&File);

    /// A shard with one batch of 800 KB, and its message.
    fn stored(store: &ShardStore) -> (std::path::PathBuf, Message) {
        let column: ArrayRef = Arc::new(UInt64Array::from_value(u64::MAX, 100_000));
        let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let mut writer = store.create("datasets/one.arrow", batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        let reader = store.open_shard("datasets/one.arrow").unwrap();
        let target = Target::Tokenization(TokenizationId::new());
        let parts = std::iter::once(Part { ordinal: 0, reader, rows: 0..100_000 });
        let path = store.staging_dir().with_file_name("datasets").join("one.arrow");
        (path, crate::stream::stored(target, parts).each.next().unwrap().unwrap())
    }

    #[tokio::test]
    async fn a_message_ends_only_if_its_file_is_the_same_when_the_rest_was_sent() {
        let damages: [(bool, Damage); 4] = [
            (false, |_| {}),
            (true, |file| file.set_len(400_000).unwrap()),
            // The system fills the last page with zeros.
            (true, |file| file.set_len(799_000).unwrap()),
            (true, |file| {
                file.write_all_at(&[1; 100], 400_000).unwrap();
                file.set_modified(std::time::UNIX_EPOCH).unwrap();
            }),
        ];
        for (is_damaged, damage) in damages {
            let dir = tempfile::tempdir().unwrap();
            let (path, message) = stored(&ShardStore::open(dir.path()).unwrap());
            let whole = [&head(&message)[..], &message.body.concat()].concat();
            let mut sent = Box::pin(frames(stream::iter([Ok(message)])).map(|frame| frame.unwrap()));
            // A connection holds what it was given until it is written.
            let pieces = [sent.next().await, sent.next().await].map(|frame| frame.unwrap().into_data().unwrap());
            assert!(sent.next().now_or_never().is_none(), "the end came before the rest was sent");
            damage(&File::options().write(true).open(path).unwrap());
            // Read first by the process, as HTTP/2 does with the start of a frame, and then by the system.
            assert!(pieces.concat().len() + 1 == whole.len());
            let mut socket = tempfile::tempfile().unwrap();
            socket.write_all(&pieces[0]).unwrap();
            socket.write_all(&pieces[1]).unwrap();
            let mut received = vec![0; whole.len() - 1];
            socket.read_exact_at(&mut received, 0).unwrap();
            drop(pieces);
            let end = sent.next().await.unwrap();
            assert_eq!(received != whole[..whole.len() - 1], is_damaged);
            if is_damaged {
                assert_eq!(end.trailers_ref().unwrap()[GRPC_STATUS], "15");
            } else {
                assert_eq!(end.data_ref().unwrap()[..], whole[whole.len() - 1..]);
                assert_eq!(sent.next().await.unwrap().trailers_ref().unwrap()[GRPC_STATUS], "0");
            }
            assert!(sent.next().await.is_none());
        }
    }
}
