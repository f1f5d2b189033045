//! gRPC in and out: one place for limits, windows, keep-alive, health, reflection and trace context.

use crate::{Lifecycle, ServeError, set_parent};
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::{
    service::Routes,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

/// Flow-control windows: the receiver sets them, and 64 KiB (the default of HTTP/2) costs three quarters of a stream's
/// speed.
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
const FRAME: u32 = 1 << 20;

/// Serves `routes`, health and reflection until the lifecycle ends. `descriptors` are the encoded file descriptors.
pub async fn serve_grpc(
    listener: TcpListener,
    routes: Routes,
    descriptors: &'static [u8],
    lifecycle: &Lifecycle,
) -> Result<(), ServeError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_service_status("", tonic_health::ServingStatus::Serving).await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(descriptors)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let reflect = |e| ServeError::new("the descriptors for reflection are broken", e);
    let routes = routes
        .add_service(health_service)
        .add_service(reflection().build_v1().map_err(reflect)?)
        .add_service(reflection().build_v1alpha().map_err(reflect)?);
    let soft = lifecycle.soft().clone();
    let draining = async move {
        soft.cancelled().await;
        health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    };
    let server = Server::builder()
        .trace_fn(|request| {
            let span = tracing::info_span!("grpc", path = request.uri().path());
            set_parent(&span, request.headers());
            span
        })
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .add_routes(routes)
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), draining);
    tokio::select! {
        ended = server => ended.map_err(|e| ServeError::new("the gRPC server stopped", e)),
        // Open streams keep the server from ending by itself.
        () = lifecycle.hard().cancelled() => Ok(()),
    }
}

/// A channel that connects when it is first used, and again whenever it broke.
pub fn channel(url: &str) -> Result<Channel, ServeError> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|e| ServeError::new(format!("`{url}` is not the address of a gRPC server"), e))?;
    Ok(endpoint
        .connect_timeout(Duration::from_secs(5))
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true)
        .connect_lazy())
}
