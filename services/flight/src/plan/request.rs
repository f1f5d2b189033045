//! What a client asks for: a read plan as protobuf or as JSON with the same field names, decided by the first byte.
//!
//! `{` is JSON: in protobuf it would begin a group, which no plan has. What can be refused without knowing the sources
//! is refused here, all fields at once.

use std::collections::HashSet;

use dataset_model::{FieldViolation, Problem, Reason, TokenizationId};
use dataset_proto::flight as proto;
use dataset_proto::flight::shuffle::Order;
use prost::Message;
use serde::{Deserialize, Serialize};

use super::mixture::{MAX_PERIOD, reduced};
use super::shuffle::Shuffle;

/// Bounds of what a ticket carries.
const MAX_SOURCES: usize = 64;
const MAX_COLUMNS: usize = 64;
const MAX_COLUMN_NAME: usize = 128;
/// Positions and epochs are counted in 64 bits with room for sums.
const MAX_COUNT: u64 = 1 << 62;

/// A plan as it was asked for. Its `serde` form is the JSON form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadPlan {
    pub(crate) sources: Vec<Source>,
    #[serde(default)]
    pub(crate) seed: u64,
    #[serde(default)]
    pub(crate) epoch: u64,
    #[serde(default)]
    pub(crate) shuffle: Shuffle,
    pub(crate) global_batch_rows: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rank: Option<u32>,
    #[serde(default = "one")]
    pub(crate) world_size: u32,
    #[serde(default)]
    pub(crate) start_step: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end_step: Option<u64>,
    #[serde(default = "yes")]
    pub(crate) drop_last: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) columns: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) tokenization_id: TokenizationId,
    #[serde(default = "one")]
    pub(crate) weight: u32,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

/// Collects refused fields.
#[derive(Debug, Default)]
pub(super) struct Violations(Vec<FieldViolation>);

impl Violations {
    pub(super) fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(FieldViolation { field: field.into(), description: description.into() });
    }

    pub(super) fn into_result(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::fields(self.0)) }
    }
}

/// Reads JSON of any of our messages; the problem names the field.
pub(crate) fn from_json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    // A struct is read from an array too, position by position, which nobody means.
    if bytes.first() != Some(&b'{') {
        return Err(Problem::new(Reason::MalformedBody, "must be a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| match error.path().to_string() {
        path if error.inner().is_data() && path != "." => Problem::field(&path, error.inner().to_string()),
        _ if error.inner().is_data() => Problem::field("plan", error.inner().to_string()),
        _ => Problem::new(Reason::MalformedBody, error.inner().to_string()),
    })?;
    json.end().map_err(|error| Problem::new(Reason::MalformedBody, error.to_string()))?;
    Ok(value)
}

