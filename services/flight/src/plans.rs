//! Read plans over Flight: what a plan is, its endpoints, its rows.

use std::sync::Arc;

use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo};
use arrow_schema::SchemaRef;
use dataset_model::Problem;
use serde::Serialize;

use crate::descriptor::Target;
use crate::error::ReadError;
use crate::message::Message;
use crate::plan::{Plan, ReadPlan};
use crate::service::{Flight, Stream};
use crate::{open, sources, stream as messages, ticket};

/// Endpoints in one answer; with more ranks each asks for its own.
const MAX_ENDPOINTS: u32 = 4096;

/// A plan in numbers: the answer to `DescribePlan`, and the `app_metadata` of its `FlightInfo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Description {
    pub(crate) start_step: u64,
    pub(crate) end_step: u64,
    /// None when sources are mixed: they have no common epoch.
    pub(crate) steps_per_epoch: Option<u64>,
    pub(crate) global_batch_rows: u32,
    pub(crate) world_size: u32,
    /// Rows of an epoch that no step reads.
    pub(crate) dropped_rows: u64,
    pub(crate) columns: Vec<String>,
    pub(crate) sources: Vec<DescribedSource>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DescribedSource {
    pub(crate) tokenization_id: String,
    pub(crate) rows: u64,
    /// Rows in each round of the mixture.
    pub(crate) share: u64,
}

impl Description {
    pub(crate) fn new(plan: &Plan, schema: &SchemaRef) -> Self {
        let request = plan.request();
        let sources = request.sources.iter().zip(plan.row_counts()).zip(plan.shares());
        let describe = |((source, rows), share): ((&crate::plan::Source, &u64), u64)| DescribedSource {
            tokenization_id: source.tokenization_id.to_string(),
            rows: *rows,
            share,
        };
        Self {
            start_step: plan.steps().start,
            end_step: plan.steps().end,
            steps_per_epoch: plan.steps_per_epoch(),
            global_batch_rows: request.global_batch_rows,
            world_size: request.world_size,
            dropped_rows: plan.dropped_rows(),
            columns: schema.fields().iter().map(|field| field.name().clone()).collect(),
            sources: sources.map(describe).collect(),
        }
    }
}

impl Flight {
    /// A plan with the schema of its rows and their mean size in bytes.
    pub(crate) async fn planned(&self, request: ReadPlan) -> Result<(Plan, SchemaRef, f64), ReadError> {
        let (plan, manifests) = sources::resolve(self.manifests(), request).await?;
        let mut schemas = Vec::with_capacity(manifests.len());
        for (source, manifest) in plan.request().sources.iter().zip(&manifests) {
            let target = Target::Tokenization(source.tokenization_id);
            schemas.push(open::schema_of(self.store(), self.manifests(), &target, manifest).await?);
        }
        let (schema, _) = sources::schema(plan.request(), &schemas)?;
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let mean = {
            let weighted = manifests.iter().zip(plan.shares()).map(|(manifest, share)| {
                let bytes: u64 = manifest.shards.iter().map(|shard| shard.size_bytes).sum();
                bytes as f64 / manifest.row_count() as f64 * share as f64
            });
            weighted.sum::<f64>() / plan.shares().iter().sum::<u64>() as f64
        };
        Ok((plan, schema, mean))
    }

    /// One endpoint for each rank, or only that of the plan's own.
    pub(crate) async fn info_of_plan(
        &self,
        request: ReadPlan,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, ReadError> {
        let ranks = request.rank.map_or(0..request.world_size, |rank| rank..rank + 1);
        if ranks.len() > MAX_ENDPOINTS as usize {
            let problem = format!("is required when world_size is above {MAX_ENDPOINTS}");
            return Err(Problem::field("rank", problem).into());
        }
        let (plan, schema, mean_bytes) = self.planned(request).await?;
        let now = service_kit::now();
        let endpoint = |rank: u32| {
            FlightEndpoint::new()
                .with_ticket(ticket::encode_plan(plan.request(), rank, now))
                .with_app_metadata(rank.to_string())
        };
        let rows = ranks.clone().fold(0u64, |sum, rank| sum.saturating_add(plan.rows_of_rank(rank)));
        let description = serde_json::to_vec(&Description::new(&plan, &schema)).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "an estimate")]
        let bytes = (rows as f64 * mean_bytes) as i64;
        FlightInfo::new()
            .try_with_schema(&schema)
            .map(|info| {
                info.with_descriptor(descriptor)
                    .with_endpoints(ranks.map(endpoint).collect())
                    .with_total_records(i64::try_from(rows).unwrap_or(-1))
                    .with_total_bytes(bytes)
                    .with_app_metadata(description)
            })
            .map_err(|source| ReadError::Encode { target: target_of(&plan), source })
    }

    /// The rows of a rank, schema first. The plan comes from a ticket and has its rank.
    pub(crate) async fn rows_of_plan(&self, request: ReadPlan) -> Result<Stream<Message>, ReadError> {
        let rank = request.rank.unwrap_or(0);
        let open = Arc::new(self.shelf().open(self.store(), self.manifests(), request).await?);
        let (opened, schema) = (self.shelf().clone(), Arc::clone(&open.schema));
        let mut messages = messages::planned(open, rank);
        messages.each = Box::new(messages.each.inspect(move |message| {
            if let Err(error) = message
                && let Some(damaged) = error.damaged_target()
            {
                opened.forget(&damaged);
            }
        }));
        Ok(self.turns().stream(&schema, messages))
    }
}

pub(crate) fn target_of(plan: &Plan) -> Target {
    // A plan has at least one source.
    Target::Tokenization(plan.request().sources[0].tokenization_id)
}
