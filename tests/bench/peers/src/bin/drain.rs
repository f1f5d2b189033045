//! Reads streams as fast as they come and prints what it counted as one line, `BYTES ROWS SECONDS`.
//!
//! `drain flight http://HOST:PORT TICKET…` (tickets in hexadecimal, one after the other) decodes each batch without a
//! copy. `drain frames …` takes the same and looks at nothing but the frames of HTTP/2 and how the stream ends: a client
//! that is not the limit. `drain tcp HOST:PORT` reads to the end. The last two count no rows.

use anyhow::{Context, bail};
use arrow_flight::Ticket;
use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::flight_service_client::FlightServiceClient;
use futures::TryStreamExt;
use http::Request;
use http_body_util::{BodyExt, Full};
use prost::Message;
use std::time::Instant;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::{Service, ServiceExt};

/// The allocator of the system gives large blocks back at once, and every message then touches new pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The receiver sets the windows; with HTTP/2's 64 KiB every server is slow.
const STREAM_WINDOW: u32 = 16 << 20;
const CONNECTION_WINDOW: u32 = 32 << 20;
const FRAME: u32 = 1 << 20;
const MAX_MESSAGE_BYTES: usize = 64 << 20;
const TCP_READ_BYTES: usize = 1 << 20;

// One thread: a stream has nothing to do side by side, and on few cores the server needs the others.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let started = Instant::now();
    let (bytes, rows) = match arguments[..] {
        ["flight", url, ref tickets @ ..] if !tickets.is_empty() => flight(url, tickets).await?,
        ["frames", url, ref tickets @ ..] if !tickets.is_empty() => (frames(url, tickets).await?, 0),
        ["tcp", address] => (tcp(address).await?, 0),
        _ => bail!("usage: drain flight|frames URL TICKET… | drain tcp ADDRESS"),
    };
    println!("{bytes} {rows} {}", started.elapsed().as_secs_f64());
    Ok(())
}

async fn connected(url: &str) -> anyhow::Result<Channel> {
    Endpoint::from_shared(url.to_owned())?
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .connect()
        .await
        .context("no server answered")
}

async fn flight(url: &str, tickets: &[&str]) -> anyhow::Result<(usize, usize)> {
    let mut client = FlightServiceClient::new(connected(url).await?).max_decoding_message_size(MAX_MESSAGE_BYTES);
    let (mut bytes, mut rows) = (0, 0);
    for ticket in tickets {
        let ticket = Ticket::new(hex::decode(ticket)?);
        let messages = client.do_get(ticket).await?.into_inner().map_err(Into::into);
        let mut decoded = FlightDataDecoder::new(messages);
        while let Some(message) = decoded.try_next().await? {
            bytes += message.inner.data_body.len();
            if let DecodedPayload::RecordBatch(batch) = message.payload {
                rows += batch.num_rows();
            }
        }
    }
    Ok((bytes, rows))
}

async fn frames(url: &str, tickets: &[&str]) -> anyhow::Result<usize> {
    let (mut channel, mut bytes) = (connected(url).await?, 0);
    for ticket in tickets {
        let message = Ticket::new(hex::decode(ticket)?).encode_to_vec();
        let length = u32::try_from(message.len())?.to_be_bytes();
        let framed = [&[0][..], &length, &message].concat();
        let request = Request::post(format!("{url}/arrow.flight.protocol.FlightService/DoGet"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Body::new(Full::from(framed)))?;
        let mut body = channel.ready().await?.call(request).await?.into_body();
        let mut status = None;
        while let Some(frame) = body.frame().await {
            let frame = frame?;
            bytes += frame.data_ref().map_or(0, |data| data.len());
            status = frame.trailers_ref().and_then(|trailers| trailers.get("grpc-status").cloned()).or(status);
        }
        anyhow::ensure!(status.is_some_and(|status| status == "0"), "the stream ended with a failure");
    }
    Ok(bytes)
}

async fn tcp(address: &str) -> anyhow::Result<usize> {
    let mut connection = TcpStream::connect(address).await?;
    let (mut buffer, mut bytes) = (vec![0; TCP_READ_BYTES], 0);
    loop {
        match connection.read(&mut buffer).await? {
            0 => return Ok(bytes),
            count => bytes += count,
        }
    }
}
