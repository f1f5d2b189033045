//! What this server is, and where its neighbours are reached by those who read.

use super::Gateway;
use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

/// The version, and the addresses for clients of Flight and gRPC.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct About {
    version: &'static str,
    /// Arrow Flight, such as `grpc://127.0.0.1:8815`.
    flight: String,
    /// gRPC, such as `http://127.0.0.1:50051`.
    catalog: String,
}

impl About {
    /// `flight` and `catalog` are addresses as `http://…`.
    pub(crate) fn new(flight: &str, catalog: String) -> Self {
        // The schemes of Arrow's own clients.
        let flight = match flight.split_once("://") {
            Some(("https", rest)) => format!("grpc+tls://{rest}"),
            Some(("http", rest)) => format!("grpc://{rest}"),
            _ => flight.to_owned(),
        };
        Self { version: env!("CARGO_PKG_VERSION"), flight, catalog }
    }
}

/// Says the version, and where Flight and the catalog are reached.
#[utoipa::path(get, path = "/about", operation_id = "about", tag = "server", responses((status = 200, body = About)))]
pub(super) async fn show(State(gateway): State<Gateway>) -> Json<About> {
    Json(About::clone(&gateway.about))
}
