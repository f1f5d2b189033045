-- Files that a user sent: the source of a dataset, kept until a job has made shards of them.
ALTER TABLE files DROP CONSTRAINT files_kind_check;
ALTER TABLE files ADD CONSTRAINT files_kind_check CHECK (kind IN ('shard', 'side', 'partial', 'source'));
