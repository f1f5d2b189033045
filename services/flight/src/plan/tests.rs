//! What a plan promises, over random plans, and the examples that other implementations are checked with.

use std::collections::HashMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

const VECTORS: &str = include_str!("../../../../proto/tokenmill/flight/v1/read_plan_vectors.json");

#[derive(Deserialize)]
struct Vectors {
    plans: Vec<Example>,
}

#[derive(Deserialize)]
struct Example {
    plan: serde_json::Value,
    row_counts: Vec<u64>,
    /// Step → rows of each rank as (source, row).
    steps: HashMap<u64, Vec<Vec<(usize, u64)>>>,
}

fn source(n: usize, weight: u32) -> serde_json::Value {
    serde_json::json!({"tokenization_id": format!("01900000-0000-7000-8000-{n:012}"), "weight": weight})
}

fn rows_of(walk: &mut Walk<&Plan>, step: u64, rank: u32) -> Vec<Row> {
    let mut rows = Vec::new();
    walk.rows(step, rank, &mut rows);
    rows
}

fn global(plan: &Plan, step: u64) -> Vec<Row> {
    let mut walk = plan.walk();
    (0..plan.request.world_size).flat_map(|rank| rows_of(&mut walk, step, rank)).collect()
}

#[test]
fn the_examples() {
    let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
    let mut compared = 0;
    for example in vectors.plans {
        let request = ReadPlan::parse(example.plan.to_string().as_bytes()).unwrap();
        let plan = Plan::new(request, &example.row_counts).unwrap();
        let mut walk = plan.walk();
        for (step, ranks) in example.steps {
            assert_eq!(ranks.len(), plan.request.world_size as usize);
            for (rank, expected) in (0..).zip(ranks) {
                let rows: Vec<_> =
                    rows_of(&mut walk, step, rank).into_iter().map(|row| (row.source, row.row)).collect();
                assert_eq!(rows, expected, "{}, step {step}, rank {rank}", example.plan);
                compared += rows.len();
            }
        }
    }
    println!("{compared} rows compared");
    assert!(compared > 1000);
}

/// Plans of one to four sources, and rows of each.
fn plans() -> impl Strategy<Value = (ReadPlan, Vec<u64>)> {
    let shuffle =
        prop_oneof![Just(Shuffle::None), Just(Shuffle::Global), (1u32..40).prop_map(|rows| Shuffle::Block { rows })];
    let sources = prop::collection::vec((1u64..400, 1u32..9), 1..5);
    (sources, any::<u64>(), 0u64..1000, shuffle, 1u32..5, 1u32..9, any::<bool>()).prop_map(
        |(sources, seed, epoch, shuffle, per_rank, world_size, drop_last)| {
            let batch = u64::from(per_rank * world_size);
            let rows: Vec<u64> = sources.iter().map(|(rows, _)| rows + batch).collect();
            let listed: Vec<_> = sources.iter().enumerate().map(|(n, (_, weight))| source(n, *weight)).collect();
            let json = serde_json::json!({
                "sources": listed, "seed": seed, "epoch": epoch, "shuffle": shuffle, "global_batch_rows": batch,
                "world_size": world_size, "drop_last": drop_last, "end_step": 4 * rows[0] / batch,
            });
            (ReadPlan::parse(json.to_string().as_bytes()).unwrap(), rows)
        },
    )
}

