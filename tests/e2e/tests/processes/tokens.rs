//! A Hub token of a download opens what it may open, and is seen nowhere: every place where it could have been left is
//! searched, while the job runs and after it.

use crate::{SPLITS, downloading, run};
use anyhow::{Context, Result, ensure};
use dataset_model::{DatasetId, JobId, JobState, Reason};
use e2e::{Processes, repos};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::{fs, path::Path};

/// Nobody has it but the request.
const TOKEN: &str = "hf_userCANARYuserCANARYuserCANARYus";

async fn start(stack: &Processes, dataset: DatasetId, body: &Value) -> Result<JobId> {
    let answer = stack.rig.api().post(&format!("/datasets/{dataset}/download"), body).await?;
    let job: JobId = serde_json::from_value(answer.expect(StatusCode::ACCEPTED)?["job_id"].clone())?;
    stack.rig.acknowledge(dataset, job);
    Ok(job)
}

/// All rows of all tables as text; bytes too, as they are.
async fn is_in_no_row(stack: &Processes) -> Result<()> {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()")
            .fetch_all(&stack.rig.pool)
            .await?;
    ensure!(tables.len() > 10, "{tables:?}");
    let hexadecimal = hex::encode(TOKEN);
    for table in tables {
        let sql = format!(
            "SELECT count(*) FROM {table} t WHERE t::text LIKE '%' || $1 || '%' OR t::text LIKE '%' || $2 || '%'"
        );
        let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(TOKEN).bind(&hexadecimal);
        let found: i64 = query.fetch_one(&stack.rig.pool).await?;
        ensure!(found == 0, "the token stands in `{table}`");
    }
    Ok(())
}

fn is_in_no_file(folder: &Path, searched: &mut u64) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            is_in_no_file(&path, searched)?;
        } else if let Ok(content) = fs::read(&path) {
            let found = content.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
            ensure!(!found, "the token stands in `{}`", path.display());
            *searched += content.len() as u64;
        }
    }
    Ok(())
}

/// Logs, the volume, what NATS stores, and how and with which environment the processes were started.
async fn is_nowhere(stack: &Processes) -> Result<()> {
    is_in_no_row(stack).await?;
    let (mut logs, mut stored) = (0, 0);
    is_in_no_file(stack.rig.folder(), &mut logs)?;
    is_in_no_file(stack.rig.nats.folder(), &mut stored)?;
    ensure!(logs > 1000 && stored > 100, "{logs} and {stored} bytes are too few to prove anything");
    for process in fs::read_dir("/proc")?.flatten() {
        for name in ["cmdline", "environ"] {
            let content = fs::read(process.path().join(name)).unwrap_or_default();
            ensure!(!content.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()), "{process:?}");
        }
    }
    Ok(())
}

async fn sealed(stack: &Processes) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM job_secrets").fetch_one(&stack.rig.pool).await?)
}

#[test]
fn a_token_is_used_by_its_job_and_seen_nowhere() {
    run(async {
        let debug = [("RUST_LOG", "debug,hyper=info,h2=info")];
        let mut stack = Processes::start_with(SPLITS, &debug).await?;
        stack.rig.control.gate(repos::ENGLISH, Some(TOKEN));
        let dataset = stack.rig.create(repos::ENGLISH).await?;
        // The service's own token does not open it, nor does a wrong one; the error does not say which it was.
        for body in [json!({}), json!({ "hf_token": TOKEN.replace("us", "xx") })] {
            let job = start(&stack, dataset, &body).await?;
            let ended = stack.rig.ended(dataset, job).await?;
            ensure!(ended.error.as_ref().is_some_and(|error| error.reason == Reason::HubGated), "{ended:?}");
            ensure!(sealed(&stack).await? == 0, "wiped with the job");
        }
        stack.rig.control.throttle(Some(crate::SLOW));
        let job = start(&stack, dataset, &json!({ "hf_token": TOKEN })).await?;
        downloading(&stack).await?;
        ensure!(sealed(&stack).await? == 1);
        is_nowhere(&stack).await?;
        // Another worker, and another catalog, can go on with it.
        stack.kill("ingestion").await?;
        stack.kill("catalog").await?;
        stack.spawn_again("catalog")?;
        stack.spawn_again("ingestion")?;
        stack.rig.ready().await;
        stack.rig.control.throttle(None);
        let ended = stack.rig.ended(dataset, job).await?;
        ensure!(ended.state == JobState::Succeeded, "{ended:?}");
        stack.rig.equals_the_source(dataset).await?;
        ensure!(sealed(&stack).await? == 0);
        let shown = stack.rig.api().show(&format!("/datasets/{dataset}")).await?;
        ensure!(!shown.to_string().contains(TOKEN));
        is_nowhere(&stack).await?;
        stack.done().await
    });
}
