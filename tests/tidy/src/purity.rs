//! Decisions stay pure: state machines, plans and the tokenizing engine know no transport, database, broker or runtime.

use crate::{SourceFile, Tree};
use regex::Regex;
use std::sync::LazyLock;

static PURE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:services/[^/]+/src/(?:domain|plan|engine)(?:\.rs|/.*\.rs)|libs/dataset-model/src/.*\.rs)$")
        .expect("a valid pattern")
});
static NAMED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(?:tonic|sqlx|async_nats|axum|tokio)\b").expect("a valid pattern"));

pub fn purity(tree: &Tree) -> Vec<String> {
    tree.ending(&[".rs"]).filter(|file| PURE.is_match(&file.path)).flat_map(impure_lines).collect()
}

fn impure_lines(file: &SourceFile) -> Vec<String> {
    let code = |line: &str| !line.trim_start().starts_with("//");
    let lines = file.text.lines().enumerate().filter(|(_, line)| code(line));
    lines
        .filter_map(|(number, line)| {
            let name = NAMED.find(line)?.as_str();
            Some(format!(
                "{}:{} names `{name}`: this file decides, and takes what it needs as arguments",
                file.path,
                number + 1
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn an_impure_decision_is_found() {
        for path in [
            "services/a/src/domain/job.rs",
            "services/a/src/plan.rs",
            "services/a/src/engine/x.rs",
            "libs/dataset-model/src/a.rs",
        ] {
            assert_eq!(purity(&sample(path, "use std::fmt;\nuse tokio::fs;\n")).len(), 1, "{path}");
        }
    }

    #[test]
    fn other_files_and_comments_may_name_them() {
        for path in ["services/a/src/worker.rs", "services/a/src/worker/plan.rs"] {
            assert_eq!(purity(&sample(path, "use tokio::fs;\n")), [""; 0]);
        }
        assert_eq!(
            purity(&sample("services/a/src/plan.rs", "// tokio would block here\nuse tokio_util::x;\n")),
            [""; 0]
        );
    }
}
