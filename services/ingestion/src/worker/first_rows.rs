//! The work task of an ingest that takes only the first rows: file after file in the order of the source, until there
//! are enough. What is not needed is not fetched.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use catalog_client::{Claim, Commit, TaskError};
use dataset_model::{LeftOutMembers, Problem, Reason, SkippedRows};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    Worker, blocking,
    spec::{FirstRows, IngestWork, WorkFile, WorkSummary},
    work::{Download, Piece, convert, fetch, remove},
};
use crate::{
    convert::{ConvertError, Format, Reading, Source, common_schema},
    failure, plan,
};

/// `work` is the first split with its files.
pub(super) async fn run(worker: &Worker, claim: &Claim, work: IngestWork, first: FirstRows) -> Result<(), TaskError> {
    let stop = claim.stop().child_token();
    let _ends_with_us = stop.clone().drop_guard();
    let mut taken = Taken { worker, claim, stop: &stop, bytes: 0, paths: Vec::new() };
    let (mut missing, mut shards, mut summaries) = (first.count, Vec::new(), Vec::new());
    for work in std::iter::once(work).chain(first.then) {
        if missing == 0 {
            break;
        }
        let (work, inputs) = taken.files(work, missing).await?;
        let first_shard = u32::try_from(shards.len()).map_err(|error| failure::internal(&error))?;
        let piece = Piece { max_rows: Some(missing), first_shard };
        let converted = convert(worker, claim, &work, inputs, piece, &stop).await?;
        missing -= converted.row_count;
        summaries.push(WorkSummary::new(work, &converted));
        shards.extend(converted.shards);
    }
    if missing > 0 && first.is_cut {
        let found = first.count - missing;
        let detail = format!("the files that one task can name hold {found} of the {} rows", first.count);
        let problem = Problem::new(Reason::SourceLimitExceeded, detail);
        return Err(TaskError::Problem(problem.next_step("ask for fewer rows, or for all")));
    }
    only_the_first(&mut summaries);
    let mut summaries = summaries.into_iter();
    let summary = summaries.next().map(|first| WorkSummary { then: summaries.collect(), ..first });
    claim.commit(Commit { shards, summary: json!(summary), ..Commit::default() }).await?;
    blocking(move || remove(&taken.paths)).await
}

/// Of what was skipped and left out no more is shown of all splits than of one: a summary has its limit.
fn only_the_first(summaries: &mut [WorkSummary]) {
    let (mut rows, mut members) = (SkippedRows::default(), LeftOutMembers::default());
    for WorkSummary { skipped, left_out_members: left_out, .. } in summaries {
        let shown = (rows.first.len(), members.first.len());
        rows.extend(skipped.count, std::mem::take(&mut skipped.first));
        members.extend(left_out.count, std::mem::take(&mut left_out.first));
        skipped.first = rows.first[shown.0..].to_vec();
        left_out.first = members.first[shown.1..].to_vec();
    }
}

/// Files that were fetched so far.
struct Taken<'a> {
    worker: &'a Worker,
    claim: &'a Claim,
    stop: &'a CancellationToken,
    bytes: u64,
    paths: Vec<PathBuf>,
}

impl Taken<'_> {
    /// As many files of a split as so many rows take; the work is cut to these.
    async fn files(&mut self, work: IngestWork, rows: u64) -> Result<(IngestWork, Vec<(WorkFile, File)>), TaskError> {
        let (mut inputs, mut found) = (Vec::new(), 0);
        for file in &work.files {
            let fetched = self.fetch(&work, file).await?;
            let format = Format::named(&file.format).unwrap_or(Format::Json);
            let options = Arc::new(work.options.clone());
            let reading = Reading { on_bad_rows: work.on_bad_rows, options, ..format.into() };
            let (counted, stop) = ((file.clone(), fetched), self.stop.clone());
            let scratch = self.worker.store.staging_dir();
            let missing = rows - found;
            let counting = blocking(move || {
                let counted_rows = count((&counted.0, reading), &counted.1, missing, &scratch, &stop);
                (counted, counted_rows)
            });
            let (input, counted) = counting.await?;
            inputs.push(input);
            found += counted.map_err(|error| failure::convert(&error))?;
            if found >= rows {
                break;
            }
        }
        let files = inputs.iter().map(|(file, _)| file.clone()).collect();
        Ok((IngestWork { files, ..work }, inputs))
    }

    async fn fetch(&mut self, work: &IngestWork, file: &WorkFile) -> Result<File, TaskError> {
        self.bytes = self.bytes.saturating_add(file.source.size);
        let (limits, free) = (&self.worker.limits, self.worker.store.free_space());
        let checked = plan::check_size(self.bytes, limits.max_dataset_bytes, free, limits.free_space_bytes);
        checked.map_err(Problem::from)?;
        let single = IngestWork { files: vec![file.clone()], ..work.clone() };
        let download = Download::new(self.claim, &single.files);
        let fetched = fetch(self.worker, &download, &single, 0, self.stop).await?;
        self.paths.extend(fetched.path);
        Ok(fetched.file)
    }
}

/// The rows of a file, counted until there are enough. Blocking.
fn count(
    (file, reading): (&WorkFile, Reading),
    content: &File,
    enough: u64,
    scratch: &Path,
    stop: &CancellationToken,
) -> Result<u64, ConvertError> {
    let path = &file.source.path;
    let content = content.try_clone().map_err(|source| ConvertError::Disk { file: path.clone(), source })?;
    let mut rows = 0;
    for source in Source::open_all(path, content, reading, scratch, stop)?.sources {
        let schema = common_schema(std::slice::from_ref(&source))?;
        for batch in source.batches(&schema, stop)? {
            rows += batch?.num_rows() as u64;
            if rows >= enough {
                return Ok(rows);
            }
        }
    }
    Ok(rows)
}
