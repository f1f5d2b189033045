//! The commands of the client: each asks the catalog and prints the answer.

mod dataset;
mod export;
mod flight;
mod hub;
mod job;
mod preview;
mod read_plan;
mod repository;
mod tokenization;
mod upload;

use crate::{
    arguments::{Arguments, Command},
    failure::Failure,
    output,
};
use catalog_client::{CatalogClient, request};
use dataset_model::{Dataset, DatasetId};
use dataset_proto::catalog::DatasetServiceListRequest;
use std::io::{BufRead, IsTerminal};

/// What every command needs.
pub(crate) struct Client {
    pub(crate) catalog: CatalogClient,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let channel = service_kit::channel(&arguments.catalog_url).map_err(|e| Failure::usage(e.chain()))?;
    let client = Client { catalog: CatalogClient::new(channel), json: arguments.json, quiet: arguments.quiet };
    match arguments.command {
        Command::Dataset(command) => dataset::run(&client, command).await,
        Command::Tokenization(command) => tokenization::run(&client, command).await,
        Command::Jobs(options) => job::run(&client, options).await,
        Command::Plan(command) => read_plan::run(&client, command).await,
        Command::Read(options) => read_plan::read(options).await,
        Command::Export(options) => export::run(&client, options).await,
        Command::Hub(command) => hub::run(command).await,
        Command::Version => output::line(env!("CARGO_PKG_VERSION")),
        Command::Up(_) | Command::Completions { .. } => Err(Failure::usage("is not a command of the client")),
    }
}

impl Client {
    /// The dataset with this id, or with exactly this name or repository id.
    pub(crate) async fn find(&self, text: &str) -> Result<Dataset, Failure> {
        if let Ok(id) = text.parse::<DatasetId>() {
            return Ok(self.catalog.get_dataset(id).await?);
        }
        let query = DatasetServiceListRequest { query: text.to_owned(), page_size: 200, ..Default::default() };
        let found = self.catalog.datasets().list(request(query)).await?.into_inner().datasets;
        let mut matching: Vec<_> = found.iter().filter(|d| d.name == text).collect();
        if matching.is_empty() {
            matching = found.iter().filter(|d| d.repo_id == text).collect();
        }
        match matching.as_slice() {
            [] => Err(Failure::not_found(format!("there is no dataset `{text}`; `tokenmill dataset ls` lists them"))),
            [dataset] => Ok((*dataset).clone().try_into()?),
            several => Err(Failure::usage(format!(
                "`{text}` is the repository of {} datasets; give an id: {}",
                several.len(),
                several.iter().map(|d| d.id.as_str()).collect::<Vec<_>>().join(", ")
            ))),
        }
    }
}

/// Asks before something is lost. Without a terminal the answer is no.
pub(crate) fn confirm(what: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::refused(format!("{what} needs --yes where nobody can be asked")));
    }
    output::remark(&format!("{what}? [y/N]"));
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    if answer.trim().eq_ignore_ascii_case("y") { Ok(()) } else { Err(Failure::cancelled("nothing was done")) }
}
