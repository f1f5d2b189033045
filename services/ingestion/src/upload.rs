//! The way in for local files: a stream of parts becomes files in a new dataset's folder, and these its ingest job.
//!
//! The catalog hears of an upload when all of it is durable, and then of everything at once. Until then the files are
//! nobody's: who breaks off has them removed, and what a crash leaves grows old and is swept.

mod received;

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use catalog_client::CatalogClient;
use dataset_model::{DatasetId, Problem, Reason, RepoId};
use dataset_proto::{
    catalog::RegisterUploadRequest,
    ingestion::{UploadRequest, UploadResponse, UploadStart, upload_request::Part},
};
use service_kit::Lifecycle;
use shard_store::{ShardStore, layout};
use tokio::{
    sync::{mpsc, oneshot},
    time::MissedTickBehavior,
};
use tonic::{Status, Streaming};

use self::received::{Arriving, Received};
use crate::{LimitSettings, failure, plan, worker::blocking};

/// A client that sends nothing for so long is gone.
const SILENCE: Duration = Duration::from_mins(1);
/// How often silence is looked for, at least.
const LOOK: Duration = Duration::from_secs(5);
/// Parts between the network and the disk.
const QUEUE: usize = 4;
/// The catalog's own limit.
const MOST_FILES: usize = 1000;
const LONGEST_NAME: usize = 255;
/// A request is a little longer than its files: refused for its length is only what is too long without that.
const AROUND: u64 = 1 << 20;

/// Takes uploads.
#[derive(Debug, Clone)]
pub(crate) struct Uploads {
    pub(crate) store: ShardStore,
    pub(crate) catalog: CatalogClient,
    pub(crate) limits: LimitSettings,
    /// Older files that nobody knows are swept: those of an upload are kept young.
    pub(crate) orphan_age: Duration,
    pub(crate) lifecycle: Lifecycle,
}

impl Uploads {
    /// Reads the stream to its end, registers what came, and gives the catalog's answer.
    pub(crate) async fn take(&self, mut parts: Streaming<UploadRequest>) -> Result<UploadResponse, Problem> {
        let id = DatasetId::new();
        let folder = layout::dataset_dir(&RepoId::upload(), id);
        let (sender, arriving) = mpsc::channel(QUEUE);
        let received = self.write(folder.clone(), arriving);
        let mut upload = Upload { id, start: UploadStart::default(), names: HashSet::new(), files: sender };
        let read = upload.read(self, &mut parts).await;
        // Closed, so that the writer comes to its end; without an end of the stream it removes everything.
        let Upload { start, files, .. } = upload;
        if read.is_ok() {
            drop(files.send(Arriving::End).await);
        }
        drop(files);
        let written = received.await.unwrap_or_else(|_| Err(draining()));
        match (read, written) {
            (Err(Broken::Refused(problem)), _) | (_, Err(problem)) => Err(problem),
            (Err(Broken::Writer), Ok(_)) => Err(Problem::internal()),
            (Ok(()), Ok(files)) => self.register(id, folder, start, files).await,
        }
    }

    /// Writes on a thread of its own, which goes on to its end whatever becomes of the caller.
    fn write(
        &self,
        folder: String,
        arriving: mpsc::Receiver<Arriving>,
    ) -> oneshot::Receiver<Result<Vec<Received>, Problem>> {
        let (tell, told) = oneshot::channel();
        let (store, limits) = (self.store.clone(), self.limits.clone());
        self.lifecycle.spawn("upload", async move {
            let written = blocking(move || received::write(&store, &limits, &folder, arriving)).await;
            drop(tell.send(written.unwrap_or_else(|error| Err(failure::question(error)))));
        });
        told
    }

    /// The end belongs to nobody who may go away: a client that has sent everything need not wait.
    async fn register(
        &self,
        id: DatasetId,
        folder: String,
        start: UploadStart,
        files: Vec<Received>,
    ) -> Result<UploadResponse, Problem> {
        let (tell, told) = oneshot::channel();
        let (catalog, store) = (self.catalog.clone(), self.store.clone());
        self.lifecycle.spawn("upload's end", async move {
            let message = RegisterUploadRequest {
                files: files.into_iter().map(Received::into_message).collect(),
                ..request(id, &start)
            };
            let answer = catalog.register_upload(message).await;
            if let Err(problem) = &answer
                && !problem.retryable
            {
                drop(blocking(move || received::remove(&store, &folder)).await);
            }
            // Without an answer the catalog may have taken it: then the files are known, else they are swept.
            drop(tell.send(answer));
        });
        let answer = told.await.map_err(|_| draining())??;
        Ok(UploadResponse { dataset: answer.dataset, job_id: answer.job_id })
    }
}

/// Why a stream was not read to its end.
#[derive(Debug)]
enum Broken {
    Refused(Problem),
    /// The writer ended first, and says itself why.
    Writer,
}

