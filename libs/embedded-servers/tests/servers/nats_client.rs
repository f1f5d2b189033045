//! The few words of the NATS protocol that show whether JetStream kept a stream.

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

pub(crate) async fn create_stream(port: u16, name: &str) {
    let answer = ask(port, &format!("$JS.API.STREAM.CREATE.{name}"), &format!(r#"{{"name":"{name}"}}"#)).await;
    assert!(!answer.contains("\"error\""), "{answer}");
}

pub(crate) async fn stream_names(port: u16) -> String {
    ask(port, "$JS.API.STREAM.NAMES", "").await
}

async fn ask(port: u16, subject: &str, body: &str) -> String {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    let request = format!("CONNECT {{}}\r\nSUB answer 1\r\nPUB {subject} answer {}\r\n{body}\r\n", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut line = String::new();
    while !line.starts_with("MSG ") {
        line.clear();
        assert!(stream.read_line(&mut line).await.unwrap() > 0, "the server hung up");
    }
    let size: usize = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}
