//! A repository at its commit: what the Hub lists, and the files in which the repository describes itself.

use hub::{HubClient, HubError, RemoteFile, RepoKind, Token};

use crate::plan::{README, Repository, STANDALONE, SourceFile};

/// Cards are a few KiB; some list thousands of configs.
const CARD_BYTES: u64 = 8 << 20;

/// All that a plan looks at.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) commit: String,
    pub(crate) files: Vec<SourceFile>,
    pub(crate) readme: Option<String>,
    pub(crate) standalone: Option<String>,
}

impl Listing {
    /// Reads what the repository has at this commit.
    pub(crate) async fn read(
        hub: &HubClient,
        repo: &str,
        commit: String,
        token: Option<&Token>,
    ) -> Result<Self, HubError> {
        let tree = hub.tree(RepoKind::Dataset, repo, &commit, token).await?;
        let card = async |name| card(hub, repo, &commit, &tree, name, token).await;
        let (readme, standalone) = (card(README).await?, card(STANDALONE).await?);
        let file = |file: RemoteFile| SourceFile { path: file.path, size: file.size, digest: file.digest.to_hex() };
        Ok(Self { commit, files: tree.into_iter().map(file).collect(), readme, standalone })
    }

    pub(crate) fn repository(&self) -> Repository<'_> {
        Repository { files: &self.files, readme: self.readme.as_deref(), standalone: self.standalone.as_deref() }
    }
}

async fn card(
    hub: &HubClient,
    repo: &str,
    commit: &str,
    tree: &[RemoteFile],
    name: &str,
    token: Option<&Token>,
) -> Result<Option<String>, HubError> {
    let Some(file) = tree.iter().find(|file| file.path == name) else { return Ok(None) };
    let bytes = hub.read_small(RepoKind::Dataset, repo, commit, file, CARD_BYTES, token).await?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