impl From<Problem> for Broken {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

/// What came so far.
struct Upload {
    id: DatasetId,
    start: UploadStart,
    names: HashSet<String>,
    files: mpsc::Sender<Arriving>,
}

impl Upload {
    async fn read(&mut self, uploads: &Uploads, parts: &mut Streaming<UploadRequest>) -> Result<(), Broken> {
        let mut look = tokio::time::interval((uploads.orphan_age / 4).min(LOOK));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let part = tokio::select! {
                () = uploads.lifecycle.soft().cancelled() => return Err(draining().into()),
                _ = look.tick() => {
                    if heard.elapsed() > SILENCE {
                        let detail = format!("nothing was sent for {} s", SILENCE.as_secs());
                        return Err(Problem::new(Reason::DeadlineExceeded, detail).into());
                    }
                    // A full queue is a sign of life as well.
                    drop(self.files.try_send(Arriving::Touch));
                    continue;
                }
                part = parts.message() => part.map_err(|status| broke_off(&status))?,
            };
            heard = Instant::now();
            let part = part.and_then(|message| message.part);
            match part.ok_or_else(|| malformed("it ended before its end was said"))? {
                Part::Start(start) => self.start(uploads, start).await?,
                Part::File(file) => {
                    self.check_name(&file.file_name)?;
                    self.send(Arriving::File(file.file_name)).await?;
                }
                Part::Chunk(_) if self.names.is_empty() => return Err(malformed("bytes come before a file").into()),
                Part::Chunk(bytes) => self.send(Arriving::Chunk(bytes)).await?,
                Part::End(_) => return self.end().map_err(Into::into),
            }
        }
    }

    async fn send(&self, part: Arriving) -> Result<(), Broken> {
        self.files.send(part).await.map_err(|_| Broken::Writer)
    }

    /// What can be refused at once is, before anybody sends gigabytes for nothing.
    async fn start(&mut self, uploads: &Uploads, start: UploadStart) -> Result<(), Problem> {
        let UploadStart { name, text_column, total_bytes, on_bad_rows } = start;
        if let Some(bytes) = total_bytes.map(|bytes| bytes.saturating_sub(AROUND)) {
            received::check_room(bytes, bytes, &uploads.limits, uploads.store.free_space())?;
        }
        let new = !name.is_empty() || text_column.is_some();
        self.start = UploadStart {
            name: if name.is_empty() { std::mem::take(&mut self.start.name) } else { name },
            text_column: text_column.or(self.start.text_column.take()),
            total_bytes: None,
            // 0 = not said.
            on_bad_rows: if on_bad_rows == 0 { self.start.on_bad_rows } else { on_bad_rows },
        };
        if new && !self.start.name.is_empty() {
            let asked = RegisterUploadRequest { validate_only: true, ..request(self.id, &self.start) };
            uploads.catalog.register_upload(asked).await?;
        }
        Ok(())
    }

    fn check_name(&mut self, name: &str) -> Result<(), Problem> {
        let refused = |what: String| Err(Problem::field("files", what));
        if self.names.len() == MOST_FILES {
            let problem = Problem::new(Reason::BodyTooLarge, format!("there are more than {MOST_FILES} files"));
            return Err(problem.next_step("put several files into one"));
        }
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        let is_plain = |c: char| !c.is_control() && c != '/' && c != '\\';
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) || name.trim() != name {
            return refused(format!(
                "`{shown}` is not the name of a file: up to {LONGEST_NAME} bytes, without folders"
            ));
        }
        if plan::upload::format_of(name).is_none() {
            let detail = format!("`{shown}` is in no format that rows are read from");
            let step = "send parquet, jsonl, json, csv, tsv, txt, arrow, tar or zip files, the text ones also as gz, zst, bz2, xz or lz4";
            return Err(Problem::new(Reason::UnsupportedMedia, detail).next_step(step));
        }
        if !self.names.insert(name.to_owned()) {
            return refused(format!("two files are named `{shown}`"));
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Problem> {
        let missing = |field: &str, is: bool| is.then(|| (field.to_owned(), "is required".to_owned()));
        let missing = [missing("name", self.start.name.is_empty()), missing("files", self.names.is_empty())];
        let violation = |(field, description)| dataset_model::FieldViolation { field, description };
        let refused: Vec<_> = missing.into_iter().flatten().map(violation).collect();
        if refused.is_empty() { Ok(()) } else { Err(Problem::fields(refused)) }
    }
}

fn request(id: DatasetId, start: &UploadStart) -> RegisterUploadRequest {
    RegisterUploadRequest {
        dataset_id: id.to_string(),
        name: start.name.clone(),
        text_column: start.text_column.clone(),
        on_bad_rows: start.on_bad_rows,
        ..RegisterUploadRequest::default()
    }
}

fn malformed(what: &str) -> Problem {
    Problem::new(Reason::MalformedBody, format!("the upload is not whole: {what}"))
}

fn broke_off(status: &Status) -> Problem {
    tracing::info!(%status, "an upload broke off");
    malformed("it broke off")
}

fn draining() -> Problem {
    Problem::new(Reason::Draining, "the service is shutting down").next_step("send the files again")
}
