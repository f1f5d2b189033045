//! All datasets, a line each: first every one of them, then each that changed.

use crate::store::{
    StoreError,
    watch::{self, Summary},
};
use dataset_model::DatasetId;
use sqlx::PgPool;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Summaries in one read.
const PAGE: i64 = 500;

/// What the panel is told.
#[derive(Debug)]
pub(crate) enum PanelItem {
    Summary(Box<Summary>),
    Deleted(DatasetId),
    /// All datasets that were there at the start have been told.
    Synchronized,
}

/// Which datasets the panel has been told of.
#[derive(Debug)]
pub(crate) struct PanelWatcher {
    pool: PgPool,
    known: BTreeSet<Uuid>,
}

impl PanelWatcher {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, known: BTreeSet::new() }
    }

    /// The next page of all datasets after `after`; an empty one ends the first round.
    pub(crate) async fn page(&mut self, after: Uuid) -> Result<Vec<Summary>, StoreError> {
        let mut conn = self.pool.acquire().await?;
        let page = watch::summaries(&mut conn, None, after, PAGE).await?;
        self.known.extend(page.iter().map(|summary| summary.id.0));
        Ok(page)
    }

    /// The datasets with a running job: their progress moves without a change of state.
    pub(crate) async fn active(&self) -> Result<Vec<Uuid>, StoreError> {
        let mut conn = self.pool.acquire().await?;
        watch::active(&mut conn).await
    }

    /// All that were told: what to look at again when changes were missed.
    pub(crate) fn known(&self) -> &BTreeSet<Uuid> {
        &self.known
    }

    /// How these datasets are now.
    pub(crate) async fn changed(&mut self, ids: &BTreeSet<Uuid>) -> Result<Vec<PanelItem>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let only: Vec<Uuid> = ids.iter().copied().collect();
        let mut conn = self.pool.acquire().await?;
        let found = watch::summaries(&mut conn, Some(&only), Uuid::nil(), i64::MAX).await?;
        let alive: BTreeSet<Uuid> = found.iter().map(|summary| summary.id.0).collect();
        self.known.extend(&alive);
        let gone: Vec<Uuid> = only.into_iter().filter(|id| !alive.contains(id) && self.known.remove(id)).collect();
        let summaries = found.into_iter().map(|summary| PanelItem::Summary(Box::new(summary)));
        Ok(summaries.chain(gone.into_iter().map(|id| PanelItem::Deleted(DatasetId(id)))).collect())
    }
}
