//! What a training run reads: (plan, rows of each source) → for each step the rows of each rank. Pure.
//!
//! The order of all rows is a function of the plan, so a step is all that a run must remember. The parts have their
//! specifications, by which a client in another language computes the same: [`permutation`], [`shuffle`], [`mixture`].
//!
//! # Specification of steps
//!
//! `G` is `global_batch_rows`, `W` is `world_size`, `n` the rows of a source.
//!
//! - One source: an epoch has `S` steps, `n / G` rounded down, or up with `drop_last` false. Step `s` belongs to epoch
//!   `epoch + s div S`; with `k = s mod S` it reads the positions `[k * G, min((k + 1) * G, n))` of that epoch's order.
//!   Without `end_step` the plan ends at `S`.
//! - Several: step `s` reads the positions `[s * G, (s + 1) * G)` of the mixture. A source's j-th row, counted from 0,
//!   is the row at position `j mod n` of the source's own epoch `epoch + j div n`.
//! - Of a step's `m` positions, rank `r` reads those from `m * r div W` to `m * (r + 1) div W`. So the ranks, in their
//!   order, give the same global batch for every `W`.

mod mixture;
mod permutation;
mod request;
mod shuffle;
#[cfg(test)]
mod tests;
mod verify;

use std::ops::{Deref, Range};
use std::sync::Arc;

use dataset_model::Problem;

pub(crate) use request::{ReadPlan, Source, from_json};
pub(crate) use shuffle::Shuffle;
pub(crate) use verify::{MAX_ROWS as MAX_VERIFIED_ROWS, Verdict};

use mixture::Mixture;
use request::Violations;
use shuffle::Order;

/// A plan that fits its sources.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    request: ReadPlan,
    /// Rows of each source.
    row_counts: Vec<u64>,
    steps: Steps,
    end_step: u64,
}

#[derive(Debug, Clone)]
enum Steps {
    /// One source: how many steps an epoch has.
    Epochs {
        steps: u64,
    },
    Mixed(Mixture),
}

/// A row of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Row {
    /// Its place in the plan's sources.
    pub(crate) source: usize,
    /// Counted from the source's first.
    pub(crate) row: u64,
}

/// What one step reads, over all ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// None when sources are mixed: each has its own.
    pub(crate) epoch: Option<u64>,
    pub(crate) positions: Range<u64>,
}

impl Plan {
    /// `row_counts` are those of the plan's sources, in their order.
    pub(crate) fn new(request: ReadPlan, row_counts: &[u64]) -> Result<Self, Problem> {
        request.check()?;
        let mut violations = Violations::default();
        for (n, _) in row_counts.iter().enumerate().filter(|(_, rows)| **rows == 0) {
            violations.add(format!("sources[{n}]"), "has no rows");
        }
        violations.into_result()?;
        let batch = u64::from(request.global_batch_rows);
        let (steps, end_step) = match row_counts {
            [rows] => {
                let steps = if request.drop_last { rows / batch } else { rows.div_ceil(batch) };
                if steps == 0 {
                    let problem = format!("is more than the {rows} rows of an epoch");
                    let next = "lower it, or set drop_last to false";
                    return Err(Problem::field("global_batch_rows", problem).next_step(next));
                }
                (Steps::Epochs { steps }, request.end_step.unwrap_or(steps))
            }
            _ => (Steps::Mixed(Mixture::new(&request.weights())), request.end_step.unwrap_or(0)),
        };
        if request.start_step > end_step {
            let problem = format!("{} is beyond the end of the epoch, {end_step}", request.start_step);
            return Err(Problem::field("start_step", problem).next_step("give end_step to go on into the next epoch"));
        }
        Ok(Self { request, row_counts: row_counts.to_vec(), steps, end_step })
    }

    pub(crate) fn request(&self) -> &ReadPlan {
        &self.request
    }

    pub(crate) fn row_counts(&self) -> &[u64] {
        &self.row_counts
    }

    /// The steps that the plan reads.
    pub(crate) fn steps(&self) -> Range<u64> {
        self.request.start_step..self.end_step
    }

    /// None when sources are mixed.
    pub(crate) fn steps_per_epoch(&self) -> Option<u64> {
        match self.steps {
            Steps::Epochs { steps } => Some(steps),
            Steps::Mixed(_) => None,
        }
    }

    /// Rows of an epoch that no step reads; 0 when sources are mixed.
    pub(crate) fn dropped_rows(&self) -> u64 {
        let read = |steps: u64| steps.saturating_mul(u64::from(self.request.global_batch_rows));
        self.steps_per_epoch().map_or(0, |steps| self.row_counts[0].saturating_sub(read(steps)))
    }

    /// How many rows each source has in a round of the mixture.
    pub(crate) fn shares(&self) -> Vec<u64> {
        match &self.steps {
            Steps::Epochs { .. } => vec![1],
            Steps::Mixed(mixture) => mixture.weights().to_vec(),
        }
    }

