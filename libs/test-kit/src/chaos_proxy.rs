//! A TCP proxy that can cut, silence and heal the connections between two processes.

use std::{io, path::PathBuf};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Where the proxy connects to.
#[derive(Debug, Clone)]
pub enum Target {
    /// `host:port`.
    Tcp(String),
    /// A Unix socket, such as Postgres'.
    Unix(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Open,
    Cut,
    Silent,
}

/// A proxy on a free port of this machine; it ends, with its connections, when it is dropped.
#[derive(Debug)]
pub struct ChaosProxy {
    port: u16,
    link: watch::Sender<Link>,
    accepting: JoinHandle<()>,
}

impl ChaosProxy {
    /// Listens, and connects each client to `target`, which need not be there yet.
    pub async fn start(target: Target) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (link, state) = watch::channel(Link::Open);
        #[expect(clippy::disallowed_methods, reason = "ends with the proxy: aborted in drop")]
        let accepting = tokio::spawn(accept(listener, target, state));
        Ok(Self { port, link, accepting })
    }

    /// The port that clients connect to, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Closes every connection, and each new one as it comes.
    pub fn cut(&self) {
        self.link.send_replace(Link::Cut);
    }

    /// Keeps every connection but lets no byte through, as a cable that was pulled: nobody is told.
    pub fn silence(&self) {
        self.link.send_replace(Link::Silent);
    }

    /// Lets bytes through again. Connections that were cut stay closed.
    pub fn heal(&self) {
        self.link.send_replace(Link::Open);
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: Target, link: watch::Receiver<Link>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        // Finished ones would pile up.
        while connections.try_join_next().is_some() {}
        connections.spawn(carry(client, target.clone(), link.clone()));
    }
}

/// Ends when either side closes or the link is cut; what an error means to a client is a closed connection.
async fn carry(client: TcpStream, target: Target, mut link: watch::Receiver<Link>) -> io::Result<()> {
    let _ = client.set_nodelay(true);
    let mut cut = link.clone();
    let work = async {
        open(&mut link).await?;
        match target {
            Target::Tcp(address) => {
                let server = TcpStream::connect(address).await?;
                server.set_nodelay(true)?;
                let (read, write) = server.into_split();
                exchange(client, read, write, link).await
            }
            Target::Unix(path) => {
                let (read, write) = UnixStream::connect(path).await?.into_split();
                exchange(client, read, write, link).await
            }
        }
    };
    tokio::select! {
        done = work => done,
        _ = cut.wait_for(|state| *state == Link::Cut) => Ok(()),
    }
}

async fn exchange(
    client: TcpStream,
    from_server: impl AsyncRead + Unpin,
    to_server: impl AsyncWrite + Unpin,
    link: watch::Receiver<Link>,
) -> io::Result<()> {
    let (from_client, to_client) = client.into_split();
    tokio::try_join!(pump(from_client, to_server, link.clone()), pump(from_server, to_client, link))?;
    Ok(())
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut link: watch::Receiver<Link>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let size = from.read(&mut buffer).await?;
        // Also a close is not seen through a silent link.
        open(&mut link).await?;
        if size == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..size]).await?;
    }
}

async fn open(link: &mut watch::Receiver<Link>) -> io::Result<()> {
    link.wait_for(|state| *state == Link::Open).await.map(drop).map_err(|_| io::ErrorKind::BrokenPipe.into())
}
