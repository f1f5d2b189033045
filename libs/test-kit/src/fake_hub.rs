//! A Hub with a will of its own: `local-hub`'s protocol over a folder, plus faults on demand and a log.
//!
//! Nothing about the protocol is modelled twice. What is added sits around the router: a fault may answer in
//! its place, or take the bytes of a file on their way out and drop, stall, damage or slow them. Tests wait
//! for what the log shows, never for time to pass.

mod body;
mod control;

use std::{fs, io, net::SocketAddr, path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use local_hub::Options;
use tokio::{net::TcpListener, task::JoinHandle};

pub use control::{Control, Damage, Fault, Logged};

/// A running Hub on a free port of this machine; it stops when it is dropped.
#[derive(Debug)]
pub struct FakeHub {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl FakeHub {
    /// Serves the folder `root` (`datasets/…`, `models/…`), well-behaved until the control says otherwise.
    pub async fn start(root: impl Into<PathBuf>) -> io::Result<(Self, Control)> {
        Self::start_with(Options::new(root)).await
    }

    /// The same with another page size or LFS threshold.
    pub async fn start_with(options: Options) -> io::Result<(Self, Control)> {
        let control = Control::default();
        let router: Router = local_hub::router(options).layer(from_fn_with_state(Arc::new(control.clone()), misbehave));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        #[expect(clippy::disallowed_methods, reason = "the test's runtime ends it; it has no Lifecycle to belong to")]
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok((Self { address, server }, control))
    }

    /// What `HF_ENDPOINT` is to be.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts to describe a repository, such as `datasets/acme/corpus`, below the folder `root`.
    pub fn repo(root: impl Into<PathBuf>, repo: &str) -> RepoFiles {
        RepoFiles { folder: root.into().join(repo), files: Vec::new() }
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The files of a repository that is to be written.
#[derive(Debug)]
pub struct RepoFiles {
    folder: PathBuf,
    files: Vec<(String, Vec<u8>)>,
}

impl RepoFiles {
    /// Adds a file.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.to_owned(), content.into()));
        self
    }

    /// Writes all files; ones that are there already are replaced.
    pub fn write(self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        for (path, content) in self.files {
            let path = self.folder.join(path);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(path, content)?;
        }
        Ok(())
    }
}

/// Logs a request, then answers with a fault, a refusal or the truth.
async fn misbehave(State(control): State<Arc<Control>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let sends_bytes =
        request.method() == Method::GET && (path.starts_with("/lfs/") || path.starts_with("/api/resolve-cache/"));
    let entry = control.log(&request);
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let refusal = control.refusal(&path, authorization);
    let fault = if refusal.is_some() { None } else { control.fault(&path, sends_bytes) };
    if matches!(fault, Some(Fault::IgnoreRange)) {
        request.headers_mut().remove(header::RANGE);
    }
    let mut response = match (refusal, &fault) {
        (Some(refusal), _) => refusal,
        (None, Some(Fault::Answer { status, headers, body })) => control::answer(*status, headers, body),
        (None, _) => next.run(request).await,
    };
    control.answered(entry, response.status().as_u16());
    let is_chunked = response.headers().contains_key(header::TRANSFER_ENCODING);
    if matches!(fault, Some(Fault::Answer { .. })) && !is_chunked {
        return response;
    }
    if fault.as_ref().is_some_and(Fault::changes_length) {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response.map(|inner| body::mangle(inner, fault, entry, control.as_ref().clone()))
}
