-- The whole state of Tokenmill. Lock order everywhere: dataset → tokenization → job → task → lease → files.
-- States are text under named checks; the code's guarded updates repeat the precondition.

CREATE TABLE datasets (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    repo_id text NOT NULL,
    source text NOT NULL DEFAULT 'hub',
    -- As asked for, at registration or by the last start.
    revision text,
    requested_config text,
    split_filter text,
    -- As the plan pinned it.
    config text,
    commit_sha text,
    split_names text[] NOT NULL DEFAULT '{}',
    source_bytes bigint,
    status text NOT NULL DEFAULT 'pending',
    version bigint NOT NULL DEFAULT 1,
    file_path text,
    row_count bigint,
    size_bytes bigint,
    schema jsonb,
    splits jsonb NOT NULL DEFAULT '[]',
    metadata jsonb NOT NULL DEFAULT '{}',
    error jsonb,
    event_seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT datasets_source_check CHECK (source IN ('hub', 'upload')),
    CONSTRAINT datasets_status_check CHECK (status IN ('pending', 'downloading', 'ready', 'failed', 'deleting')),
    CONSTRAINT datasets_ready_check CHECK (
        status <> 'ready' OR (file_path IS NOT NULL AND row_count IS NOT NULL AND commit_sha IS NOT NULL)
    )
);
-- A deleted dataset gives its name back at once.
CREATE UNIQUE INDEX datasets_name_key ON datasets (name) WHERE status <> 'deleting';
CREATE INDEX datasets_created_idx ON datasets (created_at DESC, id);

CREATE TABLE tokenizations (
    id uuid PRIMARY KEY,
    dataset_id uuid NOT NULL REFERENCES datasets ON DELETE CASCADE,
    identity bytea NOT NULL,
    identity_fields jsonb NOT NULL,
    tokenizer_name text NOT NULL,
    tokenizer_revision text NOT NULL,
    tokenizer_sha256 text NOT NULL,
    engine text,
    config jsonb NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    version bigint NOT NULL DEFAULT 1,
    num_tokens bigint,
    num_sequences bigint,
    vocab_size bigint,
    token_file_path text,
    statistics jsonb,
    error jsonb,
    -- The newest job.
    job_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT tokenizations_status_check
        CHECK (status IN ('pending', 'running', 'ready', 'failed', 'cancelled', 'deleting')),
    CONSTRAINT tokenizations_ready_check CHECK (
        status <> 'ready' OR (token_file_path IS NOT NULL AND statistics IS NOT NULL)
    )
);
CREATE UNIQUE INDEX tokenizations_identity_key ON tokenizations (dataset_id, identity) WHERE status <> 'deleting';
CREATE INDEX tokenizations_dataset_idx ON tokenizations (dataset_id, created_at DESC);

-- `gc` jobs remove the files of something deleted; users never see them.
CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    dataset_id uuid NOT NULL REFERENCES datasets ON DELETE CASCADE,
    tokenization_id uuid REFERENCES tokenizations ON DELETE CASCADE,
    spec jsonb NOT NULL,
    state text NOT NULL DEFAULT 'queued',
    -- Work tasks not done yet; the commit that takes it to zero queues `finish`.
    open_tasks int NOT NULL DEFAULT 0,
    -- The commit that the plan found; what a job of the same pin and specification finished can be taken over.
    pin text NOT NULL DEFAULT '',
    traceparent text NOT NULL DEFAULT '',
    error jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    CONSTRAINT jobs_kind_check CHECK (kind IN ('ingest', 'tokenize', 'gc')),
    CONSTRAINT jobs_state_check CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT jobs_owner_check CHECK (kind <> 'tokenize' OR tokenization_id IS NOT NULL),
    CONSTRAINT jobs_open_check CHECK (open_tasks >= 0)
);
CREATE UNIQUE INDEX one_ingest ON jobs (dataset_id) WHERE kind = 'ingest' AND state IN ('queued', 'running');
CREATE UNIQUE INDEX one_tokenize ON jobs (tokenization_id) WHERE kind = 'tokenize' AND state IN ('queued', 'running');
CREATE INDEX jobs_dataset_idx ON jobs (dataset_id, created_at DESC);
CREATE INDEX jobs_tokenization_idx ON jobs (tokenization_id);
CREATE INDEX jobs_created_idx ON jobs (created_at DESC, id);

