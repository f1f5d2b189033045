//! A form of files as a browser sends it, whole or in pieces.

use crate::Rig;
use anyhow::Result;
use futures::{StreamExt, stream};
use reqwest::Body;
use std::{fs, io, path::Path};
use tokio::sync::mpsc;

/// What stands between two parts, and in the content type.
pub(crate) const BOUNDARY: &str = "tokenmill-e2e-boundary";

/// Parts of a form.
#[derive(Debug, Clone, Default)]
pub struct Form(Vec<u8>);

impl Form {
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    #[must_use]
    pub fn bytes(self, file_name: &str, content: &[u8]) -> Self {
        self.part(&format!("name=\"files\"; filename=\"{file_name}\""), content)
    }

    /// A file under its own name.
    pub fn file(self, path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(self.bytes(&name, &fs::read(path)?))
    }

    fn part(mut self, disposition: &str, content: &[u8]) -> Self {
        let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; {disposition}\r\n\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(content);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// All of it, with its end.
    pub fn whole(mut self) -> Vec<u8> {
        self.0.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.0
    }

    /// A body that gives what is there, and then waits; it breaks off when the handle is dropped.
    pub fn unfinished(self) -> (Body, mpsc::Sender<()>) {
        let (handle, mut held) = mpsc::channel::<()>(1);
        let broken = stream::once(async move {
            held.recv().await;
            Err::<Vec<u8>, _>(io::Error::other("the client is gone"))
        });
        // Pieces, so that they leave one by one.
        let pieces: Vec<_> = self.0.chunks(64 << 10).map(|piece| Ok(piece.to_vec())).collect();
        (Body::wrap_stream(stream::iter(pieces).chain(broken).boxed()), handle)
    }
}

impl Rig {
    /// Whether a file is on its way into the volume.
    pub fn is_receiving(&self) -> bool {
        let entries = fs::read_dir(self.data_dir.join("staging")).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.metadata().is_ok_and(|file| file.len() > 100_000))
    }

    /// Whether there is no dataset, nor a row or a byte of one.
    pub async fn is_empty(&self) -> Result<bool> {
        let rows: i64 = sqlx::query_scalar("SELECT (SELECT count(*) FROM datasets) + (SELECT count(*) FROM files)")
            .fetch_one(&self.pool)
            .await?;
        // Copies of tokenizers are kept in a folder of their own.
        let staged = fs::read_dir(self.data_dir.join("staging"))?.flatten().filter(|entry| entry.path().is_file());
        Ok(rows == 0 && staged.count() == 0 && self.files()?.is_empty())
    }
}
