//! Waiting for a job: a progress bar on a terminal, the outcome at the end. Ctrl-C detaches, and the job goes on.

use crate::{failure::Failure, output};
use catalog_client::CatalogClient;
use dataset_model::{Dataset, DatasetEvent, DatasetId, JobId, JobState, Problem, TokenizationStatus};
use dataset_proto::catalog::{WatchDatasetRequest, WatchDatasetResponse, watch_dataset_response::Item};
use indicatif::ProgressDrawTarget;
use std::time::Duration;

mod bar;
use bar::{Bar, Unit};

/// Waits for `job` of `dataset`; ends with the dataset as it then is.
pub(crate) async fn wait(
    catalog: &CatalogClient,
    dataset: DatasetId,
    job: JobId,
    quiet: bool,
) -> Result<Dataset, Failure> {
    // Hidden by itself when stderr is no terminal.
    let bar = Bar::new(if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
    let ended = tokio::select! {
        ended = follow(catalog, dataset, job, &bar) => ended,
        _ = tokio::signal::ctrl_c() => {
            bar.clear();
            output::remark(&format!("detached; the job goes on. To cancel it: tokenmill dataset cancel {dataset}"));
            std::process::exit(0);
        }
    };
    bar.clear();
    ended?;
    Ok(catalog.get_dataset(dataset).await?)
}

/// Follows the feed over restarts of the catalog.
async fn follow(catalog: &CatalogClient, dataset: DatasetId, job: JobId, bar: &Bar) -> Result<(), Failure> {
    let mut since = None;
    loop {
        let request = WatchDatasetRequest { dataset_id: dataset.to_string(), since_seq: since };
        let mut stream = match catalog.watch().watch_dataset(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) if status.code() == tonic::Code::Unavailable => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            Err(status) => return Err(status.into()),
        };
        while let Ok(Some(message)) = stream.message().await {
            if let Some(outcome) = judge(message, job, &mut since, bar)? {
                return outcome;
            }
        }
    }
}

type Outcome = Result<(), Failure>;

/// The outcome that a message tells, if it tells one.
fn judge(
    message: WatchDatasetResponse,
    job: JobId,
    since: &mut Option<u64>,
    bar: &Bar,
) -> Result<Option<Outcome>, Failure> {
    match message.item {
        Some(Item::Snapshot(snapshot)) => {
            *since = Some(snapshot.seq);
            let dataset: Dataset = snapshot.dataset.unwrap_or_default().try_into()?;
            Ok(outcome_in(&dataset, job))
        }
        Some(Item::Event(event)) => {
            *since = event.seq.or(*since);
            let Some(body) = event.body else { return Ok(None) };
            Ok(outcome_of(body.try_into()?, job, bar))
        }
        None => Ok(None),
    }
}

fn outcome_in(dataset: &Dataset, job: JobId) -> Option<Outcome> {
    if let Some(found) = dataset.job.as_ref().filter(|found| found.id == job) {
        return match found.state {
            JobState::Queued | JobState::Running => None,
            JobState::Succeeded => Some(Ok(())),
            JobState::Failed => Some(Err(failed(found.error.clone()))),
            JobState::Cancelled => Some(Err(Failure::cancelled("the job was cancelled"))),
        };
    }
    let tokenization = dataset.tokenizations.iter().find(|t| t.job_id == job)?;
    match tokenization.status {
        TokenizationStatus::Pending | TokenizationStatus::Running => None,
        TokenizationStatus::Ready => Some(Ok(())),
        TokenizationStatus::Failed => Some(Err(failed(tokenization.error.clone()))),
        TokenizationStatus::Cancelled | TokenizationStatus::Deleting => {
            Some(Err(Failure::cancelled("the job was cancelled")))
        }
    }
}

fn failed(problem: Option<Problem>) -> Failure {
    problem.map_or_else(|| Failure::other("the job failed"), Failure::of_job)
}

fn outcome_of(event: DatasetEvent, job: JobId, bar: &Bar) -> Option<Outcome> {
    let ours = |id: JobId| id == job;
    match event {
        DatasetEvent::DownloadProgress(p) if ours(p.job_id) => {
            let phase = format!("{}{}", p.phase, tries(p.tries, p.max_tries));
            bar.draw(Unit::Bytes, (p.downloaded, p.total), p.rows, &phase);
            None
        }
        DatasetEvent::TokenizationProgress(p) if ours(p.job_id) => {
            let tokens = format!("{} tokens{}", indicatif::HumanCount(p.tokens), tries(p.tries, p.max_tries));
            bar.draw(Unit::Samples, (p.samples, p.total_samples), p.tokens, &tokens);
            None
        }
        DatasetEvent::DownloadCompleted { job_id, .. } | DatasetEvent::TokenizationCompleted { job_id, .. }
            if ours(job_id) =>
        {
            Some(Ok(()))
        }
        DatasetEvent::DownloadFailed { job_id, error } | DatasetEvent::TokenizationFailed { job_id, error, .. }
            if ours(job_id) =>
        {
            Some(Err(Failure::of_job(error)))
        }
        DatasetEvent::DownloadCancelled { job_id } | DatasetEvent::TokenizationCancelled { job_id, .. }
            if ours(job_id) =>
        {
            Some(Err(Failure::cancelled("the job was cancelled")))
        }
        DatasetEvent::DatasetDeleted {} => Some(Err(Failure::cancelled("the dataset was deleted"))),
        _ => None,
    }
}

/// Which try it is, once something went wrong.
fn tries(tries: u32, max_tries: u32) -> String {
    if tries > 1 { format!(", try {tries} of {max_tries}") } else { String::new() }
}