impl ReadPlan {
    /// The plan in a `CMD` descriptor.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let plan = if bytes.first() == Some(&b'{') {
            from_json(bytes)?
        } else {
            let message = proto::ReadPlan::decode(bytes).map_err(|_| {
                Problem::field("descriptor.cmd", "is not a ReadPlan").next_step("send it as protobuf or as JSON")
            })?;
            Self::from_proto(message)?
        };
        plan.check()?;
        Ok(plan)
    }

    pub(crate) fn from_proto(message: proto::ReadPlan) -> Result<Self, Problem> {
        let mut violations = Violations::default();
        let sources = message.sources.into_iter().enumerate().filter_map(|(n, source)| {
            let id = source.tokenization_id.parse();
            if id.is_err() {
                violations.add(format!("sources[{n}].tokenization_id"), "is not a UUID");
            }
            Some(Source { tokenization_id: id.ok()?, weight: source.weight })
        });
        let sources = sources.collect();
        let shuffle = match message.shuffle.and_then(|shuffle| shuffle.order) {
            None | Some(Order::None(true)) => Shuffle::None,
            Some(Order::Global(true)) => Shuffle::Global,
            Some(Order::Block(block)) => Shuffle::Block { rows: block.rows },
            Some(Order::None(false) | Order::Global(false)) => {
                violations.add("shuffle", "must name one order, which is then true");
                Shuffle::None
            }
        };
        violations.into_result()?;
        Ok(Self {
            sources,
            seed: message.seed,
            epoch: message.epoch,
            shuffle,
            global_batch_rows: message.global_batch_rows,
            rank: message.rank,
            world_size: message.world_size,
            start_step: message.start_step,
            end_step: message.end_step,
            drop_last: message.drop_last.unwrap_or(true),
            columns: message.columns,
        })
    }

    pub(crate) fn to_proto(&self) -> proto::ReadPlan {
        let order = match self.shuffle {
            Shuffle::None => Order::None(true),
            Shuffle::Global => Order::Global(true),
            Shuffle::Block { rows } => Order::Block(proto::Block { rows }),
        };
        let source = |source: &Source| proto::Source {
            tokenization_id: source.tokenization_id.to_string(),
            weight: source.weight,
        };
        proto::ReadPlan {
            sources: self.sources.iter().map(source).collect(),
            seed: self.seed,
            epoch: self.epoch,
            shuffle: Some(proto::Shuffle { order: Some(order) }),
            global_batch_rows: self.global_batch_rows,
            rank: self.rank,
            world_size: self.world_size,
            start_step: self.start_step,
            end_step: self.end_step,
            drop_last: Some(self.drop_last),
            columns: self.columns.clone(),
        }
    }

    /// Everything that can be refused without knowing the sources.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let mut violations = Violations::default();
        self.check_sources(&mut violations);
        self.check_ranks(&mut violations);
        self.check_steps(&mut violations);
        if let Shuffle::Block { rows: 0 } = self.shuffle {
            violations.add("shuffle.block.rows", "must be at least 1");
        }
        if self.columns.len() > MAX_COLUMNS || self.columns.iter().any(|name| name.len() > MAX_COLUMN_NAME) {
            violations.add("columns", format!("must be at most {MAX_COLUMNS} names of {MAX_COLUMN_NAME} bytes"));
        }
        let mut seen = HashSet::new();
        for name in self.columns.iter().filter(|name| !seen.insert(*name)).take(1) {
            violations.add("columns", format!("`{}` is given twice", name.chars().take(64).collect::<String>()));
        }
        violations.into_result()
    }

    fn check_sources(&self, violations: &mut Violations) {
        if !(1..=MAX_SOURCES).contains(&self.sources.len()) {
            violations.add("sources", format!("must be 1 to {MAX_SOURCES} sources, not {}", self.sources.len()));
            return;
        }
        let mut seen = HashSet::new();
        for (n, source) in self.sources.iter().enumerate() {
            if source.weight == 0 {
                violations.add(format!("sources[{n}].weight"), "must be at least 1");
            }
            if !seen.insert(source.tokenization_id) {
                violations.add(format!("sources[{n}].tokenization_id"), "is given twice; raise its weight instead");
            }
        }
        let period: u64 = reduced(&self.weights()).iter().sum();
        if period > MAX_PERIOD {
            violations
                .add("sources", format!("the weights, reduced, sum to {period}; at most {MAX_PERIOD} is possible"));
        }
    }

    fn check_ranks(&self, violations: &mut Violations) {
        if self.global_batch_rows == 0 {
            violations.add("global_batch_rows", "must be at least 1");
        }
        if self.world_size == 0 {
            violations.add("world_size", "must be at least 1");
        } else if !self.global_batch_rows.is_multiple_of(self.world_size) {
            let description =
                format!("{} does not divide global_batch_rows {}", self.world_size, self.global_batch_rows);
            violations.add("world_size", description);
        }
        if let Some(rank) = self.rank.filter(|rank| *rank >= self.world_size) {
            violations.add("rank", format!("{rank} is not below world_size {}", self.world_size));
        }
    }

    fn check_steps(&self, violations: &mut Violations) {
        if self.epoch > MAX_COUNT {
            violations.add("epoch", "is too large");
        }
        let Some(end) = self.end_step else {
            if self.sources.len() > 1 {
                violations.add("end_step", "is required when several sources are mixed: they have no common epoch");
            }
            return;
        };
        if self.start_step > end {
            violations.add("start_step", format!("{} is beyond end_step {end}", self.start_step));
        }
        if end.checked_mul(u64::from(self.global_batch_rows)).is_none_or(|rows| rows > MAX_COUNT) {
            violations.add("end_step", "is too large");
        }
    }

    pub(crate) fn weights(&self) -> Vec<u32> {
        self.sources.iter().map(|source| source.weight).collect()
    }

    /// The same plan for one rank.
    pub(crate) fn of_rank(&self, rank: u32) -> Self {
        Self { rank: Some(rank), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "01900000-0000-7000-8000-00000000000a";
    const B: &str = "01900000-0000-7000-8000-00000000000b";

    fn full() -> String {
        format!(
            r#"{{"sources": [{{"tokenization_id": "{A}", "weight": 3}}, {{"tokenization_id": "{B}"}}],
            "seed": 18446744073709551615, "epoch": 2, "shuffle": {{"block": {{"rows": 64}}}}, "global_batch_rows": 24,
            "rank": 1, "world_size": 8, "start_step": 5, "end_step": 9, "drop_last": false, "columns": ["input_ids"]}}"#
        )
    }

    #[test]
    fn both_forms_say_the_same() {
        let plan = ReadPlan::parse(full().as_bytes()).unwrap();
        assert_eq!((plan.seed, plan.weights()), (u64::MAX, vec![3, 1]));
        assert_eq!(ReadPlan::parse(&plan.to_proto().encode_to_vec()).unwrap(), plan);
        assert_eq!(ReadPlan::parse(&serde_json::to_vec(&plan).unwrap()).unwrap(), plan);
        let shortest = format!(r#"{{"sources": [{{"tokenization_id": "{A}"}}], "global_batch_rows": 1}}"#);
        let plan = ReadPlan::parse(shortest.as_bytes()).unwrap();
        assert_eq!((plan.shuffle, plan.world_size, plan.rank, plan.drop_last), (Shuffle::None, 1, None, true));
    }

    #[test]
    fn bad_fields_are_named() {
        let cases = [
            (r#""rank": 1"#, r#""rank": 8"#, "rank"),
            (r#""rank": 1"#, r#""rank": -1"#, "rank"),
            (r#""world_size": 8"#, r#""world_size": 0"#, "world_size"),
            (r#""world_size": 8"#, r#""world_size": 7"#, "world_size"),
            (r#""global_batch_rows": 24"#, r#""global_batch_rows": 0"#, "global_batch_rows"),
            (r#""weight": 3"#, r#""weight": 0"#, "sources[0].weight"),
            (r#""weight": 3"#, r#""weight": -3"#, "sources[0].weight"),
            (r#""weight": 3"#, r#""weight": 65536"#, "sources"),
            (B, A, "sources[1].tokenization_id"),
            (A, "x", "sources[0].tokenization_id"),
            (r#""end_step": 9"#, r#""end_step": 4"#, "start_step"),
            (r#""end_step": 9"#, r#""end_step": 18446744073709551615"#, "end_step"),
            (r#", "end_step": 9"#, "", "end_step"),
            (r#""epoch": 2"#, r#""epoch": 18446744073709551615"#, "epoch"),
            (r#""rows": 64"#, r#""rows": 0"#, "shuffle.block.rows"),
            (r#""columns": ["input_ids"]"#, r#""columns": ["a", "a"]"#, "columns"),
            (r#""seed": 18446744073709551615"#, r#""seed": 18446744073709551616"#, "seed"),
            (r#""epoch": 2"#, r#""epochs": 2"#, "epochs"),
        ];
        for (good, bad, field) in cases {
            let json = full().replace(good, bad);
            assert_ne!(json, full());
            let problem = ReadPlan::parse(json.as_bytes()).unwrap_err();
            assert_eq!(problem.reason, Reason::InvalidField, "{bad}");
            assert!(problem.errors.iter().any(|error| error.field == field), "{bad}: {problem:?}");
        }
        println!("{} fields", cases.len());
    }

    #[test]
    fn foreign_bytes_are_no_plan() {
        for bytes in [&b""[..], b"{", b"{}", b"[]", b"{\"sources\": 1}", b"garbage", &[0xff; 300], b"{} x"] {
            let problem = ReadPlan::parse(bytes).unwrap_err();
            assert!(matches!(problem.reason, Reason::InvalidField | Reason::MalformedBody), "{bytes:?}: {problem}");
        }
    }
}