    /// What a step reads, whether or not the plan's own steps include it.
    pub(crate) fn step(&self, step: u64) -> Step {
        let batch = u64::from(self.request.global_batch_rows);
        match self.steps {
            Steps::Epochs { steps } => {
                let (epoch, start) = (self.request.epoch + step / steps, step % steps * batch);
                let end = (start + batch).min(self.row_counts[0]);
                Step { epoch: Some(epoch), positions: start..end }
            }
            Steps::Mixed(_) => Step { epoch: None, positions: step * batch..(step + 1) * batch },
        }
    }

    /// The part of a step's positions that is a rank's.
    pub(crate) fn slice(&self, step: &Step, rank: u32) -> Range<u64> {
        let Range { start, end } = step.positions;
        let (rows, rank, ranks) = (end - start, u64::from(rank), u64::from(self.request.world_size));
        start + rows * rank / ranks..start + rows * (rank + 1) / ranks
    }

    /// Rows that a rank reads in all steps of the plan.
    pub(crate) fn rows_of_rank(&self, rank: u32) -> u64 {
        let count = |step: u64| {
            let slice = self.slice(&self.step(step), rank);
            slice.end - slice.start
        };
        let steps = self.steps();
        match self.steps {
            // Only an epoch's last step may be short.
            Steps::Epochs { steps: per_epoch } if !steps.is_empty() => {
                let ends = steps.end / per_epoch - steps.start / per_epoch;
                let (full, last) = (self.full_slice(), count(per_epoch - 1));
                (steps.end - steps.start - ends) * full + ends * last
            }
            Steps::Epochs { .. } => 0,
            Steps::Mixed(_) => (steps.end - steps.start) * self.full_slice(),
        }
    }

    fn full_slice(&self) -> u64 {
        u64::from(self.request.global_batch_rows / self.request.world_size)
    }

    /// Rows that each source gave before a step of a mixed plan.
    fn had_before(&self, step: u64) -> Vec<u64> {
        let position = step * u64::from(self.request.global_batch_rows);
        match &self.steps {
            Steps::Epochs { .. } => vec![position],
            Steps::Mixed(mixture) => mixture.had_before(position),
        }
    }

    /// The rows of each epoch in turn when they are read as they lie: one source, unshuffled, whole, by one rank.
    pub(crate) fn stored_runs(self: &Arc<Self>) -> Option<impl Iterator<Item = Range<u64>> + use<>> {
        let (plan, request, steps) = (Arc::clone(self), &self.request, self.steps());
        let per_epoch = self.steps_per_epoch()?;
        let as_stored = request.shuffle == Shuffle::None && request.world_size == 1 && request.columns.is_empty();
        let epochs = steps.start / per_epoch..steps.end.div_ceil(per_epoch);
        let run = move |epoch: u64| {
            let (first, end) = (steps.start.max(epoch * per_epoch), steps.end.min((epoch + 1) * per_epoch));
            plan.step(first).positions.start..if first < end { plan.step(end - 1).positions.end } else { 0 }
        };
        as_stored.then(|| epochs.map(run).filter(|run| !run.is_empty()))
    }

    /// A walk over the plan's rows.
    pub(crate) fn walk(&self) -> Walk<&Self> {
        Walk::new(self)
    }
}

/// Computes rows; remembers each source's current epoch, since making its order costs more than using it.
#[derive(Debug)]
pub(crate) struct Walk<P> {
    plan: P,
    orders: Vec<Option<(u64, Order)>>,
}

impl<P: Deref<Target = Plan> + Clone> Walk<P> {
    pub(crate) fn new(plan: P) -> Self {
        Self { orders: vec![None; plan.row_counts.len()], plan }
    }

    /// The rows of a rank in a step, in their order, put behind those in `rows`.
    pub(crate) fn rows(&mut self, step: u64, rank: u32, rows: &mut Vec<Row>) {
        let step = self.plan.step(step);
        for position in self.plan.slice(&step, rank) {
            rows.push(self.row(step.epoch, position));
        }
    }

    /// All rows of a rank, step after step.
    pub(crate) fn of_rank(mut self, rank: u32) -> impl Iterator<Item = Row> {
        let plan = self.plan.clone();
        let positions = self.plan.steps().flat_map(move |number| {
            let step = plan.step(number);
            plan.slice(&step, rank).map(move |position| (step.epoch, position))
        });
        positions.map(move |(epoch, position)| self.row(epoch, position))
    }

    fn row(&mut self, epoch: Option<u64>, position: u64) -> Row {
        match (&self.plan.steps, epoch) {
            (Steps::Mixed(mixture), _) => {
                let (source, nth) = mixture.at(position);
                let rows = self.plan.row_counts[source];
                Row { source, row: self.order(source, self.plan.request.epoch + nth / rows).row(nth % rows) }
            }
            (Steps::Epochs { .. }, epoch) => Row { source: 0, row: self.order(0, epoch.unwrap_or(0)).row(position) },
        }
    }

    fn order(&mut self, source: usize, epoch: u64) -> &Order {
        let request = &self.plan.request;
        let make = || (epoch, Order::new(request.shuffle, self.plan.row_counts[source], (request.seed, source, epoch)));
        let known = &mut self.orders[source];
        if known.as_ref().is_some_and(|(current, _)| *current != epoch) {
            *known = None;
        }
        &known.get_or_insert_with(make).1
    }
}
