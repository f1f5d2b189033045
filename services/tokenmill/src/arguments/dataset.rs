//! What `tokenmill dataset …` takes.

use super::{IngestionAddress, Waiting};
use clap::{Args, Subcommand, ValueEnum};
use dataset_proto::catalog as proto;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Dataset {
    /// Register a dataset of the Hub.
    Add {
        repo_id: String,
        #[arg(long)]
        name: Option<String>,
        /// Branch, tag or commit.
        #[arg(long)]
        revision: Option<String>,
        /// Config (subset).
        #[arg(long)]
        config: Option<String>,
    },
    /// List datasets.
    Ls {
        /// Part of the name or repository id.
        query: Option<String>,
        #[arg(long)]
        status: Option<String>,
        #[arg(long, default_value_t = 20)]
        limit: u32,
        #[arg(long, default_value_t = 1)]
        page: u32,
    },
    /// Show one, by id or name.
    Show { dataset: String },
    /// Download it and turn it into Arrow shards.
    Pull {
        dataset: String,
        #[arg(long)]
        split: Option<String>,
        #[arg(long)]
        config: Option<String>,
        #[arg(long)]
        revision: Option<String>,
        /// Only so many rows, the first in the order of the source.
        #[arg(long)]
        max_samples: Option<u64>,
        #[command(flatten)]
        bad_rows: BadRows,
        #[command(flatten)]
        access: HubAccess,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Send local files, which become a dataset.
    Upload(Upload),
    /// Show what a repository of the Hub holds and its first rows; nothing is downloaded.
    Preview {
        repo_id: String,
        /// Branch, tag or commit.
        #[arg(long)]
        revision: Option<String>,
        /// Config (subset) whose rows are shown.
        #[arg(long)]
        config: Option<String>,
        #[arg(long)]
        split: Option<String>,
        /// Rows to show, at most 100.
        #[arg(long, default_value_t = 5)]
        rows: u32,
        #[command(flatten)]
        access: HubAccess,
        #[command(flatten)]
        ingestion: IngestionAddress,
    },
    /// Cancel what runs on it; partial files are kept for the next pull.
    Cancel { dataset: String },
    /// Remove it and all its tokenizations.
    Rm {
        dataset: String,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct HubAccess {
    /// File with a Hub token for this call alone, `-` for standard input; all users of a machine see its arguments.
    #[arg(long, value_name = "FILE")]
    pub(crate) hf_token_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BadRows {
    /// What becomes of rows of JSON, CSV and text that cannot be read.
    #[arg(long, value_enum, default_value_t = OnBadRows::Fail)]
    pub(crate) on_bad_rows: OnBadRows,
}

impl BadRows {
    pub(crate) fn asked(&self) -> proto::OnBadRows {
        match self.on_bad_rows {
            OnBadRows::Fail => proto::OnBadRows::Fail,
            OnBadRows::Skip => proto::OnBadRows::Skip,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OnBadRows {
    /// The job fails and names the first.
    Fail,
    /// They are left out and counted.
    Skip,
}

#[derive(Debug, Args)]
pub(crate) struct Upload {
    /// Parquet, jsonl, json, csv, tsv, txt, arrow, tar or zip; the text ones also compressed. In the order of their rows.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[arg(long)]
    pub(crate) name: String,
    /// The column that tokenizations read by default.
    #[arg(long)]
    pub(crate) text_column: Option<String>,
    #[command(flatten)]
    pub(crate) bad_rows: BadRows,
    #[command(flatten)]
    pub(crate) ingestion: IngestionAddress,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
}