CREATE TABLE tasks (
    id uuid PRIMARY KEY,
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    kind text NOT NULL,
    -- Whose workers claim it.
    queue text NOT NULL,
    ordinal int NOT NULL,
    spec jsonb NOT NULL,
    total bigint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'queued',
    -- The attempt of the plan that added the task and has not committed yet: until then nobody claims it.
    held_by bigint,
    attempt bigint NOT NULL DEFAULT 0,
    attempt_uuid uuid,
    worker text,
    crashes int NOT NULL DEFAULT 0,
    failures int NOT NULL DEFAULT 0,
    oom_count int NOT NULL DEFAULT 0,
    -- 0 = the configured size.
    batch_rows int NOT NULL DEFAULT 0,
    -- Bytes downloaded when crashes were last forgiven.
    durable_bytes bigint NOT NULL DEFAULT 0,
    next_run_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    rung_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    progress jsonb NOT NULL DEFAULT '{}',
    summary jsonb,
    started_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT tasks_ordinal_key UNIQUE (job_id, kind, ordinal),
    CONSTRAINT tasks_attempt_uuid_key UNIQUE (attempt_uuid),
    CONSTRAINT tasks_kind_check CHECK (kind IN ('plan', 'work', 'finish', 'gc')),
    CONSTRAINT tasks_queue_check CHECK (queue IN ('ingest', 'tokenize')),
    CONSTRAINT tasks_state_check CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled'))
) WITH (fillfactor = 70); -- progress is rewritten twice a second: leave room for it on the page
CREATE INDEX tasks_due_idx ON tasks (queue, next_run_at, id) WHERE state = 'queued' AND held_by IS NULL;

-- Hot rows, apart from the tasks: alive means that `expires_at` lies ahead of clock_timestamp().
CREATE TABLE leases (
    task_id uuid PRIMARY KEY REFERENCES tasks ON DELETE CASCADE,
    attempt bigint NOT NULL,
    heartbeat_count bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX leases_expires_idx ON leases (expires_at);

CREATE TABLE shards (
    task_id uuid NOT NULL REFERENCES tasks ON DELETE CASCADE,
    n int NOT NULL,
    dataset_id uuid NOT NULL REFERENCES datasets ON DELETE CASCADE,
    -- Null: a raw shard.
    tokenization_id uuid REFERENCES tokenizations ON DELETE CASCADE,
    split text NOT NULL,
    key text NOT NULL,
    row_count bigint NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    -- xxh3-64 of each batch, little endian.
    batch_digests bytea NOT NULL,
    sources jsonb NOT NULL DEFAULT '[]',
    -- The place in the split, set by `finish`: without it nobody reads the shard.
    ordinal int,
    row_start bigint,
    PRIMARY KEY (task_id, n),
    CONSTRAINT shards_key_key UNIQUE (key),
    CONSTRAINT shards_sha256_check CHECK (octet_length(sha256) = 32),
    CONSTRAINT shards_place_check CHECK ((ordinal IS NULL) = (row_start IS NULL))
);
CREATE UNIQUE INDEX shards_raw_place_key ON shards (dataset_id, split, ordinal) WHERE tokenization_id IS NULL;
CREATE UNIQUE INDEX shards_token_place_key ON shards (tokenization_id, ordinal) WHERE tokenization_id IS NOT NULL;

-- Every file that a worker announced, so that nothing on the volume is unknown.
CREATE TABLE files (
    key text PRIMARY KEY,
    dataset_id uuid NOT NULL REFERENCES datasets ON DELETE CASCADE,
    tokenization_id uuid REFERENCES tokenizations ON DELETE CASCADE,
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    task_id uuid NOT NULL REFERENCES tasks ON DELETE CASCADE,
    attempt bigint NOT NULL,
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'staged',
    size_bytes bigint,
    sha256 bytea,
    staged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT files_kind_check CHECK (kind IN ('shard', 'side', 'partial')),
    CONSTRAINT files_state_check CHECK (state IN ('staged', 'committed', 'deleting'))
);
CREATE INDEX files_dataset_idx ON files (dataset_id);
CREATE INDEX files_task_idx ON files (task_id);
CREATE INDEX files_job_idx ON files (job_id);
CREATE INDEX files_partial_idx ON files (staged_at) WHERE kind = 'partial' AND state = 'staged';

-- No foreign key: the events of a deleted dataset stay readable for a day.
CREATE TABLE events (
    dataset_id uuid NOT NULL,
    seq bigint NOT NULL,
    type text NOT NULL,
    body jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (dataset_id, seq)
);
CREATE INDEX events_deleted_idx ON events (at) WHERE type = 'dataset_deleted';

-- Doorbells to ring. A row's ring id is its message id: fresh for each ring.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    ring_id uuid NOT NULL,
    tries int NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_at timestamptz,
    CONSTRAINT outbox_ring_id_key UNIQUE (ring_id),
    CONSTRAINT outbox_queue_check CHECK (queue IN ('ingest', 'tokenize'))
);
CREATE INDEX outbox_due_idx ON outbox (next_try_at, id) WHERE published_at IS NULL;
CREATE INDEX outbox_published_idx ON outbox (published_at) WHERE published_at IS NOT NULL;

CREATE TABLE idempotency (
    principal text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    -- The dataset or job that the request made; null only inside the transaction that makes it.
    result_id uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_created_idx ON idempotency (created_at);

-- Open Flight streams: the files of a deleted dataset wait for them, at most the grace time.
CREATE TABLE read_pins (
    dataset_id uuid NOT NULL REFERENCES datasets ON DELETE CASCADE,
    reader uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (dataset_id, reader)
);
