//! What the kit promises, on real servers.

use std::time::Duration;

use test_kit::{ChaosProxy, Target};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};

/// Postgres' answer to a request for encryption is one byte: the shortest question there is.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

async fn ask_postgres(port: u16) -> std::io::Result<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(&SSL_REQUEST).await?;
    stream.read_u8().await
}

#[tokio::test]
async fn each_test_has_a_database_of_its_own_on_one_server() {
    let began = Instant::now();
    let first = test_kit::postgres().await;
    let started = began.elapsed();
    let began = Instant::now();
    let second = test_kit::postgres().await;
    println!("server and database {started:?}, one more database {:?}", began.elapsed());
    assert_ne!(first.url(), second.url());
    assert_eq!(first.socket(), second.socket());

    let socket = first.socket();
    drop((first, second));
    assert!(!socket.exists(), "the last database takes the server with it");
}

#[tokio::test]
async fn nats_is_killed_started_again_and_wiped_on_one_port() {
    let mut nats = test_kit::nats().await;
    let (port, pid) = (nats.port(), nats.pid());
    nats.kill().await;
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    nats.start_again().await.unwrap();
    assert_ne!(nats.pid(), pid);
    nats.wipe().await.unwrap();
    assert_eq!(nats.port(), port);
    TcpStream::connect(("127.0.0.1", port)).await.unwrap();
}

#[tokio::test]
async fn the_proxy_cuts_silences_and_heals() {
    let database = test_kit::postgres().await;
    let proxy = ChaosProxy::start(Target::Unix(database.socket())).await.unwrap();
    assert_eq!(ask_postgres(proxy.port()).await.unwrap(), b'N');

    let mut open = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    open.write_all(&SSL_REQUEST).await.unwrap();
    assert_eq!(open.read_u8().await.unwrap(), b'N');
    proxy.cut();
    assert_eq!(open.read(&mut [0]).await.unwrap_or(0), 0, "a cut closes what was open");
    assert!(ask_postgres(proxy.port()).await.is_err(), "and what comes");

    proxy.silence();
    let mut waiting = Box::pin(ask_postgres(proxy.port()));
    assert!(timeout(Duration::from_millis(100), &mut waiting).await.is_err(), "silence answers nothing");
    proxy.heal();
    assert_eq!(waiting.await.unwrap(), b'N', "and loses nothing");
}

#[test]
fn sample_data_is_there_with_its_tokenizers() {
    let hub = test_kit::sample_hub();
    let parquet = hub.join("datasets/tokenmill/english-docs/data");
    let size: u64 = std::fs::read_dir(parquet).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(size > 10_000_000, "{size} bytes of parquet");
    for model in ["bert", "gpt2", "llama3"] {
        let text = std::fs::read(hub.join("models/tokenmill").join(model).join("tokenizer.json")).unwrap();
        let tokenizer: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert!(tokenizer["model"]["vocab"].as_object().unwrap().len() > 30_000, "{model}");
    }
    assert!(test_kit::python().exists() && test_kit::project_root().join("Cargo.toml").exists());
}