proptest! {
    #[test]
    fn each_epoch_reads_each_row_once((request, rows) in plans()) {
        let plan = Plan::new(request, &rows).unwrap();
        // Counted by hand, not by `verify`: how often each row of each source came, epoch by epoch.
        let mut position = vec![0u64; rows.len()];
        let mut seen: HashMap<(usize, u64, u64), u32> = HashMap::new();
        for step in plan.steps() {
            for row in global(&plan, step) {
                prop_assert!(row.row < rows[row.source]);
                let epoch = plan.step(step).epoch.unwrap_or(position[row.source] / rows[row.source]);
                position[row.source] += 1;
                *seen.entry((row.source, epoch, row.row)).or_default() += 1;
            }
        }
        prop_assert!(seen.values().all(|count| *count == 1));
        let batch = u64::from(plan.request.global_batch_rows);
        if let Some(per_epoch) = plan.steps_per_epoch() {
            // The plan's steps may end inside an epoch.
            for epoch in 0..plan.steps().end / per_epoch {
                let read = seen.keys().filter(|key| key.1 == plan.request.epoch + epoch).count() as u64;
                prop_assert_eq!(read, rows[0] - plan.dropped_rows());
                let is_whole = if plan.request.drop_last { rows[0] - read < batch } else { read == rows[0] };
                prop_assert!(is_whole);
            }
        }
        prop_assert!(plan.verify().exactly_once);
    }

    #[test]
    fn every_world_size_gives_the_same_global_batches((request, rows) in plans()) {
        let plan = Plan::new(request.clone(), &rows).unwrap();
        for world_size in (1..=request.global_batch_rows).filter(|w| request.global_batch_rows.is_multiple_of(*w)) {
            let other = Plan::new(ReadPlan { world_size, ..request.clone() }, &rows).unwrap();
            for step in plan.steps().step_by(3) {
                prop_assert_eq!(global(&plan, step), global(&other, step));
            }
        }
    }

    #[test]
    fn a_later_start_is_a_suffix((request, rows) in plans(), part in 0.0..1.0f64) {
        let whole = Plan::new(request.clone(), &rows).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a random step")]
        let start_step = (whole.steps().end as f64 * part) as u64;
        let later = Plan::new(ReadPlan { start_step, ..request.clone() }, &rows).unwrap();
        let stream = |plan: &Plan, rank| {
            let mut walk = plan.walk();
            plan.steps().flat_map(|step| rows_of(&mut walk, step, rank)).collect::<Vec<_>>()
        };
        for rank in 0..request.world_size {
            let (all, suffix) = (stream(&whole, rank), stream(&later, rank));
            prop_assert_eq!(&all[all.len() - suffix.len()..], &suffix[..]);
            prop_assert_eq!(suffix.len() as u64, later.rows_of_rank(rank));
            prop_assert_eq!(all.len() as u64, whole.rows_of_rank(rank));
            prop_assert_eq!(suffix, later.walk().of_rank(rank).collect::<Vec<_>>());
        }
    }

    #[test]
    fn stored_runs_are_the_same_rows(rows in 10u64..200, batch in 1u32..10, start in 0u64..20, more in 0u64..50, drop_last: bool) {
        let json = serde_json::json!({"sources": [source(0, 1)], "global_batch_rows": batch, "start_step": start,
            "end_step": start + more, "drop_last": drop_last});
        let plan = std::sync::Arc::new(Plan::new(ReadPlan::parse(json.to_string().as_bytes()).unwrap(), &[rows]).unwrap());
        let runs: Vec<u64> = plan.stored_runs().unwrap().flatten().collect();
        prop_assert_eq!(runs, plan.walk().of_rank(0).map(|row| row.row).collect::<Vec<_>>());
    }

    #[test]
    fn mixing_stays_within_a_row((request, rows) in plans()) {
        prop_assume!(rows.len() > 1);
        let plan = Plan::new(request, &rows).unwrap();
        let shares = plan.shares();
        let sum: u64 = shares.iter().sum();
        let (mut had, mut all) = (vec![0u64; rows.len()], 0u64);
        for row in plan.steps().flat_map(|step| global(&plan, step)) {
            had[row.source] += 1;
            all += 1;
            for (share, count) in shares.iter().zip(&had) {
                prop_assert!((share * all).abs_diff(count * sum) < sum, "{:?} of {} by {:?}", had, all, shares);
            }
        }
    }
}

#[test]
fn a_proof_sees_what_is_wrong() {
    let json =
        serde_json::json!({"sources": [source(0, 1)], "global_batch_rows": 8, "world_size": 4, "shuffle": "global"});
    let mut plan = Plan::new(ReadPlan::parse(json.to_string().as_bytes()).unwrap(), &[101]).unwrap();
    let verdict = plan.verify();
    assert!(verdict.exactly_once);
    assert_eq!((verdict.rows_read, verdict.dropped_rows, verdict.dropped.len()), (96, 5, 5));
    // Steps that leave more out than the tail.
    plan.request.global_batch_rows = 4;
    let verdict = plan.verify();
    assert!(!verdict.exactly_once);
    assert_eq!((verdict.rows_read, verdict.missing_rows), (48, 52));
}

#[test]
fn what_does_not_fit_the_sources_is_refused() {
    let parse = |json: serde_json::Value| ReadPlan::parse(json.to_string().as_bytes()).unwrap();
    let one = |extra: serde_json::Value| {
        let mut json = serde_json::json!({"sources": [source(0, 1)], "global_batch_rows": 10});
        json.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        parse(json)
    };
    let field = |plan: ReadPlan, rows: &[u64]| Plan::new(plan, rows).unwrap_err().errors[0].field.clone();
    assert_eq!(field(one(serde_json::json!({})), &[9]), "global_batch_rows");
    assert_eq!(field(one(serde_json::json!({})), &[0]), "sources[0]");
    assert_eq!(field(one(serde_json::json!({"start_step": 11})), &[100]), "start_step");
    assert_eq!(Plan::new(one(serde_json::json!({"start_step": 10})), &[100]).unwrap().steps(), 10..10);
    let short = Plan::new(one(serde_json::json!({"drop_last": false})), &[9]).unwrap();
    assert_eq!((short.steps(), short.step(0).positions), (0..1, 0..9));
}
