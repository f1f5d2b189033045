//! Read-only questions about a repository, and the way in for local files.

use crate::{
    preview::{self, FirstRows, Previews, Question},
    upload::Uploads,
};
use dataset_model::{Problem, Reason, RepoId};
use dataset_proto::catalog::HubToken;
use dataset_proto::ingestion::{
    InspectRepoRequest, InspectRepoResponse, LeftOut, PreviewColumn, PreviewRowsRequest, PreviewRowsResponse,
    RepoConfig, RepoFile, RepoSplit, UploadRequest, UploadResponse, ingestion_service_server::IngestionService,
};
use dataset_proto::status::to_status;
use hub::Token;
use tonic::{Request, Response, Status, Streaming};

use crate::plan::{ConfigOverview, SplitOverview};

const DEFAULT_ROWS: u32 = 10;
const MOST_ROWS: u32 = 100;
/// Paths in an answer; what does not fit is counted.
const PATHS_BYTES: usize = 512 << 10;

#[derive(Debug)]
pub(crate) struct Ingestion {
    pub(crate) previews: Previews,
    pub(crate) uploads: Uploads,
}

#[tonic::async_trait]
impl IngestionService for Ingestion {
    async fn inspect_repo(
        &self,
        request: Request<InspectRepoRequest>,
    ) -> Result<Response<InspectRepoResponse>, Status> {
        let answer = self.inspect(request.into_inner()).await;
        answer.map(Response::new).map_err(|problem| to_status(&problem))
    }

    async fn preview_rows(
        &self,
        request: Request<PreviewRowsRequest>,
    ) -> Result<Response<PreviewRowsResponse>, Status> {
        let answer = self.preview(request.into_inner()).await;
        answer.map(Response::new).map_err(|problem| to_status(&problem))
    }

    async fn upload(&self, request: Request<Streaming<UploadRequest>>) -> Result<Response<UploadResponse>, Status> {
        let answer = self.uploads.take(request.into_inner()).await;
        answer.map(Response::new).map_err(|problem| to_status(&problem))
    }
}

impl Ingestion {
    async fn inspect(&self, message: InspectRepoRequest) -> Result<InspectRepoResponse, Problem> {
        let InspectRepoRequest { repo_id, revision, preview_rows, config, split, hf_token } = message;
        let rows = preview_rows.min(MOST_ROWS) as usize;
        let token = hf_token.map(token).transpose()?;
        let question = Question { token, ..question(&repo_id, revision, config, split, rows)? };
        let repository = self.previews.repository(&question).await?;
        let shown = preview::chosen_config(&repository.overview, question.config.as_deref())?;
        let preview = if rows == 0 {
            None
        } else {
            Some(self.rows(&question, &repository.commit, shown).await.or_else(|(place, problem)| {
                let error = preview::is_of_rows(&problem).then_some(problem.clone()).ok_or(problem)?;
                Ok::<_, Problem>(PreviewRowsResponse { error: Some(error.into()), ..*place })
            })?)
        };
        let (disk_needed, disk_free) = self.previews.disk(shown);
        let mut room = PATHS_BYTES;
        Ok(InspectRepoResponse {
            commit_sha: repository.commit.clone(),
            gated: repository.gated,
            license: repository.overview.license.clone(),
            configs: repository.overview.configs.iter().map(|config| encode_config(config, &mut room)).collect(),
            disk_needed,
            disk_free,
            preview,
        })
    }

    async fn preview(&self, message: PreviewRowsRequest) -> Result<PreviewRowsResponse, Problem> {
        let PreviewRowsRequest { repo_id, revision, config, split, row_count } = message;
        let rows = if row_count == 0 { DEFAULT_ROWS } else { row_count.min(MOST_ROWS) } as usize;
        let question = question(&repo_id, revision, config, split, rows)?;
        let repository = self.previews.repository(&question).await?;
        let shown = preview::chosen_config(&repository.overview, question.config.as_deref())?;
        self.rows(&question, &repository.commit, shown).await.map_err(|(_, problem)| problem)
    }

    /// The first rows; a failure says also whose rows these would have been.
    async fn rows(
        &self,
        question: &Question,
        commit: &str,
        config: &ConfigOverview,
    ) -> Result<PreviewRowsResponse, (Box<PreviewRowsResponse>, Problem)> {
        let mut answer = PreviewRowsResponse { config: config.name.clone(), ..PreviewRowsResponse::default() };
        let split = match preview::chosen_split(config, question.split.as_deref()) {
            Ok(split) => split,
            Err(error) => return Err((Box::new(answer), error.into())),
        };
        answer.split.clone_from(&split.split.name);
        answer.file = split.first_file().map(|file| file.path.clone()).unwrap_or_default();
        match self.previews.first_rows(question, commit, split).await {
            Err(problem) => Err((Box::new(answer), problem)),
            Ok(FirstRows { schema, columns, rows }) => {
                let column = |(name, r#type)| PreviewColumn { name, r#type };
                let columns = columns.into_iter().map(column).collect();
                Ok(PreviewRowsResponse { schema_json: schema.to_string(), rows_json: rows, columns, ..answer })
            }
        }
    }
}

fn question(
    repo_id: &str,
    revision: Option<String>,
    config: Option<String>,
    split: Option<String>,
    rows: usize,
) -> Result<Question, Problem> {
    let repo = RepoId::parse(repo_id).map_err(|error| Problem::new(Reason::InvalidRepoId, error.to_string()))?;
    let revision = revision.filter(|revision| !revision.is_empty());
    if let Some(revision) = revision.as_deref().filter(|revision| [".", ".."].contains(revision)) {
        return Err(Problem::new(Reason::InvalidRevision, format!("`{revision}` is not a revision")));
    }
    Ok(Question { repo: repo.into(), revision, config, split, rows, token: None })
}

/// A Hub token, which goes into a header.
fn token(given: HubToken) -> Result<Token, Problem> {
    let is_one = !given.text.is_empty() && given.text.bytes().all(|byte| byte.is_ascii_graphic());
    is_one.then(|| Token::new(given.text)).ok_or_else(|| Problem::field("hf_token", "must be visible ASCII characters"))
}

fn encode_config(config: &ConfigOverview, room: &mut usize) -> RepoConfig {
    let error = config.splits.as_ref().err().map(|error| Problem::from(error.clone()).into());
    let splits = config.splits.iter().flatten().map(|split| encode_split(split, room)).collect();
    let left_out = config.left_out.iter().map(|one| LeftOut { path: one.path.clone(), rule: one.rule.clone() });
    RepoConfig {
        name: config.name.clone(),
        default: config.is_default,
        splits,
        left_out: left_out.take_while(|one| fits(&one.path, room)).collect(),
        error,
        size_bytes: config.source_bytes(),
        left_out_count: config.left_out.len() as u64,
    }
}

fn encode_split(SplitOverview { split, row_count }: &SplitOverview, room: &mut usize) -> RepoSplit {
    let files = split.files.iter().map(|file| RepoFile { path: file.path.clone(), size_bytes: file.size });
    RepoSplit {
        name: split.name.clone(),
        row_count: *row_count,
        size_bytes: split.files.iter().map(|file| file.size).fold(0, u64::saturating_add),
        files: files.take_while(|file| fits(&file.path, room)).collect(),
        file_count: split.files.len() as u64,
        format: split.format.name.to_owned(),
    }
}

/// Whether there is room in the answer for one more path, which is then taken.
fn fits(path: &str, room: &mut usize) -> bool {
    const AROUND: usize = 40;
    let left = room.checked_sub(path.len() + AROUND);
    *room = left.unwrap_or(0);
    left.is_some()
}
