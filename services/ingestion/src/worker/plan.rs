//! The plan task: pins the commit, looks at its files, and adds the work tasks.

use catalog_client::{Claim, Commit, NewTask, SourcePin, TaskError};
use dataset_model::{IngestSpec, OnBadRows, Problem, Upload, UploadedFile};
use hub::{HubClient, HubError, Token};
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;

use super::{
    Worker, blocking, hub_token,
    spec::{FirstRows, IngestWork, WorkFile},
};
use crate::{
    failure,
    listing::Listing,
    plan::{self, Choice, Plan, PlanError, SourceFile, format},
};

/// A control message stays below 1 MiB.
const MESSAGE_BYTES: usize = 768 << 10;
/// Files that the task of the first rows may hold open.
const FIRST_FILES: usize = 500;
/// What does not fit is counted, and stands in the manifest.
const METADATA_BYTES: usize = 512 << 10;

pub(super) async fn run(worker: &Worker, claim: &Claim) -> Result<(), TaskError> {
    let spec: IngestSpec = claim.spec()?;
    claim.progress(|progress| "resolving".clone_into(&mut progress.phase));
    let (repo, upload, max_samples) = (spec.repo_id.as_str().to_owned(), spec.upload.clone(), spec.max_samples);
    let on_bad_rows = spec.on_bad_rows;
    let (commit, plan) = match &upload {
        Some(upload) => plan::upload::plan(&sources(upload)).map_err(Problem::from)?,
        None => read_and_plan(&worker.hub, spec, hub_token(claim).as_ref(), claim.stop()).await?,
    };
    let (source_bytes, first) = (plan.source_bytes(), first_bytes(&plan));
    let (limits, free) = (&worker.limits, worker.store.free_space());
    // Of the first rows it turns out how many files they take: each is looked at before it is fetched.
    let known_bytes = if max_samples.is_some() { first } else { source_bytes };
    plan::check_size(known_bytes, limits.max_dataset_bytes, free, limits.free_space_bytes).map_err(Problem::from)?;

    let tasks = match max_samples {
        Some(rows) => vec![first_rows_task(&plan, (&repo, &commit), on_bad_rows, rows)],
        None => tasks(&plan, (&repo, &commit), on_bad_rows, upload.as_ref()),
    };
    for message in messages(tasks) {
        claim.add_tasks(message).await?;
    }
    let pin = SourcePin {
        commit_sha: commit,
        config: plan.config.clone(),
        splits: plan.splits.iter().map(|split| split.name.clone()).collect(),
        source_bytes,
        metadata_json: metadata(&plan, upload.as_ref()).to_string(),
    };
    claim.commit(Commit { pin: Some(pin), ..Commit::default() }).await
}

/// The planning itself on a thread of its own: it takes a while for a million files.
async fn read_and_plan(
    hub: &HubClient,
    spec: IngestSpec,
    token: Option<&Token>,
    stop: &CancellationToken,
) -> Result<(String, Plan), TaskError> {
    let read = stop.run_until_cancelled(read(hub, &spec, token));
    let listing = read.await.unwrap_or(Err(HubError::Cancelled)).map_err(|error| failure::hub(&error))?;
    let planned = blocking(move || {
        let plan = plan_of(&listing, &spec).map_err(Problem::from)?;
        Ok((listing.commit, plan))
    });
    planned.await?
}

/// A commit that an earlier plan pinned stays: the branch may have moved since.
async fn read(hub: &HubClient, spec: &IngestSpec, token: Option<&Token>) -> Result<Listing, HubError> {
    let repo = spec.repo_id.as_str();
    let commit = match &spec.commit_sha {
        Some(commit) => commit.clone(),
        None => hub.dataset_info(repo, spec.revision.as_deref(), token).await?.sha,
    };
    Listing::read(hub, repo, commit, token).await
}

fn plan_of(listing: &Listing, spec: &IngestSpec) -> Result<Plan, PlanError> {
    plan::plan(&listing.repository(), Choice { config: spec.config.as_deref(), split: spec.split.as_deref() })
}

fn sources(upload: &Upload) -> Vec<SourceFile> {
    let file = |file: &UploadedFile| SourceFile {
        path: file.name.clone(),
        size: file.size_bytes,
        digest: file.sha256.clone(),
    };
    upload.files.iter().map(file).collect()
}

fn tasks(plan: &Plan, (repo, commit): (&str, &str), on_bad_rows: OnBadRows, upload: Option<&Upload>) -> Vec<NewTask> {
    let groups = plan::groups(&plan.splits);
    let files = upload.iter().flat_map(|upload| &upload.files);
    let keys: HashMap<&str, &str> = files.map(|file| (file.name.as_str(), file.key.as_str())).collect();
    let task = |(group, ordinal): (plan::FileGroup<'_>, u32)| {
        let file = |source: &SourceFile| {
            let key = keys.get(source.path.as_str()).map(|key| (*key).to_owned());
            let own = key.as_ref().and_then(|_| plan::upload::format_of(&source.path));
            let format = own.unwrap_or_else(|| format::of_file(&source.path, group.format));
            WorkFile { source: source.clone(), format: format.converter(), key }
        };
        let work = IngestWork {
            repo_id: repo.to_owned(),
            commit: commit.to_owned(),
            config: plan.config.clone(),
            split: group.split.to_owned(),
            split_number: group.split_number,
            first_file: group.first_file,
            files: group.files.iter().map(file).collect(),
            options: group.options.clone(),
            text_column: upload.and_then(|upload| upload.text_column.clone()),
            on_bad_rows,
            first_rows: None,
        };
        NewTask { ordinal, spec: json!(work), total: group.size_bytes() }
    };
    groups.into_iter().zip(0..).map(task).collect()
}

