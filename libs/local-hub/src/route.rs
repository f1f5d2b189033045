//! What a request asks for: the Hub's URL scheme as one pure function.
//!
//! Repository ids have one or two segments, so the paths are told apart by the verb that follows the id.
//! Segments are split before they are decoded, because a revision such as `refs%2Fconvert%2Fparquet` is one.

use http::Method;
use percent_encoding::percent_decode_str;

/// The two kinds of repository that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Under `datasets/`.
    Dataset,
    /// Under `models/`; on the web their URLs have no prefix.
    Model,
}

impl Kind {
    /// The name of the folder, and of the path segment in the API.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Dataset => "datasets",
            Self::Model => "models",
        }
    }

    fn from_segment(segment: &str) -> Option<Self> {
        match segment {
            "datasets" => Some(Self::Dataset),
            "models" => Some(Self::Model),
            _ => None,
        }
    }
}

/// A repository's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Repo {
    /// Dataset or model.
    pub(crate) kind: Kind,
    /// `owner/name`, or just `name`.
    pub(crate) id: String,
}

/// One request, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    /// `GET /api/{kind}/{repo}[/revision/{revision}]`
    Info { repo: Repo, revision: String },
    /// `GET /api/{kind}/{repo}/tree/{revision}[/{folder}]`
    Tree { repo: Repo, revision: String, folder: String },
    /// `POST /api/{kind}/{repo}/paths-info/{revision}`
    PathsInfo { repo: Repo, revision: String },
    /// `GET /api/{kind}/{repo}/refs`
    Refs { repo: Repo },
    /// `GET /api/{kind}/{repo}/auth-check`
    AuthCheck { repo: Repo },
    /// `GET|HEAD [/datasets]/{repo}/resolve/{revision}/{path}`
    Resolve { repo: Repo, revision: String, path: String },
    /// `GET|HEAD /api/resolve-cache/{kind}/{repo}/{commit}/{path}`: where small files are sent from.
    ResolveCache { repo: Repo, commit: String, path: String },
    /// `GET|HEAD /lfs/{sha256}`: where large files are sent from.
    Lfs { sha256: String },
}

impl Call {
    /// Reads a request line; `None` when the Hub knows no such route.
    pub(crate) fn parse(method: &Method, path: &str) -> Option<Self> {
        let segments = path
            .trim_start_matches('/')
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8().map(String::from))
            .collect::<Result<Vec<_>, _>>()
            .ok()?;
        let words: Vec<&str> = segments.iter().map(String::as_str).collect();
        let reads = *method == Method::GET || *method == Method::HEAD;
        match words.as_slice() {
            ["api", "resolve-cache", kind, rest @ ..] if reads => resolve_cache(Kind::from_segment(kind)?, rest),
            ["api", kind, rest @ ..] if reads => api(Kind::from_segment(kind)?, rest),
            ["api", kind, rest @ ..] if *method == Method::POST => paths_info(Kind::from_segment(kind)?, rest),
            ["lfs", sha256] if reads => Some(Self::Lfs { sha256: (*sha256).to_owned() }),
            ["datasets", rest @ ..] if reads => resolve(Kind::Dataset, rest),
            rest if reads => resolve(Kind::Model, rest),
            _ => None,
        }
    }
}

fn api(kind: Kind, words: &[&str]) -> Option<Call> {
    const VERBS: [&str; 4] = ["revision", "tree", "refs", "auth-check"];
    let (id, rest) = split_at_verb(words, &VERBS);
    let repo = repo(kind, id)?;
    match rest {
        [] => Some(Call::Info { repo, revision: "main".to_owned() }),
        ["revision", revision] => Some(Call::Info { repo, revision: (*revision).to_owned() }),
        ["tree", revision, folder @ ..] => {
            Some(Call::Tree { repo, revision: (*revision).to_owned(), folder: folder.join("/") })
        }
        ["refs"] => Some(Call::Refs { repo }),
        ["auth-check"] => Some(Call::AuthCheck { repo }),
        _ => None,
    }
}

