//! `tokenmill hub serve`: a folder of repositories as a Hub.

use crate::{arguments::Hub, failure::Failure, output};
use tokio_util::sync::CancellationToken;

pub(crate) async fn run(command: Hub) -> Result<(), Failure> {
    let Hub::Serve { dir, listen } = command;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|error| Failure::other(format!("cannot listen on {listen}: {error}")))?;
    let address = listener.local_addr().map_err(|error| Failure::other(error.to_string()))?;
    output::remark(&format!("serving {} as a Hub; clients set HF_ENDPOINT=http://{address}", dir.display()));
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let signal = async move {
        let _ = tokio::signal::ctrl_c().await;
        stop.cancel();
    };
    let (served, ()) = tokio::join!(local_hub::serve(listener, dir, shutdown), signal);
    served.map_err(|error| Failure::other(error.to_string()))
}
