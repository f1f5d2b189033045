//! Reads what a client asks for: `PATH` descriptors into a [`Selection`], `CMD` descriptors into a [`ReadPlan`]. Pure.
//!
//! `["tokenizations", id]` and `["datasets", id, "raw", split]`, each optionally followed by `"rows", start, count`.

use arrow_flight::FlightDescriptor;
use arrow_flight::flight_descriptor::DescriptorType;
use dataset_model::{DatasetId, Problem, TokenizationId};

use crate::plan::ReadPlan;

/// Whose rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Tokenization(TokenizationId),
    /// The raw rows of one split.
    Raw {
        dataset: DatasetId,
        split: String,
    },
}

/// Rows of a target, in stored order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) target: Target,
    pub(crate) start: u64,
    /// None = to the end. More rows than there are is not an error: the answer has those that exist.
    pub(crate) count: Option<u64>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Rows(Selection),
    Plan(ReadPlan),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tokenization(id) => write!(f, "tokenization `{id}`"),
            Self::Raw { dataset, split } => write!(f, "split `{split}` of dataset `{dataset}`"),
        }
    }
}

impl Target {
    /// The descriptor under which the whole target is read.
    pub(crate) fn descriptor(&self) -> FlightDescriptor {
        FlightDescriptor::new_path(match self {
            Self::Tokenization(id) => vec!["tokenizations".to_owned(), id.to_string()],
            Self::Raw { dataset, split } => {
                vec!["datasets".to_owned(), dataset.to_string(), "raw".to_owned(), split.clone()]
            }
        })
    }
}

/// What `descriptor` asks for; `INVALID_FIELD` tells which part of it is wrong.
pub(crate) fn parse(descriptor: &FlightDescriptor) -> Result<Wanted, Problem> {
    match descriptor.r#type() {
        DescriptorType::Path => parse_path(&descriptor.path).map(Wanted::Rows),
        DescriptorType::Cmd => ReadPlan::parse(&descriptor.cmd).map(Wanted::Plan),
        DescriptorType::Unknown => Err(Problem::field("descriptor.type", "must be PATH or CMD")),
    }
}

fn parse_path(path: &[String]) -> Result<Selection, Problem> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let (target, rows) = match path.as_slice() {
        ["tokenizations", id, rows @ ..] => (Target::Tokenization(parse_id(id)?), rows),
        ["datasets", id, "raw", split, rows @ ..] if !split.is_empty() => {
            (Target::Raw { dataset: parse_id(id)?, split: (*split).to_owned() }, rows)
        }
        _ => return Err(bad_path()),
    };
    match rows {
        [] => Ok(Selection { target, start: 0, count: None }),
        ["rows", start, count] => {
            Ok(Selection { target, start: parse_number(start)?, count: Some(parse_number(count)?) })
        }
        _ => Err(bad_path()),
    }
}

fn bad_path() -> Problem {
    let forms = r#"must be ["tokenizations", id] or ["datasets", id, "raw", split], optionally followed by "rows", start, count"#;
    Problem::field("descriptor.path", forms)
}

fn parse_id<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::field("descriptor.path", format!("`{}` is not a UUID", shortened(text))))
}

fn parse_number(text: &str) -> Result<u64, Problem> {
    let bad = |_| Problem::field("descriptor.path", format!("`{}` is not a number of rows", shortened(text)));
    text.parse().map_err(bad)
}

/// Answers repeat what was sent, but not all of it.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataset_model::Reason;

    const ID: &str = "01900000-0000-7000-8000-000000000001";

    fn path(parts: &[&str]) -> Result<Selection, Problem> {
        parse_path(&parts.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn paths_select_rows() {
        let whole = path(&["tokenizations", ID]).unwrap();
        assert_eq!(whole, Selection { target: Target::Tokenization(ID.parse().unwrap()), start: 0, count: None });
        let rows = path(&["datasets", ID, "raw", "train", "rows", "5", "10"]).unwrap();
        let target = Target::Raw { dataset: ID.parse().unwrap(), split: "train".to_owned() };
        assert_eq!(rows, Selection { target, start: 5, count: Some(10) });
        for selection in [whole, rows] {
            let Wanted::Rows(again) = parse(&selection.target.descriptor()).unwrap() else { unreachable!() };
            assert_eq!(again.target, selection.target);
        }
    }

    #[test]
    fn everything_else_is_an_invalid_field() {
        let long = "x".repeat(100_000);
        for parts in [
            &[][..],
            &["tokenizations"],
            &["tokenizations", "../etc"],
            &["tokenizations", &long],
            &["tokenizations", ID, "rows"],
            &["tokenizations", ID, "rows", "-1", "2"],
            &["tokenizations", ID, "rows", "1", "2", "3"],
            &["datasets", ID],
            &["datasets", ID, "raw", ""],
            &["datasets", ID, "tokens", "train"],
        ] {
            let problem = path(parts).unwrap_err();
            assert_eq!(problem.reason, Reason::InvalidField, "{parts:?}");
            assert!(problem.detail.len() < 300, "{}", problem.detail);
        }
        let unknown = FlightDescriptor::default();
        assert_eq!(parse(&unknown).unwrap_err().reason, Reason::InvalidField);
        assert_eq!(parse(&FlightDescriptor::new_cmd("{}")).unwrap_err().reason, Reason::InvalidField);
    }
}
