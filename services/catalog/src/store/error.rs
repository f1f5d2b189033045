//! What the database answers, told apart: not reachable (ask again), a named constraint (the caller's business), a bug.

/// Why a query gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database is not reachable")]
    Unavailable(#[source] sqlx::Error),
    #[error("constraint `{constraint}` refused the change")]
    Constraint {
        constraint: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("column `{column}` holds `{value}`")]
    Corrupt { column: &'static str, value: String },
    #[error("the query failed")]
    Query(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether this constraint refused the change.
    pub fn violates(&self, name: &str) -> bool {
        matches!(self, Self::Constraint { constraint, .. } if constraint == name)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            sqlx::Error::Database(database) => {
                if let Some(constraint) = database.constraint() {
                    return Self::Constraint { constraint: constraint.to_owned(), source: error };
                }
                if database.code().is_some_and(|code| is_passing(&code)) {
                    return Self::Unavailable(error);
                }
                Self::Query(error)
            }
            _ => Self::Query(error),
        }
    }
}

/// SQLSTATE classes that say "ask again": connections, rolled back for another's sake, resources, shutdown, timeouts.
fn is_passing(code: &str) -> bool {
    ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)) || code == "55P03"
}
