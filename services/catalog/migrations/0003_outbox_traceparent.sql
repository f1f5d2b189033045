-- A doorbell carries the W3C traceparent of the request behind it, so that a trace leads across NATS.
ALTER TABLE outbox ADD COLUMN traceparent text NOT NULL DEFAULT '';
