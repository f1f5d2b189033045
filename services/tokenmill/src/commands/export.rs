//! `tokenmill export`: a tokenization as files that other tools read, one for each token shard.
//!
//! Files are written beside their place and moved there when all are complete: what lies under the name is whole.

use super::{Client, flight::Flight};
use crate::{
    arguments::{Export, ExportFormat},
    failure::Failure,
    output,
};
use arrow_array::RecordBatch;
use arrow_flight::FlightDescriptor;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Schema};
use dataset_model::TokenizationId;
use futures::TryStreamExt;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};
use serde_json::json;
use std::{
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
    sync::Arc,
};

pub(crate) async fn run(client: &Client, options: Export) -> Result<(), Failure> {
    let Ok(id) = options.tokenization.parse::<TokenizationId>() else {
        return Err(Failure::not_found(format!("`{}` is not the id of a tokenization", options.tokenization)));
    };
    let folder = Folder::new(&options.dir)?;
    let mut flight = Flight::connect(&options.flight)?;
    let info = flight.info(FlightDescriptor::new_path(vec!["tokenizations".to_owned(), id.to_string()])).await?;
    let schema = Arc::new(Schema::try_from(info.clone()).map_err(|error| unwritten(&error))?);
    let (count, mut files, mut rows) = (info.endpoint.len().max(1), Vec::new(), 0);
    let extension = match options.format {
        ExportFormat::Parquet => "parquet",
        ExportFormat::Datasets => "arrow",
    };
    let mut endpoints = info.endpoint.into_iter();
    for n in 0..count {
        let name = format!("data-{n:05}-of-{count:05}.{extension}");
        let mut writer = Writer::create(options.format, &folder.partial.join(&name), &schema)?;
        // A tokenization without rows has no endpoint, and becomes one file without rows.
        if let Some(endpoint) = endpoints.next() {
            let mut batches = flight.rows(endpoint).await?;
            while let Some(batch) = batches.try_next().await? {
                rows += batch.num_rows();
                writer.write(&batch)?;
            }
        }
        writer.finish()?;
        files.push(name);
    }
    if i64::try_from(rows).ok() != Some(info.total_records) {
        return Err(Failure::other(format!("{rows} rows came of the {} that were announced", info.total_records)));
    }
    if let ExportFormat::Datasets = options.format {
        folder.describe(id, &files)?;
    }
    folder.publish()?;
    if client.json {
        return output::json(&json!({"dir": options.dir, "files": files, "rows": rows}));
    }
    output::line(&format!("{rows} rows in {} files under {}", files.len(), options.dir.display()))
}

/// The folder in the making; dropped before it is published, it is removed.
struct Folder {
    partial: PathBuf,
    place: PathBuf,
}

impl Folder {
    fn new(place: &Path) -> Result<Self, Failure> {
        if fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_some()) || place.is_file() {
            return Err(Failure::refused(format!("`{}` exists; choose another folder", place.display())));
        }
        let Some(name) = place.file_name() else {
            return Err(Failure::usage(format!("`{}` is not the name of a folder", place.display())));
        };
        let partial = place.with_file_name(format!(".{}.partial", name.to_string_lossy()));
        // What an interrupted export left.
        drop(fs::remove_dir_all(&partial));
        fs::create_dir_all(&partial).map_err(|error| unwritten(&error))?;
        Ok(Self { partial, place: place.to_owned() })
    }

    /// What `datasets.load_from_disk` wants beside the files.
    fn describe(&self, id: TokenizationId, files: &[String]) -> Result<(), Failure> {
        let listed: Vec<_> = files.iter().map(|name| json!({"filename": name})).collect();
        let state = json!({
            "_data_files": listed, "_fingerprint": id.to_string().replace('-', ""), "_format_columns": null,
            "_format_kwargs": {}, "_format_type": null, "_output_all_columns": false, "_split": null,
        });
        let info = json!({"citation": "", "description": "", "homepage": "", "license": ""});
        for (name, content) in [("state.json", state), ("dataset_info.json", info)] {
            fs::write(self.partial.join(name), content.to_string()).map_err(|error| unwritten(&error))?;
        }
        Ok(())
    }

    fn publish(self) -> Result<(), Failure> {
        fs::rename(&self.partial, &self.place).map_err(|error| unwritten(&error))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.partial));
    }
}

/// One file.
enum Writer {
    Parquet(Box<ArrowWriter<File>>),
    Arrow(Box<StreamWriter<BufWriter<File>>>),
}

impl Writer {
    fn create(format: ExportFormat, path: &Path, schema: &Arc<Schema>) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|error| unwritten(&error))?;
        Ok(match format {
            ExportFormat::Parquet => {
                let compression = Compression::ZSTD(ZstdLevel::default());
                let properties = WriterProperties::builder().set_compression(compression).build();
                let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties));
                Self::Parquet(Box::new(writer.map_err(|error| unwritten(&error))?))
            }
            ExportFormat::Datasets => {
                let writer = StreamWriter::try_new(BufWriter::new(file), schema);
                Self::Arrow(Box::new(writer.map_err(|error| unwritten(&error))?))
            }
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        match self {
            Self::Parquet(writer) => writer.write(batch).map_err(|error| unwritten(&error)),
            Self::Arrow(writer) => writer.write(batch).map_err(|error| unwritten(&error)),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        let file = match self {
            Self::Parquet(mut writer) => {
                writer.finish().map_err(|error| unwritten(&error))?;
                return Ok(());
            }
            Self::Arrow(writer) => writer.into_inner().map_err(|error: ArrowError| unwritten(&error))?,
        };
        file.into_inner().map(drop).map_err(|error| unwritten(&error))
    }
}

fn unwritten(error: &dyn std::fmt::Display) -> Failure {
    Failure::other(format!("the export cannot be written: {error}"))
}
