-- How many of the first rows were asked for by the last start; null = all.
ALTER TABLE datasets ADD COLUMN max_samples bigint;
ALTER TABLE datasets ADD CONSTRAINT datasets_max_samples_check CHECK (max_samples > 0);
