//! `tokenmill dataset upload`: local files to the ingestion service, a piece at a time.

use super::{Client, repository};
use crate::{arguments::Upload, failure::Failure, output, watch};
use dataset_model::{Dataset, JobId};
use dataset_proto::{
    Required,
    ingestion::{FileStart, UploadEnd, UploadRequest, UploadStart, upload_request::Part},
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    future::ready,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{fs::File, io::AsyncReadExt};

const PIECE: usize = 256 << 10;
const BAR: &str = "uploading {wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} eta {eta}";

/// Sends the files; gives the dataset and its job.
pub(crate) async fn run(client: &Client, upload: Upload) -> Result<Option<Dataset>, Failure> {
    let mut total = 0;
    for path in &upload.files {
        let metadata = tokio::fs::metadata(path).await.map_err(|error| unreadable(path, &error))?;
        total += metadata.len();
    }
    let bar = ProgressBar::new(total);
    // Hidden by itself when stderr is no terminal.
    bar.set_draw_target(if client.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.set_style(style);
    }
    let start = UploadStart {
        name: upload.name,
        text_column: upload.text_column,
        total_bytes: Some(total),
        on_bad_rows: upload.bad_rows.asked().into(),
    };
    // A file that cannot be read ends the stream before its end, which makes it void.
    let failed = Arc::new(Mutex::new(None));
    let note = Arc::clone(&failed);
    let parts = parts(start, upload.files, bar.clone()).scan((), move |(), part: Result<Part, Failure>| {
        let part = part.map_err(|failure| *note.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure)).ok();
        ready(part.map(|part| UploadRequest { part: Some(part) }))
    });
    let answer = repository::connect(&upload.ingestion)?.upload(parts).await;
    bar.finish_and_clear();
    if let Some(failure) = failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(failure);
    }
    let answer = answer?.into_inner();
    let dataset: Dataset = answer.dataset.required("dataset")?.try_into()?;
    let job: JobId = answer.job_id.parse().map_err(|_| Failure::other("the job's id cannot be read"))?;
    if upload.waiting.detach {
        output::line(&job.to_string())?;
        return Ok(None);
    }
    watch::wait(&client.catalog, dataset.id, job, client.quiet).await.map(Some)
}

/// The whole upload, part by part, as it is read.
fn parts(
    start: UploadStart,
    files: Vec<PathBuf>,
    bar: ProgressBar,
) -> impl Stream<Item = Result<Part, Failure>> + Send + 'static {
    let files = stream::iter(files).flat_map(move |path| file(path, bar.clone()));
    let end = stream::once(ready(Ok(Part::End(UploadEnd {}))));
    stream::once(ready(Ok(Part::Start(start)))).chain(files).chain(end)
}

fn file(path: PathBuf, bar: ProgressBar) -> impl Stream<Item = Result<Part, Failure>> + Send + 'static {
    let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let begun = stream::once(ready(Ok(Part::File(FileStart { file_name }))));
    let opened = stream::once(async move {
        let file = File::open(&path).await.map_err(|error| unreadable(&path, &error))?;
        Ok::<_, Failure>(stream::try_unfold((file, path, bar), async |(mut file, path, bar)| {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece).await.map_err(|error| unreadable(&path, &error))?;
            piece.truncate(read);
            bar.inc(read as u64);
            Ok((read > 0).then_some((Part::Chunk(piece), (file, path, bar))))
        }))
    });
    begun.chain(opened.try_flatten())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::other(format!("`{}` cannot be read: {error}", path.display()))
}
