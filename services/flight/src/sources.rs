//! The sources of a read plan: their shards, open, and the plan that fits them.
//!
//! All shards are opened before the first row is sent, so that a delete takes nothing away from a stream that began.
//! Streams of one tokenization share what is open: a file and a map for each shard, whatever the number of ranks. It
//! stays open for a while, since ranks come one after the other, and each map has to be filled with pages anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arrow_schema::{Schema, SchemaRef};
use dataset_model::{Problem, TokenizationId};
use service_kit::Lifecycle;
use shard_store::{ShardReader, ShardStore};

use crate::batches::Batches;
use crate::descriptor::Target;
use crate::error::ReadError;
use crate::manifest::{Manifest, Manifests};
use crate::open;
use crate::plan::{Plan, ReadPlan};

/// A tokenization whose shards are open.
#[derive(Debug)]
pub(crate) struct OpenSource {
    pub(crate) target: Target,
    pub(crate) manifest: Arc<Manifest>,
    /// In the order of the manifest.
    pub(crate) readers: Vec<ShardReader>,
    pub(crate) batches: Batches,
}

/// A plan and what it reads.
#[derive(Debug)]
pub(crate) struct OpenPlan {
    pub(crate) plan: Arc<Plan>,
    pub(crate) sources: Vec<Arc<OpenSource>>,
    /// Of the columns that the plan names.
    pub(crate) schema: SchemaRef,
    /// Their places in the stored schema.
    pub(crate) columns: Vec<usize>,
}

/// So long after it was asked for, a source that nobody reads is closed, and the space of a deleted one is free.
const LINGER: Duration = Duration::from_secs(10);

/// What is open now.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    known: Arc<Mutex<HashMap<TokenizationId, Weak<OpenSource>>>>,
    lifecycle: Lifecycle,
}

/// The plan of a request; the catalog's refusal when a source is unknown, deleted or not ready.
pub(crate) async fn resolve(manifests: &Manifests, request: ReadPlan) -> Result<(Plan, Vec<Arc<Manifest>>), ReadError> {
    // Before anything is asked about it.
    request.check()?;
    let mut sources = Vec::with_capacity(request.sources.len());
    for (n, source) in request.sources.iter().enumerate() {
        let manifest = manifests.of(&Target::Tokenization(source.tokenization_id)).await;
        sources.push(manifest.map_err(|problem| at_source(n, problem))?);
    }
    let row_counts: Vec<u64> = sources.iter().map(|manifest| manifest.row_count()).collect();
    Ok((Plan::new(request, &row_counts)?, sources))
}

/// Says which of the sources the catalog refused.
fn at_source(n: usize, mut problem: Problem) -> Problem {
    if problem.errors.is_empty() {
        let (field, description) = (format!("sources[{n}].tokenization_id"), problem.detail.clone());
        problem.errors.push(dataset_model::FieldViolation { field, description });
    }
    problem
}

impl Shelf {
    pub(crate) fn new(lifecycle: Lifecycle) -> Self {
        Self { known: Arc::default(), lifecycle }
    }

    /// Opens everything that a plan reads.
    pub(crate) async fn open(
        &self,
        store: &ShardStore,
        manifests: &Manifests,
        request: ReadPlan,
    ) -> Result<OpenPlan, ReadError> {
        let (plan, found) = resolve(manifests, request).await?;
        let mut sources = Vec::with_capacity(found.len());
        for (source, manifest) in plan.request().sources.iter().zip(found) {
            sources.push(self.source(store, manifests, source.tokenization_id, manifest).await?);
        }
        let schemas: Vec<SchemaRef> = sources.iter().filter_map(|s| Some(s.readers.first()?.schema())).collect();
        let (schema, columns) = schema(plan.request(), &schemas)?;
        Ok(OpenPlan { plan: Arc::new(plan), sources, schema, columns })
    }

    async fn source(
        &self,
        store: &ShardStore,
        manifests: &Manifests,
        id: TokenizationId,
        manifest: Arc<Manifest>,
    ) -> Result<Arc<OpenSource>, ReadError> {
        let known = self.lock().get(&id).and_then(Weak::upgrade);
        if let Some(open) = known {
            self.keep(&open);
            return Ok(open);
        }
        let target = Target::Tokenization(id);
        let readers = open::all(store, manifests, &target, &manifest).await?;
        let batches = Batches::new(&readers);
        let open = Arc::new(OpenSource { target, manifest, readers, batches });
        let mut known = self.lock();
        known.retain(|_, open| open.strong_count() > 0);
        known.insert(id, Arc::downgrade(&open));
        drop(known);
        self.keep(&open);
        Ok(open)
    }

    fn keep(&self, open: &Arc<OpenSource>) {
        let (open, soft) = (Arc::clone(open), self.lifecycle.soft().clone());
        self.lifecycle.spawn("open source", async move {
            let _ = tokio::time::timeout(LINGER, soft.cancelled()).await;
            drop(open);
        });
    }

    /// Files that turned out damaged are opened anew by the next stream, in case somebody restored them.
    pub(crate) fn forget(&self, target: &Target) {
        if let Target::Tokenization(id) = target {
            self.lock().remove(id);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TokenizationId, Weak<OpenSource>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The columns that a plan reads, of sources that must have the same and come from one tokenizer.
pub(crate) fn schema(request: &ReadPlan, sources: &[SchemaRef]) -> Result<(SchemaRef, Vec<usize>), Problem> {
    let Some(first) = sources.first() else { return Ok((Schema::empty().into(), Vec::new())) };
    for (n, other) in sources.iter().enumerate().skip(1) {
        if other.fields() != first.fields() {
            return Err(Problem::field(&format!("sources[{n}]"), "has other columns than the first source"));
        }
        if other.metadata().get("tokenizer_sha256") != first.metadata().get("tokenizer_sha256") {
            return Err(Problem::field(
                &format!("sources[{n}]"),
                "was made by another tokenizer than the first source",
            ));
        }
    }
    let columns: Vec<usize> = if request.columns.is_empty() {
        (0..first.fields().len()).collect()
    } else {
        let names = || first.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
        let unknown = |_| Problem::field("columns", format!("must be among {}", names()));
        request.columns.iter().map(|name| first.index_of(name).map_err(unknown)).collect::<Result<_, _>>()?
    };
    let fields: Vec<_> = columns.iter().map(|column| Arc::clone(&first.fields()[*column])).collect();
    // What a mixture's metadata says of one source need not hold for the others.
    let common =
        first.metadata().iter().filter(|(key, value)| sources.iter().all(|s| s.metadata().get(key) == Some(*value)));
    let metadata = common.map(|(key, value)| (key.clone(), value.clone()));
    let metadata: HashMap<String, String> = metadata.collect();
    Ok((Schema::new_with_metadata(fields, metadata).into(), columns))
}