fn paths_info(kind: Kind, words: &[&str]) -> Option<Call> {
    let (id, rest) = split_at_verb(words, &["paths-info"]);
    let ["paths-info", revision] = rest else { return None };
    Some(Call::PathsInfo { repo: repo(kind, id)?, revision: (*revision).to_owned() })
}

fn resolve(kind: Kind, words: &[&str]) -> Option<Call> {
    let (id, rest) = split_at_verb(words, &["resolve"]);
    let ["resolve", revision, path @ ..] = rest else { return None };
    Some(Call::Resolve { repo: repo(kind, id)?, revision: (*revision).to_owned(), path: path.join("/") })
}

fn resolve_cache(kind: Kind, words: &[&str]) -> Option<Call> {
    let (id, [commit, path]) = words.split_at_checked(words.len().checked_sub(2)?)? else { return None };
    Some(Call::ResolveCache { repo: repo(kind, id)?, commit: (*commit).to_owned(), path: (*path).to_owned() })
}

/// The id is everything before the verb, which stands at the second or third place.
fn split_at_verb<'a, 'b>(words: &'a [&'b str], verbs: &[&str]) -> (&'a [&'b str], &'a [&'b str]) {
    let at = (1..=2).find(|&at| words.get(at).is_some_and(|word| verbs.contains(word)));
    words.split_at(at.unwrap_or(words.len()))
}

/// Ids become folder names, so nothing but plain names may pass.
fn repo(kind: Kind, words: &[&str]) -> Option<Repo> {
    let plain = |word: &&str| {
        !word.is_empty()
            && !word.starts_with('.')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    ((1..=2).contains(&words.len()) && words.iter().all(plain)).then(|| Repo { kind, id: words.join("/") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Option<Call> {
        Call::parse(&Method::GET, path)
    }

    fn dataset(id: &str) -> Repo {
        Repo { kind: Kind::Dataset, id: id.to_owned() }
    }

    #[test]
    fn ids_of_one_and_two_segments() {
        let info = |id| Call::Info { repo: dataset(id), revision: "main".to_owned() };
        assert_eq!(get("/api/datasets/squad"), Some(info("squad")));
        assert_eq!(get("/api/datasets/acme/corpus"), Some(info("acme/corpus")));
        assert_eq!(get("/api/datasets/a/b/c"), None);
    }

    #[test]
    fn revisions_and_paths_are_decoded_after_splitting() {
        assert_eq!(
            get("/datasets/acme/corpus/resolve/refs%2Fconvert%2Fparquet/a%20b/c%23.txt"),
            Some(Call::Resolve {
                repo: dataset("acme/corpus"),
                revision: "refs/convert/parquet".to_owned(),
                path: "a b/c#.txt".to_owned(),
            })
        );
        assert_eq!(
            get("/gpt2/resolve/main/tokenizer.json"),
            Some(Call::Resolve {
                repo: Repo { kind: Kind::Model, id: "gpt2".to_owned() },
                revision: "main".to_owned(),
                path: "tokenizer.json".to_owned(),
            })
        );
    }

    #[test]
    fn the_cache_route_takes_its_path_in_one_segment() {
        let call = get("/api/resolve-cache/datasets/squad/0123/data%2Fa.txt");
        let expected =
            Call::ResolveCache { repo: dataset("squad"), commit: "0123".to_owned(), path: "data/a.txt".to_owned() };
        assert_eq!(call, Some(expected));
    }

    #[test]
    fn nothing_climbs_out_of_the_root() {
        assert_eq!(get("/api/datasets/..%2F..%2Fetc/passwd"), None);
        assert_eq!(get("/api/datasets/../x"), None);
        assert_eq!(get("/datasets/.git/x/resolve/main/a"), None);
    }
}
