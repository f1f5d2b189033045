//! Whether an ingest starts, is running already, or must be refused.
//!
//! Two requests are the same when they select the same rows: what was asked counts, and so does what it was pinned to,
//! so that naming the resolved commit or config is no other request.

use dataset_model::{
    DatasetStatus, IngestSpec, JobId, OnBadRows, Problem, Reason, RepoId, Upload,
    state::{DatasetTransition, InvalidTransition},
};
use std::str::FromStr;

/// Where a dataset's rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Hub,
    Upload,
}

impl Origin {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Upload => "upload",
        }
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Hub, Self::Upload].into_iter().find(|one| one.as_str() == text).ok_or_else(|| text.to_owned())
    }
}

/// What a start asks for; absent = what the dataset was registered with, and all splits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    pub revision: Option<String>,
    pub config: Option<String>,
    pub split: Option<String>,
    pub max_samples: Option<u64>,
    pub on_bad_rows: OnBadRows,
}

/// What a dataset stands for: what was asked last, and what a plan made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub repo_id: RepoId,
    pub origin: Origin,
    pub status: DatasetStatus,
    pub revision: Option<String>,
    pub requested_config: Option<String>,
    pub split_filter: Option<String>,
    pub max_samples: Option<u64>,
    pub on_bad_rows: OnBadRows,
    /// As pinned.
    pub config: Option<String>,
    pub commit_sha: Option<String>,
}

/// The answer to a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The same request is running, or was served.
    Existing(JobId),
    New(IngestSpec),
}

/// Decides on a start of what was uploaded before, as `upload` says: only after a failure or a cancel is there
/// something to do, and nothing to choose but what becomes of bad rows.
pub fn start_upload(
    source: &Source,
    asked: &Asked,
    active: Option<JobId>,
    upload: Option<Upload>,
) -> Result<IngestSpec, StartRefused> {
    let on_bad_rows = asked.on_bad_rows;
    if *asked != (Asked { on_bad_rows, ..Asked::default() }) {
        return Err(StartRefused::UploadHasNoChoice);
    }
    if let Some(job) = active {
        return Err(StartRefused::Uploading(job));
    }
    let upload = upload.filter(|_| source.status != DatasetStatus::Ready).ok_or(StartRefused::Uploaded)?;
    source.status.apply(DatasetTransition::Start)?;
    Ok(of_upload(upload, on_bad_rows))
}

/// The specification of an ingest of uploaded files.
pub fn of_upload(upload: Upload, on_bad_rows: OnBadRows) -> IngestSpec {
    let repo_id = RepoId::upload();
    IngestSpec {
        repo_id,
        revision: None,
        config: None,
        split: None,
        commit_sha: None,
        max_samples: None,
        on_bad_rows,
        upload: Some(upload),
    }
}

/// Decides on a start. `active` is the running ingest, `newest` the last one of any state.
pub fn start(
    source: &Source,
    asked: Asked,
    active: Option<JobId>,
    newest: Option<JobId>,
) -> Result<Start, StartRefused> {
    let wanted = Asked {
        revision: asked.revision.or_else(|| source.revision.clone()),
        config: asked.config.or_else(|| source.requested_config.clone()),
        split: asked.split,
        max_samples: asked.max_samples,
        on_bad_rows: asked.on_bad_rows,
    };
    let same = source.selects(&wanted);
    if let Some(job) = active {
        return if same { Ok(Start::Existing(job)) } else { Err(StartRefused::Other(job)) };
    }
    if source.status == DatasetStatus::Ready {
        return newest.filter(|_| same).map(Start::Existing).ok_or(StartRefused::Ready);
    }
    source.status.apply(DatasetTransition::Start)?;
    // A job that goes on stays on the commit that its predecessor pinned.
    let commit_sha = source.commit_sha.clone().filter(|_| source.asks_revision(wanted.revision.as_ref()));
    Ok(Start::New(IngestSpec {
        repo_id: source.repo_id.clone(),
        revision: wanted.revision,
        config: wanted.config,
        split: wanted.split,
        commit_sha,
        max_samples: wanted.max_samples,
        on_bad_rows: wanted.on_bad_rows,
        upload: None,
    }))
}

impl Source {
    fn selects(&self, wanted: &Asked) -> bool {
        let config =
            wanted.config == self.requested_config || (wanted.config.is_some() && wanted.config == self.config);
        let rows = wanted.split == self.split_filter
            && wanted.max_samples == self.max_samples
            && wanted.on_bad_rows == self.on_bad_rows;
        self.asks_revision(wanted.revision.as_ref()) && config && rows
    }

    fn asks_revision(&self, revision: Option<&String>) -> bool {
        revision == self.revision.as_ref() || (revision.is_some() && revision == self.commit_sha.as_ref())
    }
}

