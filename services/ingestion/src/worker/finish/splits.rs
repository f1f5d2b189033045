//! What the work tasks of a job committed, put together into splits, and the one schema that each split has.

use std::{collections::BTreeMap, sync::Arc};

use arrow_schema::{Schema, SchemaRef};
use catalog_client::CommittedTask;
use dataset_model::Shard;
use shard_store::ShardStore;

use crate::{
    convert::{
        ConvertError,
        schema::{Conflict, merge},
    },
    worker::{shards::ShardError, spec::WorkSummary},
};

/// A work task that is done, or what it did of one split.
pub(super) struct Done {
    pub ordinal: u32,
    pub summary: WorkSummary,
    pub shards: Vec<Shard>,
    /// What the shards have. Tasks without rows constrain nothing: their files may not even show columns.
    pub schema: Option<SchemaRef>,
}

/// A split with everything that makes it up, in order.
pub(super) struct Split {
    pub number: u32,
    pub name: String,
    pub commit: String,
    pub config: String,
    pub schema: SchemaRef,
    pub tasks: Vec<Done>,
}

/// By number; the tasks of each by ordinal, which is the order of the source. Blocking.
pub(super) fn splits(store: &ShardStore, committed: Vec<CommittedTask>) -> Result<Vec<Split>, ShardError> {
    let mut by_number: BTreeMap<u32, Vec<Done>> = BTreeMap::new();
    for task in committed {
        for done in Done::read(store, task)? {
            by_number.entry(done.summary.split_number).or_default().push(done);
        }
    }
    by_number.into_iter().map(|(number, tasks)| Ok(split(number, tasks)?)).collect()
}

impl Done {
    fn read(store: &ShardStore, task: CommittedTask) -> Result<Vec<Self>, ShardError> {
        let mut first: WorkSummary = serde_json::from_value(task.summary).map_err(ShardError::Summary)?;
        let then = std::mem::take(&mut first.then);
        let mut shards = task.shards;
        shards.sort_by_key(|shard| shard.n);
        let of = |summary: WorkSummary| {
            let own: Vec<Shard> = shards.iter().filter(|shard| shard.split == summary.split).cloned().collect();
            let schema = match (own.first(), &summary.schema) {
                (None, _) => None,
                (Some(_), Some(schema)) => Some(Arc::new(schema.clone())),
                (Some(shard), None) => Some(store.open_shard(&shard.key)?.schema()),
            };
            Ok(Self { ordinal: task.ordinal, summary, shards: own, schema })
        };
        std::iter::once(first).chain(then).map(of).collect()
    }

    pub(super) fn first_file(&self) -> &str {
        self.summary.files.first().map_or("", |file| &file.path)
    }
}

fn split(number: u32, tasks: Vec<Done>) -> Result<Split, ConvertError> {
    let mut common: Option<Schema> = None;
    for (n, task) in tasks.iter().enumerate() {
        common = match (common, &task.schema) {
            (common, None) => common,
            (None, Some(found)) => Some(found.as_ref().clone()),
            (Some(common), Some(found)) => {
                Some(merge(&common, found).map_err(|conflict| differ(&tasks[..n], task, found, conflict))?)
            }
        };
    }
    let declared = || tasks.iter().find_map(|task| task.summary.schema.clone()).unwrap_or_else(Schema::empty);
    let schema = Arc::new(common.unwrap_or_else(declared));
    let first = &tasks[0].summary;
    let (name, commit, config) = (first.split.clone(), first.commit.clone(), first.config.clone());
    Ok(Split { number, name, commit, config, schema, tasks })
}

/// Names the earlier files that contradict by themselves: what all of them widened to may be in none of them.
fn differ(earlier: &[Done], task: &Done, found: &Schema, conflict: Conflict) -> ConvertError {
    let with = |done: &Done| merge(done.schema.as_deref()?, found).err().map(|own| (done.first_file().to_owned(), own));
    let all = || (earlier.first().map_or("", Done::first_file).to_owned(), conflict);
    let (first, Conflict { column, left, right }) = earlier.iter().find_map(with).unwrap_or_else(all);
    ConvertError::SchemasDiffer { first, file: task.first_file().to_owned(), column, left, right }
}
