//! The checker at the end of every test sees what it is there for: each defect is made by hand, and found by name.

use crate::{THREE, run};
use anyhow::{Context, Result, ensure};
use e2e::{Rig, repos};
use std::fs;

/// Makes a defect in the database, expects the checker to complain of it, and mends it.
async fn sees(rig: &Rig, defect: &'static str, complaint: &str, mend: &'static str) -> Result<()> {
    sqlx::raw_sql(defect).execute(&rig.pool).await?;
    complains(rig, complaint).await?;
    sqlx::raw_sql(mend).execute(&rig.pool).await?;
    rig.check().await.with_context(|| format!("after `{mend}`"))
}

async fn complains(rig: &Rig, complaint: &str) -> Result<()> {
    let found = rig.check().await.err().map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(found.contains(complaint), "`{complaint}` was expected, and the checker said `{found}`");
    Ok(())
}

#[test]
fn the_checker_sees_each_defect() {
    run(async {
        let rig = Rig::small(THREE).await?;
        rig.ingest(repos::ENGLISH).await?;
        let shard = rig.data_dir.join(rig.files()?.into_iter().find(|key| key.contains("/raw/")).context("a shard")?);

        let whole = fs::read(&shard)?;
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 1;
        fs::write(&shard, &damaged)?;
        complains(&rig, "does not match its digest").await?;
        fs::write(&shard, &whole[1..])?;
        complains(&rig, "the record says").await?;
        fs::remove_file(&shard)?;
        complains(&rig, "is missing").await?;
        fs::write(&shard, &whole)?;
        let stray = shard.with_extension("tmp");
        fs::write(&stray, b"x")?;
        complains(&rig, "files that nothing knows").await?;
        fs::remove_file(&stray)?;

        let shift = ["UPDATE shards SET row_start = row_start + 1", "UPDATE shards SET row_start = row_start - 1"];
        sees(&rig, shift[0], "after 0", shift[1]).await?;
        let rows = ["UPDATE shards SET row_count = row_count + 1", "UPDATE shards SET row_count = row_count - 1"];
        sees(&rig, rows[0], "shards hold", rows[1]).await?;
        let gap = ["UPDATE events SET seq = seq + 1000", "UPDATE events SET seq = seq - 1000"];
        sees(&rig, gap[0], "not dense", gap[1]).await?;
        let twice =
            "INSERT INTO events (dataset_id, seq, type, body) SELECT dataset_id, seq + 1, type, body FROM events
                     WHERE type = 'download_completed'; UPDATE datasets SET event_seq = event_seq + 1";
        let once = "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events);
                    UPDATE datasets SET event_seq = event_seq - 1";
        sees(&rig, twice, "not told exactly once", once).await?;
        let shown = "UPDATE datasets SET metadata = '{\"token\": \"hf_canaryCANARYcanaryCANARYcanaryCA\"}'";
        sees(&rig, shown, "the Hub token stands in `datasets`", "UPDATE datasets SET metadata = '{}'").await?;
        rig.done().await
    });
}
