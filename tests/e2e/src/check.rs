//! What must hold at the end of every test, read from the database and from the volume.
//!
//! The names in the messages are those of the promises: nothing acknowledged is lost (G1), events are dense (G3), no
//! row is there twice (G5), shards equal their digests (G8), nothing is left over (G13), no token is shown (G19).

use crate::rig::{Acknowledged, CANARY, Rig};
use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use sqlx::Row;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
    time::Duration,
};

/// How long what is done behind the scenes may take: garbage, doorbells, leases.
const SETTLE: Duration = Duration::from_secs(30);

impl Rig {
    /// Waits until nothing is going on, then checks every promise that can be read from what is there.
    pub async fn check(&self) -> Result<()> {
        self.settled().await?;
        self.jobs_ended().await?;
        self.events_are_dense().await?;
        self.each_end_is_told_once().await?;
        self.shards_are_contiguous().await?;
        self.files_are_whole().await?;
        self.nothing_shows_the_token().await
    }

    /// Checks, then stops in good order.
    pub async fn done(mut self) -> Result<()> {
        self.check().await?;
        self.stop().await
    }

    /// No job, lease, unpublished doorbell or file that is to go.
    async fn settled(&self) -> Result<()> {
        let left = "SELECT concat_ws(', ',
            (SELECT string_agg(kind || ' job ' || state, ', ') FROM jobs WHERE state IN ('queued', 'running')),
            (SELECT 'lease on ' || string_agg(t.kind || ' task ' || t.state, ', ') FROM leases l JOIN tasks t ON t.id = l.task_id),
            (SELECT 'doorbells: ' || count(*) FROM outbox WHERE $1 AND published_at IS NULL HAVING count(*) > 0),
            (SELECT 'files to delete: ' || string_agg(key, ', ') FROM files WHERE state = 'deleting'),
            (SELECT 'deleting: ' || string_agg(id::text, ', ') FROM datasets WHERE status = 'deleting'))";
        let mut last = String::new();
        let waited = tokio::time::timeout(SETTLE, async {
            loop {
                last = sqlx::query_scalar(left).bind(self.has_doorbells()).fetch_one(&self.pool).await?;
                if last.is_empty() {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        match waited.await {
            Ok(settled) => settled,
            Err(_) => anyhow::bail!("not settled after {SETTLE:?}: {last}"),
        }
    }

    /// G1: every acknowledged job has ended, unless it went with what it made.
    async fn jobs_ended(&self) -> Result<()> {
        for Acknowledged { dataset, tokenization, job } in self.acknowledged() {
            let state: Option<String> = sqlx::query_scalar("SELECT state FROM jobs WHERE id = $1")
                .bind(job.0)
                .fetch_optional(&self.pool)
                .await?;
            let is_gone = self.catalog().get_dataset(dataset).await.is_err()
                || match tokenization {
                    Some(id) => self.catalog().get_tokenization(id).await.is_err(),
                    None => false,
                };
            let has_ended = state.as_deref().is_some_and(|s| ["succeeded", "failed", "cancelled"].contains(&s));
            ensure!(has_ended || is_gone, "the acknowledged job `{job}` is {state:?}");
        }
        Ok(())
    }

    /// G3: 1, 2, 3, … up to the dataset's own counter.
    async fn events_are_dense(&self) -> Result<()> {
        let wrong: Vec<String> = sqlx::query_scalar(
            "SELECT concat_ws(' ', e.dataset_id, array_agg(e.seq ORDER BY e.seq), max(d.event_seq))
             FROM events e LEFT JOIN datasets d ON d.id = e.dataset_id GROUP BY e.dataset_id
             HAVING min(e.seq) <> 1 OR max(e.seq) <> count(*) OR max(d.event_seq) <> max(e.seq)",
        )
        .fetch_all(&self.pool)
        .await?;
        ensure!(wrong.is_empty(), "events are not dense: {wrong:?}");
        Ok(())
    }

    /// G3: one end for each job, and the one that its row shows.
    async fn each_end_is_told_once(&self) -> Result<()> {
        let wrong: Vec<String> = sqlx::query_scalar(
            "SELECT concat_ws(' ', j.kind, 'job', j.state, array_agg(e.type))
             FROM jobs j LEFT JOIN events e ON e.dataset_id = j.dataset_id AND e.body #>> '{data,job_id}' = j.id::text
             WHERE j.kind <> 'gc' AND j.state IN ('succeeded', 'failed', 'cancelled')
             GROUP BY j.id
             HAVING array_agg(e.type) <> ARRAY[
                 CASE j.kind WHEN 'ingest' THEN 'download_' ELSE 'tokenization_' END ||
                 CASE j.state WHEN 'succeeded' THEN 'completed' ELSE j.state END]",
        )
        .fetch_all(&self.pool)
        .await?;
        ensure!(wrong.is_empty(), "a job's end was not told exactly once: {wrong:?}");
        Ok(())
    }

    /// G5: the shards of what is ready follow one another without gap or overlap, and add up.
    async fn shards_are_contiguous(&self) -> Result<()> {
        let rows = sqlx::query(
            "SELECT s.dataset_id::text || coalesce(' ' || s.tokenization_id::text, '') AS owner,
                 CASE WHEN s.tokenization_id IS NULL THEN s.split ELSE '' END AS part,
                 s.ordinal, s.row_start, s.row_count,
                 CASE WHEN s.tokenization_id IS NULL THEN
                     (SELECT (x ->> 'row_count')::bigint FROM jsonb_array_elements(d.splits) x WHERE x ->> 'name' = s.split)
                 ELSE t.num_sequences END AS total
             FROM shards s JOIN datasets d ON d.id = s.dataset_id LEFT JOIN tokenizations t ON t.id = s.tokenization_id
             WHERE coalesce(t.status, d.status) = 'ready' ORDER BY 1, 2, 3",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut ends: BTreeMap<(String, String), (i32, i64, i64)> = BTreeMap::new();
        for row in rows {
            let part = (row.try_get("owner")?, row.try_get("part")?);
            let (ordinal, row_start): (Option<i32>, Option<i64>) = (row.try_get("ordinal")?, row.try_get("row_start")?);
            let (count, total): (i64, Option<i64>) = (row.try_get("row_count")?, row.try_get("total")?);
            let total = total.with_context(|| format!("{part:?} is ready and has no total"))?;
            let (next, end, _) = ends.get(&part).copied().unwrap_or_default();
            ensure!((ordinal, row_start) == (Some(next), Some(end)), "{part:?}: {ordinal:?} {row_start:?} after {end}");
            ends.insert(part, (next + 1, end + count, total));
        }
        for (part, (_, end, total)) in ends {
            ensure!(end == total, "{part:?}: shards hold {end} rows, the record says {total}");
        }
        Ok(())
    }

    /// G8 and G13: what is known is there, byte for byte, and what is there is known.
    async fn files_are_whole(&self) -> Result<()> {
        let rows = sqlx::query(
            "SELECT key, size_bytes, sha256 FROM shards
             UNION SELECT key, size_bytes, sha256 FROM files WHERE state = 'committed' AND kind <> 'partial'",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut known = BTreeSet::new();
        for row in rows {
            let (key, size, sha256): (String, i64, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let mut file = fs::File::open(self.data_dir.join(&key)).with_context(|| format!("`{key}` is missing"))?;
            let mut hash = Sha256::new();
            let length = io::copy(&mut file, &mut HashWriter(&mut hash))?;
            ensure!(length == size.cast_unsigned(), "`{key}` has {length} bytes, the record says {size}");
            ensure!(hash.finalize()[..] == sha256[..], "`{key}` does not match its digest");
            known.insert(key);
        }
        let unknown: Vec<String> = self.files()?.into_iter().filter(|key| !known.contains(key)).collect();
        ensure!(unknown.is_empty(), "files that nothing knows: {unknown:?}");
        Ok(())
    }

    /// Keys of all files of datasets on the volume.
    pub fn files(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        below(&self.data_dir, &self.data_dir.join("datasets"), &mut found)?;
        Ok(found)
    }

    /// G19: the Hub token stands in no row of any table.
    async fn nothing_shows_the_token(&self) -> Result<()> {
        for table in ["datasets", "tokenizations", "jobs", "tasks", "events", "outbox", "files", "idempotency"] {
            let sql = format!("SELECT count(*) FROM {table} t WHERE position($1 in t::text) > 0");
            let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(CANARY).fetch_one(&self.pool).await?;
            ensure!(found == 0, "the Hub token stands in `{table}`");
        }
        Ok(())
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn below(root: &Path, folder: &Path, found: &mut Vec<String>) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            below(root, &entry.path(), found)?;
        } else {
            found.push(entry.path().strip_prefix(root)?.to_string_lossy().into_owned());
        }
    }
    Ok(())
}
