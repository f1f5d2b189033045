//! A client that is not the limit: reads streams as fast as they come, decodes each batch without a copy, and prints
//! what it counted as one line, `BYTES ROWS SECONDS`.
//!
//! `drain flight http://HOST:PORT TICKET…` (tickets in hexadecimal, one after the other), or `drain tcp HOST:PORT`
//! (until the end; no rows).

use anyhow::{Context, bail};
use arrow_flight::Ticket;
use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::flight_service_client::FlightServiceClient;
use futures::TryStreamExt;
use std::time::Instant;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tonic::transport::Endpoint;

/// The receiver sets the windows; with HTTP/2's 64 KiB every server is slow.
const STREAM_WINDOW: u32 = 16 << 20;
const CONNECTION_WINDOW: u32 = 32 << 20;
const MAX_MESSAGE_BYTES: usize = 64 << 20;
const TCP_READ_BYTES: usize = 1 << 20;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let started = Instant::now();
    let (bytes, rows) = match arguments[..] {
        ["flight", url, ref tickets @ ..] if !tickets.is_empty() => flight(url, tickets).await?,
        ["tcp", address] => (tcp(address).await?, 0),
        _ => bail!("usage: drain flight URL TICKET… | drain tcp ADDRESS"),
    };
    println!("{bytes} {rows} {}", started.elapsed().as_secs_f64());
    Ok(())
}

async fn flight(url: &str, tickets: &[&str]) -> anyhow::Result<(usize, usize)> {
    let channel = Endpoint::from_shared(url.to_owned())?
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .connect()
        .await
        .context("no server answered")?;
    let mut client = FlightServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES);
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
