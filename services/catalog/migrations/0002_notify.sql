-- Wakes the watchers of a dataset, on whichever replica they are: every event and every change of state goes through
-- the dataset's row. Lost notifications cost at most the watchers' own poll.
CREATE FUNCTION notify_dataset_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tokenmill_dataset_changed', COALESCE(NEW.id, OLD.id)::text);
    RETURN NULL;
END
$$;

CREATE TRIGGER datasets_changed AFTER INSERT OR UPDATE OR DELETE ON datasets
    FOR EACH ROW EXECUTE FUNCTION notify_dataset_changed();
