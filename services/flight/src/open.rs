//! Opens the shards that a selection needs, before its first row is sent.
//!
//! An open file survives its removal, so a stream that began ends complete whatever is deleted meanwhile. A file that
//! is missing at this point may have been deleted between the catalog's answer and the opening: the catalog is asked
//! again before a client is told of damage.

use arrow_schema::{Schema, SchemaRef};
use shard_store::{ShardReader, ShardStore, StoreError};

use crate::descriptor::{Selection, Target};
use crate::error::ReadError;
use crate::manifest::{Manifest, Manifests};
use crate::stream::Part;
use dataset_model::Problem;

/// What is needed to send a selection.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) schema: SchemaRef,
    pub(crate) parts: Vec<Part>,
}

/// Opens the shards of a selection that came in a ticket: rows beyond the end are a foreign ticket.
pub(crate) async fn parts(
    store: &ShardStore,
    manifests: &Manifests,
    selection: &Selection,
    manifest: &std::sync::Arc<Manifest>,
) -> Result<Opened, ReadError> {
    let end = selection.start.checked_add(selection.count.unwrap_or(0));
    if end.is_none_or(|end| end > manifest.row_count()) {
        return Err(Problem::field("ticket", "asks for rows that do not exist").into());
    }
    let wanted = manifest.cut(selection.start, selection.count);
    if wanted.is_empty() {
        let schema = schema_of(store, manifests, &selection.target, manifest).await?;
        return Ok(Opened { schema, parts: Vec::new() });
    }
    let open_all = {
        let (store, target, manifest) = (store.clone(), selection.target.clone(), std::sync::Arc::clone(manifest));
        move || -> Result<Vec<Part>, ReadError> {
            let open = |part: crate::manifest::ShardRows| {
                let reader = open_one(&store, &target, &manifest, part.ordinal)?;
                Ok(Part { ordinal: part.ordinal, reader, rows: part.rows })
            };
            wanted.into_iter().map(open).collect()
        }
    };
    let parts = blocking(manifests, &selection.target, open_all).await?;
    let schema = parts[0].reader.schema();
    if let Some(other) = parts.iter().find(|part| part.reader.schema().fields() != schema.fields()) {
        return Err(ReadError::Unlike { target: selection.target.clone(), ordinal: other.ordinal });
    }
    Ok(Opened { schema, parts })
}

/// Opens every shard of a target.
pub(crate) async fn all(
    store: &ShardStore,
    manifests: &Manifests,
    target: &Target,
    manifest: &std::sync::Arc<Manifest>,
) -> Result<Vec<ShardReader>, ReadError> {
    let (store, owned, shared) = (store.clone(), target.clone(), std::sync::Arc::clone(manifest));
    let open_all = move || {
        let open = |ordinal| open_one(&store, &owned, &shared, ordinal);
        (0..shared.shards.len()).map(open).collect::<Result<Vec<_>, _>>()
    };
    let readers = blocking(manifests, target, open_all).await?;
    let other = readers.iter().position(|reader| reader.schema().fields() != readers[0].schema().fields());
    other.map_or(Ok(readers), |ordinal| Err(ReadError::Unlike { target: target.clone(), ordinal }))
}

/// The schema of a target: that of its first shard, or the catalog's when an empty split has none.
pub(crate) async fn schema_of(
    store: &ShardStore,
    manifests: &Manifests,
    target: &Target,
    manifest: &std::sync::Arc<Manifest>,
) -> Result<SchemaRef, ReadError> {
    if manifest.shards.is_empty() {
        return recorded_schema(manifests, target).await;
    }
    let (store, owned, manifest) = (store.clone(), target.clone(), std::sync::Arc::clone(manifest));
    blocking(manifests, target, move || open_one(&store, &owned, &manifest, 0)).await.map(|reader| reader.schema())
}

async fn recorded_schema(manifests: &Manifests, target: &Target) -> Result<SchemaRef, ReadError> {
    let Target::Raw { dataset, split } = target else { return Ok(Schema::empty().into()) };
    let dataset = manifests.catalog().get_dataset(*dataset).await?;
    if !dataset.splits.iter().any(|known| known.name == *split) {
        return Err(Problem::new(dataset_model::Reason::NotFound, format!("there is no {target}")).into());
    }
    let schema = dataset.schema.map(serde_json::from_value::<Schema>).transpose();
    schema.map(|schema| schema.unwrap_or_else(Schema::empty).into()).map_err(|e| ReadError::Encode {
        target: target.clone(),
        source: arrow_schema::ArrowError::from_external_error(Box::new(e)),
    })
}

/// Opens one shard and compares it with the catalog's record.
fn open_one(
    store: &ShardStore,
    target: &Target,
    manifest: &Manifest,
    ordinal: usize,
) -> Result<ShardReader, ReadError> {
    let shard = &manifest.shards[ordinal];
    let failed = |source: StoreError| ReadError::Shard { target: target.clone(), ordinal, source };
    let reader = store.open_verified(&shard.key, shard.batch_digests.clone()).map_err(failed)?;
    if reader.size_bytes() == shard.size_bytes && reader.row_count() == shard.row_count {
        Ok(reader)
    } else {
        Err(ReadError::Unlike { target: target.clone(), ordinal })
    }
}

/// Runs blocking work; before damage is reported the catalog has the last word on whether the target still exists.
async fn blocking<T: Send + 'static>(
    manifests: &Manifests,
    target: &Target,
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    match tokio::task::spawn_blocking(work).await.map_err(ReadError::Stopped)? {
        Err(damage) if damage.is_damage() => {
            manifests.of(target).await?;
            Err(damage)
        }
        other => other,
    }
}
