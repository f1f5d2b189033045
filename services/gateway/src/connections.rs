//! Connections of the public port. `axum::serve` would wait for ever for a peer that stalls; here it is cut off.

use axum::{Extension, Router, extract::ConnectInfo, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use service_kit::Lifecycle;
use std::{net::IpAddr, pin::pin, time::Duration};
use tokio::net::TcpListener;
use tokio_io_timeout::TimeoutStream;
use tower::Layer;

/// The address at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(pub IpAddr);

/// Accepts until the lifecycle ends softly; then what was asked is answered, and the lifecycle waits for that. A write,
/// or the head of a request, that takes longer than `stall` ends its connection.
pub(crate) async fn serve(mut listener: TcpListener, app: Router, stall: Duration, lifecycle: &Lifecycle) {
    // HTTP/1 alone: what tells it from HTTP/2 waits for the first bytes without a limit.
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(stall);
    let soft = lifecycle.soft();
    while let Some((stream, address)) = soft.run_until_cancelled(Listener::accept(&mut listener)).await {
        // Small messages leave at once; a socket that refuses the option still works.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(stall));
        let app = Extension(ConnectInfo(Client(address.ip()))).layer(app.clone());
        let (io, service) = (TokioIo::new(Box::pin(stream)), TowerToHyperService::new(app));
        let connection = server.serve_connection(io, service).with_upgrades();
        let draining = soft.clone();
        lifecycle.spawn("connection", async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = draining.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::trace!(%error, "a connection was cut off");
            }
        });
    }
}
