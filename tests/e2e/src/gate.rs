//! A gate inside the database: transactions of one kind stop in front of it until it is opened.
//!
//! A trigger takes an advisory lock that the test holds, so that a process can be stopped or killed exactly between two
//! statements, without a line of test code in the services.

use anyhow::Result;
use sqlx::{AssertSqlSafe, PgPool, Postgres, pool::PoolConnection};
use std::time::Duration;

/// Held shut until [`open`](Self::open) or drop.
#[derive(Debug)]
pub struct Gate {
    name: &'static str,
    table: &'static str,
    pool: PgPool,
    holder: PoolConnection<Postgres>,
}

const KEY: i64 = 0x6761_7465;

impl Gate {
    /// Stops each `UPDATE` of `table` whose new row meets `condition`, such as `NEW.status = 'ready'`.
    pub async fn shut(pool: &PgPool, table: &'static str, condition: &str) -> Result<Self> {
        let mut holder = pool.acquire().await?;
        sqlx::query("SELECT pg_advisory_lock($1)").bind(KEY).execute(&mut *holder).await?;
        let name = "test_gate";
        let statement = format!(
            "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_advisory_xact_lock_shared({KEY}); RETURN NEW; END $$;
             CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {name}();"
        );
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(pool).await?;
        Ok(Self { name, table, pool: pool.clone(), holder })
    }

    /// Waits until a transaction stands in front of the gate.
    pub async fn reached(&self) -> Result<()> {
        let waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)";
        test_kit::wait_until(Duration::from_mins(1), "a transaction reaches the gate", async || {
            sqlx::query_scalar::<_, bool>(waiting).fetch_one(&self.pool).await.is_ok_and(|is_waiting| is_waiting)
        })
        .await;
        Ok(())
    }

    /// Lets everybody through, now and later.
    pub async fn open(mut self) -> Result<()> {
        sqlx::query("SELECT pg_advisory_unlock($1)").bind(KEY).execute(&mut *self.holder).await?;
        let statement = format!("DROP TRIGGER {} ON {}", self.name, self.table);
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&self.pool).await?;
        Ok(())
    }
}