/// Why nothing was started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartRefused {
    #[error("job `{0}` ingests another selection of this dataset")]
    Other(JobId),
    #[error("the dataset is ready with another revision, config, split, number of rows or treatment of bad rows")]
    Ready,
    #[error("the dataset was uploaded: there is no revision, config, split or number of rows to choose")]
    UploadHasNoChoice,
    #[error("job `{0}` is converting what was uploaded")]
    Uploading(JobId),
    #[error("the dataset was uploaded and is ready: there is nothing to download")]
    Uploaded,
    #[error(transparent)]
    Transition(#[from] InvalidTransition),
}

impl From<StartRefused> for Problem {
    fn from(refused: StartRefused) -> Self {
        match refused {
            StartRefused::Other(_) => Self::new(Reason::JobAlreadyActive, refused.to_string())
                .next_step("wait for that job or cancel it, then start again"),
            StartRefused::Ready => Self::new(Reason::DatasetReady, refused.to_string())
                .next_step("register another dataset for the other selection"),
            StartRefused::UploadHasNoChoice => Self::new(Reason::InvalidField, refused.to_string())
                .next_step("leave `revision`, `config`, `split` and `max_samples` out"),
            StartRefused::Uploading(_) => {
                Self::new(Reason::JobAlreadyActive, refused.to_string()).next_step("wait for that job or cancel it")
            }
            StartRefused::Uploaded => {
                Self::new(Reason::DatasetReady, refused.to_string()).next_step("upload other files as another dataset")
            }
            StartRefused::Transition(_) => Self::new(Reason::JobAlreadyActive, refused.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(status: DatasetStatus) -> Source {
        Source {
            repo_id: RepoId::parse("owner/name").unwrap(),
            origin: Origin::Hub,
            status,
            revision: Some("main".into()),
            requested_config: None,
            split_filter: None,
            max_samples: None,
            on_bad_rows: OnBadRows::Fail,
            config: Some("default".into()),
            commit_sha: Some("c0ffee".into()),
        }
    }

    fn asked(revision: Option<&str>, config: Option<&str>, split: Option<&str>) -> Asked {
        let own = |text: Option<&str>| text.map(Into::into);
        Asked { revision: own(revision), config: own(config), split: own(split), ..Asked::default() }
    }

    #[test]
    fn the_same_selection_gives_the_running_job() {
        let (source, job) = (source(DatasetStatus::Downloading), JobId::new());
        for same in
            [asked(None, None, None), asked(Some("main"), None, None), asked(Some("c0ffee"), Some("default"), None)]
        {
            assert_eq!(start(&source, same, Some(job), Some(job)), Ok(Start::Existing(job)));
        }
        let few = Asked { max_samples: Some(5), ..Asked::default() };
        let skip = Asked { on_bad_rows: OnBadRows::Skip, ..Asked::default() };
        for other in
            [asked(Some("dev"), None, None), asked(None, Some("de"), None), asked(None, None, Some("train")), few, skip]
        {
            assert_eq!(start(&source, other, Some(job), Some(job)), Err(StartRefused::Other(job)));
        }
    }

    #[test]
    fn ready_is_served_or_refused() {
        let (source, job) = (source(DatasetStatus::Ready), JobId::new());
        assert_eq!(start(&source, Asked::default(), None, Some(job)), Ok(Start::Existing(job)));
        assert_eq!(start(&source, asked(Some("dev"), None, None), None, Some(job)), Err(StartRefused::Ready));
    }

    #[test]
    fn what_was_uploaded_starts_again_only_after_a_failure() {
        let of = |status| Source { origin: Origin::Upload, revision: None, ..source(status) };
        let (upload, job) = (Upload { text_column: None, files: Vec::new() }, JobId::new());
        let again = |status, asked, active| start_upload(&of(status), &asked, active, Some(upload.clone()));
        for status in [DatasetStatus::Failed, DatasetStatus::Pending] {
            let spec = again(status, Asked::default(), None).unwrap();
            assert_eq!((spec.upload.as_ref(), spec.repo_id.as_str()), (Some(&upload), "upload"));
            let skip = Asked { on_bad_rows: OnBadRows::Skip, ..Asked::default() };
            assert_eq!(again(status, skip, None).unwrap().on_bad_rows, OnBadRows::Skip);
        }
        assert_eq!(again(DatasetStatus::Ready, Asked::default(), None), Err(StartRefused::Uploaded));
        let running = again(DatasetStatus::Downloading, Asked::default(), Some(job));
        assert_eq!(running, Err(StartRefused::Uploading(job)));
        let chosen = again(DatasetStatus::Failed, asked(None, None, Some("train")), None);
        assert_eq!(chosen, Err(StartRefused::UploadHasNoChoice));
    }

    #[test]
    fn a_restart_keeps_the_commit_only_for_the_same_revision() {
        let source = source(DatasetStatus::Failed);
        let commit = |asked| match start(&source, asked, None, None).unwrap() {
            Start::New(spec) => spec.commit_sha,
            Start::Existing(_) => unreachable!("nothing is active"),
        };
        assert_eq!(commit(asked(None, None, Some("train"))), Some("c0ffee".to_owned()));
        assert_eq!(commit(asked(Some("dev"), None, None)), None);
    }
}
