//! Which shards a target has: the catalog's word, remembered.
//!
//! A ready target never changes, so its shards are listed once; every later use asks the catalog for one shard, which
//! is what makes a deleted target unreadable at once. Cutting rows out of shards is pure.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use catalog_client::{CatalogClient, ShardOwner};
use dataset_model::{Problem, Shard};
use dataset_proto::catalog::{ListShardsRequest, list_shards_request::Owner};
use dataset_proto::status::from_status;

use crate::descriptor::Target;

/// Targets remembered at once; a target of 1,000 shards takes about 2 MB.
const MAX_REMEMBERED: usize = 64;

/// The shards of a ready target, in order.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    pub(crate) shards: Vec<Shard>,
    /// First row of each shard, and the number of rows at the end.
    starts: Vec<u64>,
}

/// Rows of one shard, counted from the shard's first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShardRows {
    /// Position in the manifest.
    pub(crate) ordinal: usize,
    pub(crate) rows: Range<u64>,
}

impl Manifest {
    fn new(shards: Vec<Shard>) -> Self {
        let mut starts = vec![0];
        let mut total: u64 = 0;
        for shard in &shards {
            total = total.saturating_add(shard.row_count);
            starts.push(total);
        }
        Self { shards, starts }
    }

    pub(crate) fn row_count(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The first row of a shard, counted from the target's first.
    pub(crate) fn start_of(&self, ordinal: usize) -> u64 {
        self.starts[ordinal]
    }

    /// The shard that holds a row of the target, and the row's number in it.
    pub(crate) fn place_of(&self, row: u64) -> Option<(usize, u64)> {
        if row >= self.row_count() {
            return None;
        }
        // The first shard that ends behind the row: empty ones end before it.
        let ordinal = self.starts.partition_point(|start| *start <= row) - 1;
        Some((ordinal, row - self.starts[ordinal]))
    }

    /// The part of rows `start..start + count` that exists, shard by shard; none of the parts is empty.
    pub(crate) fn cut(&self, start: u64, count: Option<u64>) -> Vec<ShardRows> {
        let end = count.map_or(u64::MAX, |count| start.saturating_add(count)).min(self.row_count());
        let shards = self.starts.windows(2).enumerate();
        let overlap = shards.map(|(ordinal, bounds)| {
            let (from, to) = (start.max(bounds[0]), end.min(bounds[1]));
            ShardRows { ordinal, rows: from.saturating_sub(bounds[0])..to.saturating_sub(bounds[0]) }
        });
        overlap.filter(|part| part.rows.start < part.rows.end).collect()
    }
}

/// Asks the catalog, and remembers.
#[derive(Debug, Clone)]
pub(crate) struct Manifests {
    catalog: CatalogClient,
    known: Arc<Mutex<HashMap<Target, Arc<Manifest>>>>,
}

impl Manifests {
    pub(crate) fn new(catalog: CatalogClient) -> Self {
        Self { catalog, known: Arc::default() }
    }

    pub(crate) fn catalog(&self) -> &CatalogClient {
        &self.catalog
    }

    /// The shards of `target`; the catalog's own refusal when it is unknown, deleted or not ready.
    pub(crate) async fn of(&self, target: &Target) -> Result<Arc<Manifest>, Problem> {
        let known = self.lock().get(target).cloned();
        if let Some(manifest) = known
            && self.still_stands(target, &manifest).await?
        {
            return Ok(manifest);
        }
        let shards = match target {
            Target::Tokenization(id) => self.catalog.list_shards(ShardOwner::Tokenization(*id), None).await?,
            Target::Raw { dataset, split } => {
                self.catalog.list_shards(ShardOwner::Dataset(*dataset), Some(split)).await?
            }
        };
        let manifest = Arc::new(Manifest::new(shards));
        let mut known = self.lock();
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        known.insert(target.clone(), Arc::clone(&manifest));
        Ok(manifest)
    }

    /// Whether the catalog still gives the first shard that is remembered; a target without shards is asked for anew.
    async fn still_stands(&self, target: &Target, manifest: &Manifest) -> Result<bool, Problem> {
        let (owner, split) = match target {
            Target::Tokenization(id) => (Owner::TokenizationId(id.to_string()), None),
            Target::Raw { dataset, split } => (Owner::DatasetId(dataset.to_string()), Some(split.clone())),
        };
        let message = ListShardsRequest { owner: Some(owner), split, page_size: 1, page_token: String::new() };
        let answer = self.catalog.datasets().list_shards(catalog_client::request(message)).await;
        let first = answer.map_err(|status| {
            self.lock().remove(target);
            from_status(&status)
        })?;
        let first = first.into_inner().shards.into_iter().next().map(|shard| shard.key);
        Ok(first.is_some() && first.as_ref() == manifest.shards.first().map(|shard| &shard.key))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Target, Arc<Manifest>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(rows: &[u64]) -> Manifest {
        let shard = |&row_count| Shard {
            key: String::new(),
            split: String::new(),
            n: 0,
            row_count,
            size_bytes: 0,
            sha256: [0; 32],
            batch_digests: Vec::new(),
            sources: Vec::new(),
            ordinal: None,
            row_start: None,
        };
        Manifest::new(rows.iter().map(shard).collect())
    }

    #[test]
    fn rows_are_cut_at_shards() {
        let manifest = manifest(&[10, 0, 5]);
        let part = |ordinal, rows| ShardRows { ordinal, rows };
        assert_eq!(manifest.row_count(), 15);
        assert_eq!(manifest.start_of(2), 10);
        let places: Vec<_> = [0, 9, 10, 14, 15].map(|row| manifest.place_of(row)).into();
        assert_eq!(places, [Some((0, 0)), Some((0, 9)), Some((2, 0)), Some((2, 4)), None]);
        assert_eq!(manifest.cut(0, None), [part(0, 0..10), part(2, 0..5)]);
        assert_eq!(manifest.cut(8, Some(4)), [part(0, 8..10), part(2, 0..2)]);
        assert_eq!(manifest.cut(10, Some(1)), [part(2, 0..1)]);
        assert_eq!(manifest.cut(12, Some(u64::MAX)), [part(2, 2..5)]);
        assert_eq!(manifest.cut(3, Some(0)), []);
        assert_eq!(manifest.cut(15, None), []);
        assert_eq!(manifest.cut(u64::MAX, Some(u64::MAX)), []);
        assert_eq!(Manifest::new(Vec::new()).cut(0, None), []);
    }
}
