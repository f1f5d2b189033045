-- A Hub token as long as its job runs, sealed with a key that is not in the database.
CREATE TABLE job_secrets (
    job_id uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    sealed bytea NOT NULL
);