fn first_bytes(plan: &Plan) -> u64 {
    plan.splits.first().and_then(|split| split.files.first()).map_or(0, |file| file.size)
}

/// One task for the first rows of all splits in order: it finds out itself how many files that takes.
fn first_rows_task(plan: &Plan, (repo, commit): (&str, &str), on_bad_rows: OnBadRows, count: u64) -> NewTask {
    let (mut room, mut places) = (MESSAGE_BYTES, FIRST_FILES);
    let mut is_cut = false;
    let mut works: Vec<IngestWork> = Vec::new();
    for (split, split_number) in plan.splits.iter().zip(0..) {
        let file = |source: &SourceFile| WorkFile {
            source: source.clone(),
            format: format::of_file(&source.path, split.format).converter(),
            key: None,
        };
        let fits = |file: &WorkFile| {
            let left = room.checked_sub(json!(file).to_string().len() + 1).zip(places.checked_sub(1));
            (room, places) = left.unwrap_or_default();
            left.is_some()
        };
        let files: Vec<WorkFile> = split.files.iter().map(file).take_while(fits).collect();
        is_cut |= files.len() < split.files.len();
        works.push(IngestWork {
            repo_id: repo.to_owned(),
            commit: commit.to_owned(),
            config: plan.config.clone(),
            split: split.name.clone(),
            split_number,
            first_file: 0,
            files,
            options: split.options.as_ref().clone(),
            text_column: None,
            on_bad_rows,
            first_rows: None,
        });
        if is_cut {
            break;
        }
    }
    let mut works = works.into_iter();
    // A plan has at least one split.
    let first = works.next().map(|first| {
        let first_rows = Some(FirstRows { count, then: works.collect(), is_cut });
        IngestWork { first_rows, ..first }
    });
    NewTask { ordinal: 0, spec: json!(first), total: first_bytes(plan) }
}

/// Tasks that go to the catalog together.
fn messages(tasks: Vec<NewTask>) -> Vec<Vec<NewTask>> {
    let (mut messages, mut message, mut used) = (Vec::new(), Vec::new(), 0);
    for task in tasks {
        let size = task.spec.to_string().len();
        if used + size > MESSAGE_BYTES && !message.is_empty() {
            messages.push(std::mem::take(&mut message));
            used = 0;
        }
        used += size;
        message.push(task);
    }
    messages.push(message);
    messages
}

/// What the dataset's record says of its source.
fn metadata(plan: &Plan, upload: Option<&Upload>) -> Value {
    let files = plan.splits.iter().flat_map(|split| split.files.iter().map(move |file| (&split.name, file)));
    let files = files.map(
        |(split, file)| json!({"path": file.path, "size_bytes": file.size, "digest": file.digest, "split": split}),
    );
    let left_out = plan.left_out.iter().map(|left| json!({"path": left.path, "rule": left.rule}));
    let (files, file_count) = fitting(files, METADATA_BYTES / 2);
    let (left_out, left_out_count) = fitting(left_out, METADATA_BYTES / 2);
    let mut metadata = json!({
        "source_files": files, "source_file_count": file_count,
        "left_out": left_out, "left_out_count": left_out_count,
    });
    if let Some(license) = &plan.license {
        metadata["license"] = json!(license);
    }
    if let Some(column) = upload.and_then(|upload| upload.text_column.as_ref()) {
        metadata["text_column"] = json!(column);
    }
    metadata
}

/// As many items as fit into so many bytes of JSON, and how many there are.
fn fitting(items: impl Iterator<Item = Value>, bytes: usize) -> (Vec<Value>, usize) {
    let (mut kept, mut used, mut count) = (Vec::new(), 0, 0);
    for item in items {
        count += 1;
        used += item.to_string().len() + 1;
        if used <= bytes {
            kept.push(item);
        }
    }
    (kept, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_but_counted() {
        let files = (0..20_000).map(|n| SourceFile {
            path: format!("data/part-{n:05}.parquet"),
            size: 1,
            digest: "0".repeat(64),
        });
        let listing = Listing { commit: "c".into(), files: files.collect(), readme: None, standalone: None };
        let spec: IngestSpec =
            serde_json::from_value(json!({"repo_id": "a/b", "revision": null, "config": null, "split": null})).unwrap();
        let plan = plan_of(&listing, &spec).unwrap();
        let metadata = metadata(&plan, None);
        assert!(metadata.to_string().len() < METADATA_BYTES);
        assert_eq!(metadata["source_file_count"], 20_000);
        assert!(metadata["source_files"].as_array().unwrap().len() > 1000);
        let tasks = tasks(&plan, ("a/b", "c"), OnBadRows::Fail, None);
        assert!(tasks.iter().all(|task| task.spec.to_string().len() < 64 << 10));
        assert_eq!(tasks.iter().map(|task| task.total).sum::<u64>(), 20_000);
        let work: IngestWork = serde_json::from_value(tasks[1].spec.clone()).unwrap();
        let ordinals: Vec<u32> = tasks.iter().map(|task| task.ordinal).collect();
        let messages = messages(tasks);
        assert!(messages.len() > 1);
        let size = |message: &Vec<NewTask>| message.iter().map(|task| task.spec.to_string().len()).sum::<usize>();
        assert!(messages.iter().all(|message| (1..=MESSAGE_BYTES).contains(&size(message))));
        assert!(messages.iter().flatten().map(|task| task.ordinal).eq(ordinals));
        assert_eq!((work.files[0].format.as_str(), work.first_file), ("parquet", 100));
    }
}
