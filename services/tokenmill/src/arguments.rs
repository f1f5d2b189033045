//! The command line, modelled on `hf`.

mod dataset;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

pub(crate) use dataset::{Dataset, HubAccess, Upload};

/// Datasets for language-model training: from the Hugging Face Hub to token shards that training jobs read.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Arguments {
    /// Where the catalog is reached.
    #[arg(long, global = true, env = "TOKENMILL_CATALOG__URL", default_value = "http://127.0.0.1:50051")]
    pub(crate) catalog_url: String,
    /// Print JSON, as the REST API gives it.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run all services in one process, with a private Postgres and NATS unless `DATABASE_URL` and `NATS_URL` are set.
    Up(Up),
    /// Register, download and remove datasets.
    #[command(subcommand)]
    Dataset(Dataset),
    /// Tokenize datasets.
    #[command(subcommand)]
    Tokenization(Tokenization),
    /// List jobs, newest first, or start the work of one again.
    Jobs(Jobs),
    /// Ask what a read plan reads.
    #[command(subcommand)]
    Plan(Plan),
    /// Print the rows of one step of a read plan, as JSON lines.
    Read(Read),
    /// Write a tokenization as files for other tools.
    Export(Export),
    /// A Hub of your own.
    #[command(subcommand)]
    Hub(Hub),
    /// Print the version.
    Version,
    /// Print the completions of a shell.
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Datasets, database and message store.
    #[arg(long, default_value = "./data")]
    pub(crate) data_dir: PathBuf,
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) gateway: SocketAddr,
    #[arg(long, default_value = "127.0.0.1:8815")]
    pub(crate) flight: SocketAddr,
    #[arg(long, default_value = "127.0.0.1:50051")]
    pub(crate) catalog: SocketAddr,
    #[arg(long, default_value = "127.0.0.1:50052")]
    pub(crate) ingestion: SocketAddr,
    #[arg(long, default_value = "127.0.0.1:50053")]
    pub(crate) tokenization: SocketAddr,
    /// First of five ports for the health pages; 0 = any.
    #[arg(long, default_value_t = 9100)]
    pub(crate) internal_port: u16,
    /// Settings file [default: tokenmill.toml].
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Waiting {
    /// Wait for the end (the default).
    #[arg(long, conflicts_with = "detach")]
    pub(crate) wait: bool,
    /// Return as soon as the job is queued.
    #[arg(long)]
    pub(crate) detach: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Preset {
    /// For training language models: nothing is filtered, and documents share rows, each with an end token. With
    /// `--stride`, windows of single documents.
    Lm,
    /// The defaults of the API: special tokens, stop words and short tokens are dropped.
    Analysis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rows {
    None,
    Concat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tokenization {
    /// Tokenize a ready dataset.
    Create(Box<Create>),
    /// List the tokenizations of a dataset.
    Ls { dataset: String },
    /// Show one.
    Show { id: String },
    /// Statistics of the newest ready tokenization, or of the one given.
    Stats {
        dataset: String,
        #[arg(long)]
        tokenization: Option<String>,
        /// Entries of the vocabulary distribution.
        #[arg(long, default_value_t = 20)]
        top: u32,
    },
    /// Show what a configuration makes of a text, token by token.
    Preview(Box<Preview>),
    /// Cancel one.
    Cancel { id: String },
    /// Remove one.
    Rm {
        id: String,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    pub(crate) dataset: String,
    #[command(flatten)]
    pub(crate) choices: Choices,
    /// Column of texts, or of conversations.
    #[arg(long)]
    pub(crate) text_column: Option<String>,
    /// File with a chat template (Jinja) for conversations [default: the tokenizer's own].
    #[arg(long)]
    pub(crate) chat_template: Option<PathBuf>,
    #[arg(long)]
    pub(crate) split: Option<String>,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
}

#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// What is tokenized; standard input when it is left out, or -.
    #[arg(conflicts_with = "file")]
    pub(crate) text: Option<String>,
    /// A file that holds the text.
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// A file that holds a conversation instead: JSON, a list of {role, content}, of {from, value} or of strings.
    #[arg(long, conflicts_with_all = ["text", "file"])]
    pub(crate) messages: Option<PathBuf>,
    /// File with a chat template (Jinja) for the conversation [default: the tokenizer's own].
    #[arg(long, requires = "messages")]
    pub(crate) chat_template: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) choices: Choices,
    /// Where the tokenization service is reached.
    #[arg(long, env = "TOKENMILL_TOKENIZATION__URL", default_value = "http://127.0.0.1:50053")]
    pub(crate) tokenization_url: String,
}

/// What is chosen about a tokenization, whatever it is made of.
#[derive(Debug, Args)]
pub(crate) struct Choices {
    /// Model repository on the Hub whose tokenizer is used.
    #[arg(long)]
    pub(crate) tokenizer: String,
    #[arg(long)]
    pub(crate) tokenizer_revision: Option<String>,
    #[arg(long, value_enum, default_value = "analysis")]
    pub(crate) preset: Preset,
    /// Tokens in a window [default: 1024].
    #[arg(long)]
    pub(crate) max_length: Option<u32>,
    /// Overlap of two windows in tokens [default: 512].
    #[arg(long)]
    pub(crate) stride: Option<u32>,
    /// Whether documents share rows of exactly `--max-length` tokens.
    #[arg(long, value_enum)]
    pub(crate) packing: Option<Rows>,
    /// Whether an end token follows each packed document.
    #[arg(long)]
    pub(crate) append_eos: Option<bool>,
    #[arg(long)]
    pub(crate) min_token_length: Option<u32>,
    #[arg(long)]
    pub(crate) filter_special_tokens: Option<bool>,
    #[arg(long)]
    pub(crate) filter_stop_words: Option<bool>,
    #[arg(long)]
    pub(crate) stop_words_language: Option<String>,
    #[arg(long)]
    pub(crate) add_special_tokens: Option<bool>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Jobs {
    #[command(subcommand)]
    pub(crate) command: Option<JobCommand>,
    /// Only of this dataset, by id or name.
    #[arg(long)]
    pub(crate) dataset: Option<String>,
    #[arg(long)]
    pub(crate) state: Option<String>,
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// Start the work of a failed or cancelled job again, as it was asked for.
    Retry { id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Plan {
    /// Show which rows a step reads, down to the row of the source file.
    Lookup {
        #[command(flatten)]
        plan: PlanText,
        #[arg(long)]
        step: u64,
        #[command(flatten)]
        flight: FlightAddress,
    },
    /// Prove that an epoch reads each row once.
    Verify {
        #[command(flatten)]
        plan: PlanText,
        #[command(flatten)]
        flight: FlightAddress,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Read {
    #[command(flatten)]
    pub(crate) plan: PlanText,
    #[arg(long)]
    pub(crate) step: u64,
    /// Only of this rank.
    #[arg(long)]
    pub(crate) rank: Option<u32>,
    #[command(flatten)]
    pub(crate) flight: FlightAddress,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Parquet files.
    Parquet,
    /// A folder for `datasets.load_from_disk`.
    Datasets,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    pub(crate) tokenization: String,
    /// A folder that does not exist yet, or is empty.
    pub(crate) dir: PathBuf,
    #[arg(long, value_enum, default_value = "parquet")]
    pub(crate) format: ExportFormat,
    #[command(flatten)]
    pub(crate) flight: FlightAddress,
}

#[derive(Debug, Args)]
pub(crate) struct PlanText {
    /// JSON, or a file that holds it, or - for standard input.
    pub(crate) plan: String,
}

#[derive(Debug, Args)]
pub(crate) struct FlightAddress {
    /// Where Arrow Flight is reached.
    #[arg(long, env = "TOKENMILL_FLIGHT__URL", default_value = "http://127.0.0.1:8815")]
    pub(crate) flight_url: String,
}

#[derive(Debug, Args)]
pub(crate) struct IngestionAddress {
    /// Where the ingestion service is reached.
    #[arg(long, env = "TOKENMILL_INGESTION__URL", default_value = "http://127.0.0.1:50052")]
    pub(crate) ingestion_url: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Hub {
    /// Serve a folder of repositories (`datasets/…`, `models/…`) over the Hub's protocol.
    Serve {
        dir: PathBuf,
        #[arg(long, default_value = "127.0.0.1:8090")]
        listen: SocketAddr,
    },
}
