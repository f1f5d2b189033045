-- What the last start asked to become of rows that cannot be read.
ALTER TABLE datasets ADD COLUMN on_bad_rows text NOT NULL DEFAULT 'fail';
ALTER TABLE datasets ADD CONSTRAINT datasets_on_bad_rows_check CHECK (on_bad_rows IN ('fail', 'skip'));
