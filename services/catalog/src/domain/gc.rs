//! What a `gc` task removes. Workers own the bytes, so the catalog only names them.

use dataset_model::{DatasetId, RepoId, TokenizationId};
use serde::{Deserialize, Serialize};

/// The specification of a `gc` task: single files, or everything below a folder, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GcSpec {
    /// Storage keys relative to the data directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// A folder with its final `/`; gone with all that is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

/// What the end of a `gc` task takes out of the database, after the bytes are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remains {
    Dataset(DatasetId),
    Tokenization(TokenizationId),
    Files,
}

/// The storage folder of a dataset; the validated repository id is the only foreign part.
pub fn dataset_folder(repo: &RepoId, id: DatasetId) -> String {
    format!("datasets/{}/{id}", repo.folder())
}

/// The storage folder of a tokenization.
pub fn tokenization_folder(repo: &RepoId, dataset: DatasetId, id: TokenizationId) -> String {
    format!("{}/tokenized/{id}", dataset_folder(repo, dataset))
}

/// What remains after a `gc` task with this specification.
pub fn remains(spec: &GcSpec, dataset: DatasetId, tokenization: Option<TokenizationId>) -> Remains {
    match (&spec.prefix, tokenization) {
        (None, _) => Remains::Files,
        (Some(_), Some(id)) => Remains::Tokenization(id),
        (Some(_), None) => Remains::Dataset(dataset),
    }
}
