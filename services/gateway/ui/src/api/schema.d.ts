// Generated from services/gateway/openapi.json by `npm run api`. Do not edit.
export interface paths {
    "/api/v1/about": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Says the version, and where Flight and the catalog are reached. */
        get: operations["about"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists datasets. */
        get: operations["list_datasets"];
        put?: never;
        /** Registers a dataset of the Hub; nothing is fetched yet. */
        post: operations["create_dataset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows a dataset with its tokenizations and its active job. */
        get: operations["get_dataset"];
        put?: never;
        post?: never;
        /** Deletes a dataset with its tokenizations; from the answer on it is `NOT_FOUND`. */
        delete: operations["delete_dataset"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancels the download and all tokenizations that run. */
        post: operations["cancel_dataset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts the download, or finds the same one running. */
        post: operations["download_dataset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happens to a dataset, as server-sent events: what was missed since `Last-Event-ID`, a snapshot, then live. */
        get: operations["dataset_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/samples": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows rows of a ready dataset, or of one of its tokenizations. */
        get: operations["list_samples"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/statistics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Statistics of one tokenization of a dataset. */
        get: operations["get_statistics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/tokenizations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the tokenizations of a dataset. */
        get: operations["list_tokenizations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/tokenize": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tokenizes a ready dataset, or finds the tokenization of the same configuration. */
        post: operations["tokenize_dataset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/upload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Registers local files as a dataset and starts their conversion. */
        post: operations["upload_dataset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hub/datasets/{repo_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows what a repository of the Hub holds and its first rows; nothing is downloaded. */
        get: operations["inspect_repo"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists jobs, newest first. */
        get: operations["list_jobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows a job. */
        get: operations["get_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Starts the work of a failed or cancelled job again, with the same selection or configuration; a Hub token that it had
         *     is not kept.
         */
        post: operations["retry_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/read-plans/lookup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tells which rows a step of a read plan reads, rank by rank, down to the row of the source file. */
        post: operations["lookup_step"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/read-plans/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Proves that a read plan reads each row once, by computing every row of an epoch. */
        post: operations["verify_plan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/readers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows the open streams of the flight service, with the names that their readers gave. */
        get: operations["list_readers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokenizations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows a tokenization. */
        get: operations["get_tokenization"];
        put?: never;
        post?: never;
        /** Deletes a tokenization. */
        delete: operations["delete_tokenization"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokenizations/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancels a tokenization that runs. */
        post: operations["cancel_tokenization"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokenize/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Shows what a configuration makes of a text or a conversation: tokens, which of them are dropped and why, and the rows. */
        post: operations["preview_tokenization"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/ws": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Live state over one WebSocket: channels `dataset/{id}` and `datasets`.
         * @description The client sends `ClientMessage`s, such as `{"type":"subscribe","channel":"dataset/{id}","since":seq?}`, and the
         *     server `ServerMessage`s (see the schemas). A channel gives the numbered events after `since`, a snapshot, then what
         *     happens. Close codes: 1001 shutting down, 1008 silence, 1009 message too big, 1013 too slow.
         */
        get: operations["connect_feeds"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description The version, and the addresses for clients of Flight and gRPC. */
        About: {
            /** @description gRPC, such as `http://127.0.0.1:50051`. */
            catalog: string;
            /** @description Arrow Flight, such as `grpc://127.0.0.1:8815`. */
            flight: string;
            version: string;
        };
        /** @description What a client may say on the WebSocket. */
        ClientMessage: {
            /** @description `datasets` or `dataset/{id}`. */
            channel: string;
            /**
             * Format: int64
             * @description The last number received: the numbered events after it come first.
             */
            since?: number | null;
            /** @enum {string} */
            type: "subscribe";
        } | {
            channel: string;
            /** @enum {string} */
            type: "unsubscribe";
        } | {
            /** @enum {string} */
            type: "ping";
        };
        Column: {
            name: string;
            /** @description Arrow's name of the type. */
            type: string;
        };
        Dataset: {
            /** @description What the revision was pinned to. */
            commit_sha?: string | null;
            config?: string | null;
            /** Format: date-time */
            created_at: string;
            error?: components["schemas"]["ProblemDetails"] | null;
            /**
             * Format: int64
             * @description Number of the last event.
             */
            event_seq: number;
            /** @description Storage key relative to the data directory. */
            file_path?: string | null;
            id: components["schemas"]["DatasetId"];
            job?: components["schemas"]["Job"] | null;
            metadata: unknown;
            name: string;
            repo_id: string;
            /** @description As asked for; none = the default branch. */
            revision?: string | null;
            /** Format: int64 */
            row_count?: number | null;
            /** @description Arrow schema. */
            schema?: unknown;
            /** Format: int64 */
            size_bytes?: number | null;
            /** @description `hub` or `upload`. */
            source: string;
            splits: components["schemas"]["Split"][];
            status: components["schemas"]["DatasetStatus"];
            tokenizations: components["schemas"]["Tokenization"][];
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: int64
             * @description Raised by every change.
             */
            version: number;
        };
        /** @description The two progress events are latest-wins; all others are numbered and never lost. */
        DatasetEvent: {
            data: components["schemas"]["DownloadProgress"];
            /** @enum {string} */
            event: "download_progress";
        } | {
            data: {
                file_path: string;
                job_id: components["schemas"]["JobId"];
                /** Format: int64 */
                row_count: number;
                /** Format: int64 */
                size_bytes: number;
            };
            /** @enum {string} */
            event: "download_completed";
        } | {
            data: {
                error: components["schemas"]["ProblemDetails"];
                job_id: components["schemas"]["JobId"];
            };
            /** @enum {string} */
            event: "download_failed";
        } | {
            data: {
                job_id: components["schemas"]["JobId"];
            };
            /** @enum {string} */
            event: "download_cancelled";
        } | {
            data: components["schemas"]["TokenizationProgress"];
            /** @enum {string} */
            event: "tokenization_progress";
        } | {
            data: {
                job_id: components["schemas"]["JobId"];
                statistics: components["schemas"]["DatasetStatistics"];
                tokenization_id: components["schemas"]["TokenizationId"];
            };
            /** @enum {string} */
            event: "tokenization_completed";
        } | {
            data: {
                error: components["schemas"]["ProblemDetails"];
                job_id: components["schemas"]["JobId"];
                tokenization_id: components["schemas"]["TokenizationId"];
            };
            /** @enum {string} */
            event: "tokenization_failed";
        } | {
            data: {
                job_id: components["schemas"]["JobId"];
                tokenization_id: components["schemas"]["TokenizationId"];
            };
            /** @enum {string} */
            event: "tokenization_cancelled";
        } | {
            data: {
                status: components["schemas"]["DatasetStatus"];
            };
            /** @enum {string} */
            event: "dataset_updated";
        } | {
            data: Record<string, never>;
            /** @enum {string} */
            event: "dataset_deleted";
        };
        DatasetGone: {
            /** Format: uuid */
            id: string;
        };
        /** Format: uuid */
        DatasetId: string;
        /** @description What happens on `dataset/{id}`. */
        DatasetMessage: components["schemas"]["Happened"] & {
            channel: string;
        };
        DatasetPage: {
            counts: components["schemas"]["StatusCounts"];
            items: components["schemas"]["Dataset"][];
            /** Format: int32 */
            limit: number;
            /** Format: int32 */
            page: number;
            /** Format: int64 */
            total: number;
        };
        /** @description The first message of `dataset/{id}` after the events that were missed: the dataset as it is at `seq`. */
        DatasetSnapshotMessage: {
            channel: string;
            data: components["schemas"]["Dataset"];
            /** @enum {string} */
            event: "snapshot";
            last_terminal?: components["schemas"]["Happened"] | null;
            /** @description Events after the client's last number are too old to be replayed. */
            reset?: boolean;
            /** Format: int64 */
            seq: number;
        };
        /** @description The `DatasetStatistics` of the surfaces. */
        DatasetStatistics: {
            /** Format: date-time */
            computed_at: string;
            /**
             * Format: int64
             * @description Null, empty, or nothing left after the filters.
             */
            documents_empty: number;
            /** Format: int64 */
            documents_in: number;
            dropped_by_rule: components["schemas"]["DroppedByRule"];
            /**
             * @description Of each rule the tokens that it removed most often: rules in their order, counts descending, then ids ascending.
             *     Empty where it was not counted.
             */
            dropped_examples: components["schemas"]["DroppedToken"][];
            /** Format: int32 */
            length_bin_width: number;
            /** @description Sequences per bin: bin i holds lengths in `[i·width, (i+1)·width)`. */
            length_distribution: number[];
            length_percentiles: components["schemas"]["LengthPercentiles"];
            /**
             * Format: int64
             * @description UTF-8 bytes of the documents' text.
             */
            text_bytes: number;
            /**
             * Format: double
             * @description Tokens of that text before filters, windows and special tokens, by byte of it; none where it was not counted.
             */
            tokens_per_byte: number | null;
            /** Format: int64 */
            total_sequences: number;
            /** Format: int64 */
            total_tokens: number;
            /**
             * Format: double
             * @description Documents that gave more than one window ÷ documents that gave any.
             */
            truncated_fraction: number;
            /**
             * Format: int64
             * @description Vocabulary ids that occur at least once.
             */
            unique_tokens: number;
            /**
             * Format: int64
             * @description Vocabulary ids that never occur: `vocab_size` − `unique_tokens`.
             */
            unused_tokens: number;
            /** @description The most frequent ids: counts descending, then ids ascending. */
            vocab_distribution: components["schemas"]["VocabCount"][];
            /** Format: int64 */
            vocab_size: number;
        };
        /** @enum {string} */
        DatasetStatus: "pending" | "downloading" | "ready" | "failed" | "deleting";
        /** @description A dataset on one line. */
        DatasetSummary: {
            /** Format: uuid */
            id: string;
            name: string;
            /**
             * Format: double
             * @description Percent, while something runs whose size is known.
             */
            progress?: number | null;
            repo_id: string;
            /** Format: int64 */
            row_count?: number | null;
            /** Format: int64 */
            seq: number;
            /** Format: int64 */
            size_bytes?: number | null;
            status: components["schemas"]["DatasetStatus"];
            /** Format: int32 */
            tokenization_count: number;
            /** Format: int64 */
            version: number;
        };
        Download: {
            /** @description Another word for `subset`. */
            config?: string | null;
            /** @description For a private or gated repository; the server's own. It is kept sealed while the job runs, and shown nowhere. */
            hf_token?: string | null;
            /**
             * Format: int64
             * @description Only so many rows, the first of the source in its order; all.
             */
            max_samples?: number | null;
            on_bad_rows?: components["schemas"]["OnBadRows"] | null;
            revision?: string | null;
            /** @description One split; all. */
            split?: string | null;
            /** @description The Hub's word for config; what the dataset was registered with. */
            subset?: string | null;
        };
        DownloadProgress: {
            /** Format: int64 */
            attempt: number;
            /** Format: double */
            bytes_per_second: number;
            /**
             * Format: int64
             * @description Bytes.
             */
            downloaded: number;
            /** Format: double */
            eta_seconds?: number | null;
            /** @description The slowest five. */
            files: components["schemas"]["FileProgress"][];
            job_id: components["schemas"]["JobId"];
            /** Format: int32 */
            max_tries: number;
            phase: string;
            /**
             * Format: double
             * @description Percent, 0–100.
             */
            progress: number;
            /**
             * Format: int64
             * @description Converted so far; while a large file is, nothing else moves.
             */
            rows: number;
            /** Format: int64 */
            total: number;
            /**
             * Format: int32
             * @description As of the job.
             */
            tries: number;
        };
        /** @description Tokens that a filter removed, by the first rule that applied. */
        DroppedByRule: {
            /** Format: int64 */
            min_length: number;
            /** Format: int64 */
            special: number;
            /** Format: int64 */
            stop_word: number;
        };
        /** @description A token that a filter removed. */
        DroppedToken: {
            /** Format: int64 */
            count: number;
            rule: components["schemas"]["DropRule"];
            token: string;
            /** Format: int32 */
            token_id: number;
        };
        /**
         * @description A reason to drop a token.
         * @enum {string}
         */
        DropRule: "special" | "stop_word" | "min_length";
        /** @description An answer to the client. */
        FeedAnswer: {
            channel: string;
            /** @enum {string} */
            type: "subscribed";
        } | {
            channel: string;
            /** @enum {string} */
            type: "unsubscribed";
        } | {
            /** @enum {string} */
            type: "pong";
        } | {
            channel?: string | null;
            detail: string;
            errors?: components["schemas"]["FieldViolation"][];
            next_step?: string | null;
            reason: components["schemas"]["Reason"];
            /** Format: int64 */
            retry_after_ms?: number | null;
            retryable: boolean;
            /** @enum {string} */
            type: "error";
        };
        /** @description A field that was refused, and why. */
        FieldViolation: {
            description: string;
            field: string;
        };
        FileProgress: {
            /** Format: int64 */
            done: number;
            path: string;
            /** Format: int64 */
            total: number;
        };
        /** @description Something that happened to a dataset: with a number it is never left out, progress has none. */
        Happened: components["schemas"]["DatasetEvent"] & {
            /** Format: date-time */
            at?: string | null;
            /** Format: int64 */
            seq?: number | null;
        };
        HubConfig: {
            default: boolean;
            error?: components["schemas"]["ProblemDetails"] | null;
            /** @description Files of the repository that are in no split. */
            left_out: components["schemas"]["LeftOut"][];
            /**
             * Format: int64
             * @description How many were left out; the list may be shorter.
             */
            left_out_count: number;
            name: string;
            /**
             * Format: int64
             * @description Sum of the sizes of the source files.
             */
            size_bytes: number;
            splits: components["schemas"]["HubSplit"][];
        };
        /** @description What a repository holds at a commit, and what a download of it would take. */
        HubDataset: {
            columns: components["schemas"]["Column"][];
            /** @description What the revision stands for now. */
            commit_sha: string;
            configs: components["schemas"]["HubConfig"][];
            /** Format: int64 */
            disk_free: number;
            /**
             * Format: int64
             * @description Bytes that a download of the shown config needs free on the volume.
             */
            disk_needed: number;
            /** @description Column by column; what JSON cannot carry is text. */
            first_rows: {
                [key: string]: unknown;
            }[];
            /** @description Whether its owner must grant access. */
            gated: boolean;
            license?: string | null;
            preview?: components["schemas"]["PreviewSource"] | null;
        };
        HubFile: {
            path: string;
            /** Format: int64 */
            size_bytes: number;
        };
        HubSplit: {
            /**
             * Format: int64
             * @description How many files there are; the list may be shorter.
             */
            file_count: number;
            files: components["schemas"]["HubFile"][];
            /** @description Such as `parquet` or `json`. */
            format: string;
            name: string;
            /**
             * Format: int64
             * @description As the repository's card says.
             */
            row_count?: number | null;
            /** Format: int64 */
            size_bytes: number;
        };
        Job: {
            /**
             * Format: int64
             * @description The highest attempt of any task: every claim counts, also after a release or a crash of a worker.
             */
            attempt: number;
            /** Format: date-time */
            created_at: string;
            dataset_id: components["schemas"]["DatasetId"];
            error?: components["schemas"]["ProblemDetails"] | null;
            /** Format: date-time */
            finished_at?: string | null;
            id: components["schemas"]["JobId"];
            kind: components["schemas"]["JobKind"];
            /**
             * Format: int32
             * @description How many tries a failure that may pass is given.
             */
            max_tries: number;
            /**
             * Format: date-time
             * @description Set while a failed task waits for its next try.
             */
            next_run_at?: string | null;
            phases: components["schemas"]["JobPhase"][];
            progress: components["schemas"]["Progress"];
            state: components["schemas"]["JobState"];
            tasks: components["schemas"]["TaskCounts"];
            tokenization_id?: components["schemas"]["TokenizationId"] | null;
            /**
             * Format: int32
             * @description The try that the job is at, or waits for: one more than the failures of the task that failed most often.
             */
            tries: number;
        };
        /** Format: uuid */
        JobId: string;
        /** @enum {string} */
        JobKind: "ingest" | "tokenize";
        JobPage: {
            items: components["schemas"]["Job"][];
            /** Format: int32 */
            limit: number;
            /** Format: int32 */
            page: number;
            /** Format: int64 */
            total: number;
        };
        JobPhase: {
            /**
             * Format: int64
             * @description The highest attempt of the phase's tasks.
             */
            attempts: number;
            /** Format: date-time */
            finished_at?: string | null;
            /** @description `plan`, `work` or `finish`. */
            name: string;
            /** Format: date-time */
            started_at?: string | null;
            /**
             * Format: int32
             * @description As of the job, for the phase's tasks alone.
             */
            tries: number;
        };
        /** @enum {string} */
        JobState: "queued" | "running" | "succeeded" | "failed" | "cancelled";
        LeftOut: {
            path: string;
            /** @description Which rule left it out. */
            rule: string;
        };
        /** @description Lengths in tokens that 50, 90 and 99 of 100 sequences do not exceed (nearest rank), and the longest. */
        LengthPercentiles: {
            /** Format: int32 */
            max: number;
            /** Format: int32 */
            p50: number;
            /** Format: int32 */
            p90: number;
            /** Format: int32 */
            p99: number;
        };
        LookupStep: {
            plan: components["schemas"]["ReadPlan"];
            /** Format: int64 */
            step: number;
        };
        NewDataset: {
            /** @description The Hub's config (subset); the default one. */
            config?: string | null;
            /** @description Unique; the repository id, with a suffix when it is taken. */
            name?: string | null;
            /** @description `name` or `owner/name` on the Hub. */
            repo_id: string;
            /** @description Branch, tag, ref or commit; the default branch. */
            revision?: string | null;
        };
        /**
         * @description What becomes of a row of JSON, CSV or text that cannot be read.
         * @enum {string}
         */
        OnBadRows: "fail" | "skip";
        /**
         * @description Whether documents share rows.
         * @enum {string}
         */
        Packing: "none" | "concat";
        PanelChange: {
            data: components["schemas"]["DatasetSummary"];
            /** @enum {string} */
            event: "dataset_updated";
        } | {
            data: components["schemas"]["DatasetGone"];
            /** @enum {string} */
            event: "dataset_deleted";
        };
        /** @description A line of `datasets` that changed or is gone. */
        PanelMessage: components["schemas"]["PanelChange"] & {
            /** @enum {string} */
            channel: "datasets";
        };
        /** @description The first message of `datasets`: a line for each dataset. */
        PanelSnapshotMessage: {
            /** @enum {string} */
            channel: "datasets";
            data: components["schemas"]["DatasetSummary"][];
            /** @enum {string} */
            event: "snapshot";
        };
        /** @description The answer of `POST /tokenize/preview`. */
        Preview: {
            dropped_by_rule: components["schemas"]["DroppedByRule"];
            /** @description Which engine serves, but for single pieces of text. */
            engine: string;
            /** @description Of each token, whether the model said it; empty where no template tells. */
            loss_mask: boolean[];
            /** @description Of a conversation, what the chat template made of it: the offsets are those of this text. */
            rendered?: string | null;
            /** @description The commit that the tokenizer was pinned to. */
            tokenizer_revision: string;
            /** @description The tokens of the text, in order; what stands around a window is only in `windows`. */
            tokens: components["schemas"]["PreviewToken"][];
            /**
             * Format: int64
             * @description How many rows there are, those that are not shown included.
             */
            window_count: number;
            /** @description The rows that a job would store of this text alone, until their ids are a million. */
            windows: components["schemas"]["PreviewWindow"][];
        };
        /** @description A tokenization's configuration with a text or a conversation. */
        PreviewRequest: {
            /**
             * @description true
             * @default null
             */
            add_special_tokens?: boolean | null;
            /**
             * @description true when packing.
             * @default null
             */
            append_eos?: boolean | null;
            /**
             * Format: int32
             * @description Documents per encoding batch, at most 10,000; no influence on the result; 1000.
             * @default null
             */
            batch_size?: number | null;
            /**
             * @description Jinja, for a column of conversations; at most 65,536 bytes; the tokenizer's own.
             * @default null
             */
            chat_template?: string | null;
            /**
             * @description true
             * @default null
             */
            filter_special_tokens?: boolean | null;
            /**
             * @description true
             * @default null
             */
            filter_stop_words?: boolean | null;
            /**
             * Format: int32
             * @description Tokens in a window, special tokens of the template included; 1024.
             * @default null
             */
            max_length?: number | null;
            /** @description A conversation instead of a text: {role, content, …}, {from, value, …} or strings. As JSON and as text at most 65,536 bytes. */
            messages?: Record<string, never>[];
            /**
             * Format: int32
             * @description Characters; 3.
             * @default null
             */
            min_token_length?: number | null;
            /** @default null */
            packing?: components["schemas"]["Packing"] | null;
            /** @default null */
            split?: string | null;
            /**
             * @description ISO 639-1; `en`.
             * @default null
             */
            stop_words_language?: string | null;
            /**
             * Format: int32
             * @description Overlap of two windows in tokens; 512.
             * @default null
             */
            stride?: number | null;
            /** @description At most 65,536 bytes of UTF-8. */
            text?: string;
            /** @default null */
            text_column?: string | null;
            /**
             * @description Model repository on the Hub.
             * @default
             */
            tokenizer_name: string;
            /** @default null */
            tokenizer_revision?: string | null;
        };
        /** @description Where the first rows come from. */
        PreviewSource: {
            config: string;
            error?: components["schemas"]["ProblemDetails"] | null;
            /** @description None: the split has no file that is not empty. */
            file?: string | null;
            split: string;
        };
        PreviewToken: {
            /** @description Of the piece, each 0 to 255; a character may be split among tokens. */
            bytes: number[];
            /** @description The first rule that drops it; null when it is kept. */
            dropped_by?: ("special" | "stop_word" | "min_length") | null;
            /** Format: int32 */
            id: number;
            kept: boolean;
            /**
             * @description Where the token begins and ends in the text, in characters (Unicode code points, as Python counts); tokens that
             *     split a character all name it.
             */
            offsets: number[];
            /** @description The bytes as text; what is not whole UTF-8 as `<0xNN>`. */
            piece: string;
            special: boolean;
        };
        /** @description A row: a window, or of packed rows one that this text alone fills. */
        PreviewWindow: {
            /** @description Of a packed row: where documents begin in it. */
            doc_starts: number[];
            /**
             * Format: int32
             * @description One more than the last of the kept tokens in it.
             */
            end: number;
            /** @description As stored, special tokens of the template or the fill of a packed row included. */
            input_ids: number[];
            /**
             * Format: int32
             * @description Ids that are no fill.
             */
            length: number;
            /**
             * Format: int32
             * @description Kept tokens that the window before has too.
             */
            overlap: number;
            /**
             * Format: int32
             * @description The first of the kept tokens in it, counted without the dropped ones.
             */
            start: number;
        };
        /**
         * @description A problem as JSON (RFC 9457): the body of every error answer, and the `error` of a dataset, tokenization, job or
         *     event. Only what answers a request has `instance` and `trace_id`.
         */
        ProblemDetails: {
            /** @description One sentence: what happened and where (file, row, column). */
            detail: string;
            /** @description One entry per refused field. */
            errors?: components["schemas"]["FieldViolation"][];
            /** @description The path of the request. */
            instance?: string | null;
            next_step?: string | null;
            reason: components["schemas"]["Reason"];
            /**
             * Format: int64
             * @description Milliseconds to wait before the next try.
             */
            retry_after_ms?: number | null;
            /** @description Whether the same request may succeed later without a change. */
            retryable: boolean;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            title: string;
            trace_id?: string | null;
            /** @description Where the reason is explained; relative to the gateway. */
            type: string;
        };
        /** @description Counters of a task, or summed over a job's tasks. */
        Progress: {
            /**
             * Format: int64
             * @default 0
             */
            bytes?: number;
            /**
             * Format: int64
             * @description Bytes for an ingest, documents for a tokenization.
             * @default 0
             */
            done?: number;
            /** @default [] */
            files?: components["schemas"]["FileProgress"][];
            /**
             * @description `resolving`, `downloading`, `converting`, `tokenizing` or `finishing`.
             * @default
             */
            phase?: string;
            /**
             * Format: int64
             * @default 0
             */
            rows?: number;
            /**
             * Format: int64
             * @default 0
             */
            sequences?: number;
            /**
             * Format: int64
             * @default 0
             */
            tokens?: number;
            /**
             * Format: int64
             * @description 0 = not known yet.
             * @default 0
             */
            total?: number;
        };
        RawSample: {
            /** @description Columns that lost something to `max_cell_bytes`. */
            cut?: string[];
            /** @description Column by column; what JSON cannot carry is text. */
            data: {
                [key: string]: unknown;
            };
            /**
             * Format: int64
             * @description Row in the split.
             */
            index: number;
            split: string;
        };
        /** @description What a training run reads; the same as in a Flight `CMD` descriptor. */
        ReadPlan: {
            columns?: string[] | null;
            /** @default true */
            drop_last?: boolean | null;
            /**
             * Format: int64
             * @description Exclusive; the end of the epoch when absent. Required when sources are mixed.
             */
            end_step?: number | null;
            /**
             * Format: int64
             * @default 0
             */
            epoch?: number | null;
            /**
             * Format: int32
             * @description Rows of one training step over all ranks.
             */
            global_batch_rows: number;
            /**
             * Format: int32
             * @description Only this rank; all when absent.
             */
            rank?: number | null;
            /**
             * Format: int64
             * @default 0
             */
            seed?: number | null;
            /** @description `none` (the default), `global`, or `{"block": {"rows": n}}`. */
            shuffle?: unknown;
            /** @description One, or several that are mixed by weight. */
            sources: components["schemas"]["ReadPlanSource"][];
            /**
             * Format: int64
             * @default 0
             */
            start_step?: number | null;
            /**
             * Format: int32
             * @description Divides `global_batch_rows`.
             * @default 1
             */
            world_size?: number | null;
        };
        ReadPlanSource: {
            /** Format: uuid */
            tokenization_id: string;
            /**
             * Format: int32
             * @description Relative share of the rows, at least 1.
             * @default 1
             */
            weight?: number | null;
        };
        /**
         * @description Why something failed. Clients decide by this, never by text.
         * @enum {string}
         */
        Reason: "INVALID_REPO_ID" | "INVALID_REVISION" | "INVALID_FIELD" | "MALFORMED_BODY" | "UNSUPPORTED_MEDIA" | "BODY_TOO_LARGE" | "DATASET_TOO_LARGE" | "UNAUTHENTICATED" | "FORBIDDEN" | "ORIGIN_NOT_ALLOWED" | "HUB_GATED" | "HUB_TOKEN_REJECTED" | "NOT_FOUND" | "HUB_REPO_NOT_FOUND" | "HUB_REVISION_NOT_FOUND" | "HUB_SPLIT_NOT_FOUND" | "HUB_CONFIG_NOT_FOUND" | "HUB_CONFIG_REQUIRED" | "NO_DATA_FILES" | "SCRIPT_DATASET" | "JOB_ALREADY_ACTIVE" | "NAME_TAKEN" | "JOB_TERMINAL" | "DATASET_NOT_READY" | "DATASET_READY" | "IDEMPOTENCY_KEY_REUSED" | "STALE_ATTEMPT" | "DOWNLOAD_FAILED" | "HUB_RATE_LIMITED" | "CHECKSUM_MISMATCH" | "SOURCE_CORRUPT" | "SOURCE_LIMIT_EXCEEDED" | "SCHEMA_MISMATCH" | "NO_TEXT_COLUMN" | "TOKENIZER_UNSUPPORTED" | "SHARD_CORRUPT" | "TOKENIZE_OOM" | "POISON" | "DISK_FULL" | "RATE_LIMITED" | "QUOTA_EXCEEDED" | "OVERLOADED" | "DB_UNAVAILABLE" | "DRAINING" | "DEADLINE_EXCEEDED" | "NOT_IMPLEMENTED" | "INTERNAL";
        Sample: components["schemas"]["RawSample"] | components["schemas"]["TokenSample"];
        Samples: {
            /** Format: int32 */
            limit: number;
            /** Format: int32 */
            page: number;
            samples: components["schemas"]["Sample"][];
            search?: components["schemas"]["Search"] | null;
            /**
             * Format: int64
             * @description Rows in all pages; of a search, the rows found so far.
             */
            total: number;
        };
        /** @description How far a search looked. */
        Search: {
            /** @description False: the search stopped at its bounds, and later rows were not looked at. */
            complete: boolean;
            /** Format: int64 */
            scanned_rows: number;
        };
        /** @description What the server says: answers, and the messages of the channels. */
        ServerMessage: components["schemas"]["FeedAnswer"] | components["schemas"]["DatasetSnapshotMessage"] | components["schemas"]["DatasetMessage"] | components["schemas"]["PanelSnapshotMessage"] | components["schemas"]["PanelMessage"];
        Split: {
            name: string;
            /** Format: int64 */
            row_count: number;
            /**
             * Format: int64
             * @description Bytes of the raw shards.
             */
            size_bytes: number;
        };
        Started: {
            /** Format: uuid */
            job_id: string;
        };
        /** @description How many datasets match `q` in each status, whatever `status` was asked for. */
        StatusCounts: {
            /** Format: int64 */
            downloading: number;
            /** Format: int64 */
            failed: number;
            /** Format: int64 */
            pending: number;
            /** Format: int64 */
            ready: number;
        };
        TaskCounts: {
            /** Format: int32 */
            done: number;
            /** Format: int32 */
            failed: number;
            /** Format: int32 */
            running: number;
            /** Format: int32 */
            total: number;
        };
        Tokenization: {
            config: components["schemas"]["TokenizeConfigFilled"];
            /** Format: date-time */
            created_at: string;
            dataset_id: components["schemas"]["DatasetId"];
            engine?: string | null;
            error?: components["schemas"]["ProblemDetails"] | null;
            id: components["schemas"]["TokenizationId"];
            /** @description Hexadecimal sha256 of `identity_fields`. */
            identity: string;
            identity_fields: unknown;
            job_id: components["schemas"]["JobId"];
            /** Format: int32 */
            max_length: number;
            /** Format: int64 */
            num_sequences?: number | null;
            /** Format: int64 */
            num_tokens?: number | null;
            progress?: components["schemas"]["Progress"] | null;
            status: components["schemas"]["TokenizationStatus"];
            /** Format: int32 */
            stride: number;
            /** @description Storage key relative to the data directory. */
            token_file_path?: string | null;
            tokenizer_name: string;
            /** @description The commit that the tokenizer was pinned to. */
            tokenizer_revision?: string | null;
            /** @description Hexadecimal sha256 of tokenizer.json. */
            tokenizer_sha256: string;
            /** Format: date-time */
            updated_at: string;
            /** Format: int64 */
            version: number;
            /** Format: int64 */
            vocab_size?: number | null;
        };
        /** Format: uuid */
        TokenizationId: string;
        TokenizationList: {
            /** @description Newest first. */
            items: components["schemas"]["Tokenization"][];
            total: number;
        };
        TokenizationProgress: {
            /** Format: double */
            eta_seconds?: number | null;
            job_id: components["schemas"]["JobId"];
            /** Format: int32 */
            max_tries: number;
            /**
             * Format: double
             * @description Percent, 0–100.
             */
            progress: number;
            /** Format: int64 */
            samples: number;
            /** Format: double */
            samples_per_second: number;
            /** Format: int64 */
            sequences: number;
            tokenization_id: components["schemas"]["TokenizationId"];
            /** Format: int64 */
            tokens: number;
            /** Format: int64 */
            total_samples: number;
            /**
             * Format: int32
             * @description As of the job.
             */
            tries: number;
        };
        TokenizationStarted: {
            /** Format: uuid */
            job_id: string;
            /** @description The same tokenization existed, and nothing was started. */
            reused: boolean;
            /** Format: uuid */
            tokenization_id: string;
        };
        /** @enum {string} */
        TokenizationStatus: "pending" | "running" | "ready" | "failed" | "cancelled" | "deleting";
        /** @description A request as it comes in: absent fields take the default. */
        TokenizeConfig: {
            /**
             * @description true
             * @default null
             */
            add_special_tokens?: boolean | null;
            /**
             * @description true when packing.
             * @default null
             */
            append_eos?: boolean | null;
            /**
             * Format: int32
             * @description Documents per encoding batch, at most 10,000; no influence on the result; 1000.
             * @default null
             */
            batch_size?: number | null;
            /**
             * @description Jinja, for a column of conversations; at most 65,536 bytes; the tokenizer's own.
             * @default null
             */
            chat_template?: string | null;
            /**
             * @description true
             * @default null
             */
            filter_special_tokens?: boolean | null;
            /**
             * @description true
             * @default null
             */
            filter_stop_words?: boolean | null;
            /**
             * Format: int32
             * @description Tokens in a window, special tokens of the template included; 1024.
             * @default null
             */
            max_length?: number | null;
            /**
             * Format: int32
             * @description Characters; 3.
             * @default null
             */
            min_token_length?: number | null;
            /** @default null */
            packing?: components["schemas"]["Packing"] | null;
            /** @default null */
            split?: string | null;
            /**
             * @description ISO 639-1; `en`.
             * @default null
             */
            stop_words_language?: string | null;
            /**
             * Format: int32
             * @description Overlap of two windows in tokens; 512.
             * @default null
             */
            stride?: number | null;
            /** @default null */
            text_column?: string | null;
            /**
             * @description Model repository on the Hub.
             * @default
             */
            tokenizer_name?: string;
            /** @default null */
            tokenizer_revision?: string | null;
        };
        /** @description The same with every default filled in. */
        TokenizeConfigFilled: {
            add_special_tokens: boolean;
            append_eos: boolean;
            /** Format: int32 */
            batch_size: number;
            chat_template?: string | null;
            filter_special_tokens: boolean;
            filter_stop_words: boolean;
            /** Format: int32 */
            max_length: number;
            /** Format: int32 */
            min_token_length: number;
            packing: components["schemas"]["Packing"];
            split?: string | null;
            stop_words_language: string;
            /** Format: int32 */
            stride: number;
            text_column?: string | null;
            tokenizer_name: string;
            tokenizer_revision?: string | null;
        };
        TokenSample: {
            /**
             * Format: int64
             * @description Row in the split that the tokens come from.
             */
            doc: number;
            /**
             * Format: int64
             * @description Row in the tokenization.
             */
            index: number;
            input_ids: number[];
            /** @description One per id; bytes that are not whole UTF-8 as `<0xNN>`. */
            pieces: string[];
            /** @description Positions of special tokens, ascending. */
            special: number[];
            split: string;
            text: string;
            /** Format: int32 */
            window: number;
        };
        Uploaded: {
            dataset: components["schemas"]["Dataset"];
            /** Format: uuid */
            job_id: string;
        };
        UploadForm: {
            /**
             * @description One part for each file, in the order of their rows: parquet, jsonl, json, csv, tsv, txt, arrow, tar or zip, the
             *     text ones also compressed. A name with `test` or `validation` in it makes a split.
             */
            files: string[];
            /** @description Unique. */
            name: string;
            on_bad_rows?: components["schemas"]["OnBadRows"] | null;
            /** @description The column that tokenizations read by default. */
            text_column?: string | null;
        };
        VerifyPlan: {
            plan: components["schemas"]["ReadPlan"];
        };
        /** @description How often one vocabulary id occurs. */
        VocabCount: {
            /** Format: int64 */
            count: number;
            /**
             * Format: double
             * @description `count` ÷ total tokens.
             */
            fraction: number;
            token: string;
            /** Format: int32 */
            token_id: number;
        };
    };
    responses: {
        /** @description What went wrong; clients decide by `reason` (RFC 9457) */
        Problem: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["ProblemDetails"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    about: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["About"];
                };
            };
        };
    };
    list_datasets: {
        parameters: {
            query?: {
                /** @description Datasets of a page, 1 to 200; 20. */
                limit?: number;
                /** @description The first page is 1. */
                page?: number;
                /** @description Part of the name or repository id, any case. */
                q?: string;
                /** @description What the list is ordered by, with `-` before it for descending; `-created_at`. */
                sort?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | "name" | "-name" | "size_bytes" | "-size_bytes" | "row_count" | "-row_count";
                /** @description Only datasets in this status. */
                status?: "pending" | "downloading" | "ready" | "failed" | "deleting";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatasetPage"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
        };
    };
    create_dataset: {
        parameters: {
            query?: never;
            header?: {
                /** @description the same key and body give the same answer for 24 h */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewDataset"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dataset"];
                };
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            501: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    get_dataset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dataset"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
        };
    };
    delete_dataset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            501: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    cancel_dataset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            501: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    download_dataset: {
        parameters: {
            query?: never;
            header?: {
                /** @description remembered for 24 h */
                "Idempotency-Key"?: string | null;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Download"] | null;
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Started"];
                };
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            501: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    dataset_events: {
        parameters: {
            query?: never;
            header?: {
                /** @description the last number received */
                "Last-Event-ID"?: number | null;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    list_samples: {
        parameters: {
            query?: {
                /** @description Rows of a page, 1 to 200; 20. */
                limit?: number;
                /** @description Cuts each cell of a raw row to about so many bytes, 16 to 1048576, and names those in `cut`; not at all. */
                max_cell_bytes?: number;
                /** @description The first page is 1. */
                page?: number;
                /** @description Only rows with this part in one of their text columns (or in their decoded text), any case, at most 256 characters. */
                q?: string;
                /** @description Only rows of this split; all, in order. */
                split?: string;
                /** @description Token rows of this tokenization instead of raw rows. */
                tokenization_id?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Samples"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
        };
    };
    get_statistics: {
        parameters: {
            query?: {
                /** @description The newest ready one. */
                tokenization_id?: string;
                /** @description Entries of `vocab_distribution`, at most 1000; 100. */
                top?: number;
            };
            header?: {
                "If-None-Match"?: string | null;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatasetStatistics"];
                };
            };
            /** @description unchanged */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
        };
    };
    list_tokenizations: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenizationList"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
        };
    };
    tokenize_dataset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenizeConfig"];
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenizationStarted"];
                };
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            501: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    upload_dataset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": components["schemas"]["UploadForm"];
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Uploaded"];
                };
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            501: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    inspect_repo: {
        parameters: {
            query?: {
                /** @description The config whose first rows are shown; the default one, else the first. */
                config?: string;
                /** @description Branch, tag, ref or commit; the default branch. */
                revision?: string;
                /** @description The split whose first rows are shown; the first. */
                split?: string;
            };
            header?: {
                /** @description for a private or gated repository; kept nowhere */
                "X-HF-Token"?: string | null;
            };
            path: {
                /** @description `owner/name`; the slash may be encoded */
                repo_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HubDataset"];
                };
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            502: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
        };
    };
    list_jobs: {
        parameters: {
            query?: {
                dataset_id?: string;
                kind?: "ingest" | "tokenize";
                /** @description Jobs of a page, 1 to 200; 20. */
                limit?: number;
                /** @description The first page is 1. */
                page?: number;
                state?: "queued" | "running" | "succeeded" | "failed" | "cancelled";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobPage"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
        };
    };
    get_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
        };
    };
    retry_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Started"];
                };
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            501: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    lookup_step: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LookupStep"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
        };
    };
    verify_plan: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VerifyPlan"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
        };
    };
    list_readers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
        };
    };
    get_tokenization: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokenization"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
        };
    };
    delete_tokenization: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            501: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    cancel_tokenization: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            501: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    preview_tokenization: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PreviewRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Preview"];
                };
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            501: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            504: components["responses"]["Problem"];
            507: components["responses"]["Problem"];
        };
    };
    connect_feeds: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description switches to WebSocket */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
}
