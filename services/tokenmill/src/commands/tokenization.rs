//! `tokenmill tokenization …`.

use super::{Client, confirm, preview};
use crate::{
    arguments::{Choices, Create, Preset, Rows, Tokenization as Command},
    failure::Failure,
    output, watch,
};
use catalog_client::request;
use dataset_model::{JobId, Packing, Statistics, Tokenization, TokenizationId, TokenizeRequest};
use dataset_proto::{
    Required,
    catalog::{
        GetStatisticsRequest, TokenizationServiceCancelRequest, TokenizationServiceCreateRequest,
        TokenizationServiceDeleteRequest,
    },
};
use std::path::Path;

pub(crate) async fn run(client: &Client, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(options) => create(client, *options).await,
        Command::Ls { dataset } => {
            let tokenizations = client.find(&dataset).await?.tokenizations;
            if client.json { output::json(&tokenizations) } else { list(&tokenizations) }
        }
        Command::Show { id } => show(client, &client.catalog.get_tokenization(parse(&id)?).await?),
        Command::Stats { dataset, tokenization, top } => {
            let query = GetStatisticsRequest {
                dataset_id: client.find(&dataset).await?.id.to_string(),
                tokenization_id: tokenization,
                top: Some(top),
            };
            let answer = client.catalog.tokenizations().get_statistics(request(query)).await?.into_inner();
            statistics(client, &answer.statistics.required("statistics")?.try_into()?)
        }
        Command::Preview(options) => preview::show(client, *options).await,
        Command::Cancel { id } => {
            let cancel = TokenizationServiceCancelRequest { id: parse(&id)?.to_string() };
            client.catalog.tokenizations().cancel(request(cancel)).await?;
            Ok(())
        }
        Command::Rm { id, yes } => {
            let id = parse(&id)?.to_string();
            confirm(&format!("remove tokenization {id}"), yes)?;
            client.catalog.tokenizations().delete(request(TokenizationServiceDeleteRequest { id })).await?;
            Ok(())
        }
    }
}

fn parse(id: &str) -> Result<TokenizationId, Failure> {
    id.parse().map_err(|_| Failure::not_found(format!("`{id}` is not the id of a tokenization")))
}

async fn create(client: &Client, options: Create) -> Result<(), Failure> {
    let dataset = client.find(&options.dataset).await?;
    let chat_template = options.chat_template.as_deref().map(template).transpose()?;
    let (text_column, split) = (options.text_column, options.split);
    let config = TokenizeRequest { text_column, split, chat_template, ..asked(options.choices) };
    let new = TokenizationServiceCreateRequest { dataset_id: dataset.id.to_string(), config: Some(config.into()) };
    let answer = client.catalog.tokenizations().create(request(new)).await?.into_inner();
    let mut tokenization: Tokenization = answer.tokenization.required("tokenization")?.try_into()?;
    if answer.reused {
        output::remark("the same tokenization exists: nothing to do");
    } else if options.waiting.detach {
        return output::line(&tokenization.id.to_string());
    } else {
        let job: JobId = answer.job_id.parse().map_err(|_| Failure::other("the job's id cannot be read"))?;
        watch::wait(&client.catalog, dataset.id, job, client.quiet).await?;
        tokenization = client.catalog.get_tokenization(tokenization.id).await?;
    }
    show(client, &tokenization)
}

/// A chat template out of a file.
pub(super) fn template(path: &Path) -> Result<String, Failure> {
    let unreadable = |error| Failure::usage(format!("`{}` cannot be read: {error}", path.display()));
    std::fs::read_to_string(path).map_err(unreadable)
}

/// What was chosen, with what the preset chooses.
pub(super) fn asked(choices: Choices) -> TokenizeRequest {
    // What the preset says holds where nothing else was said.
    let preset = match choices.preset {
        Preset::Analysis => (None, None, None),
        Preset::Lm => (Some(false), Some(0), choices.stride.is_none().then_some(Packing::Concat)),
    };
    let packing = choices.packing.map(|rows| match rows {
        Rows::None => Packing::None,
        Rows::Concat => Packing::Concat,
    });
    TokenizeRequest {
        tokenizer_name: choices.tokenizer,
        tokenizer_revision: choices.tokenizer_revision,
        max_length: choices.max_length,
        stride: choices.stride,
        min_token_length: choices.min_token_length.or(preset.1),
        filter_special_tokens: choices.filter_special_tokens.or(preset.0),
        filter_stop_words: choices.filter_stop_words.or(preset.0),
        stop_words_language: choices.stop_words_language,
        add_special_tokens: choices.add_special_tokens,
        packing: packing.or(preset.2),
        append_eos: choices.append_eos,
        ..TokenizeRequest::default()
    }
}

fn list(tokenizations: &[Tokenization]) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = tokenizations
        .iter()
        .map(|t| {
            vec![
                t.id.to_string(),
                t.tokenizer_name.clone(),
                t.status.to_string(),
                format!("{}/{}", t.max_length, t.stride),
                output::count(t.num_tokens),
                output::count(t.num_sequences),
            ]
        })
        .collect();
    output::table(&["id", "tokenizer", "status", "length/stride", "tokens", "sequences"], &rows)
}

fn show(client: &Client, tokenization: &Tokenization) -> Result<(), Failure> {
    if client.json { output::json(tokenization) } else { list(std::slice::from_ref(tokenization)) }
}

fn statistics(client: &Client, s: &Statistics) -> Result<(), Failure> {
    if client.json {
        return output::json(s);
    }
    let lengths = s.length_percentiles;
    let dropped = s.dropped_by_rule;
    let count = |value: u64| output::count(Some(value));
    for (name, value) in [
        ("tokens", count(s.total_tokens)),
        ("unique tokens", format!("{} of {}", count(s.unique_tokens), count(s.vocab_size))),
        ("sequences", count(s.total_sequences)),
        ("length p50 p90 p99 max", format!("{} {} {} {}", lengths.p50, lengths.p90, lengths.p99, lengths.max)),
        ("documents", format!("{} ({} empty)", count(s.documents_in), count(s.documents_empty))),
        ("split into windows", format!("{:.1} %", s.truncated_fraction * 100.0)),
        (
            "dropped",
            format!(
                "{} special, {} stop words, {} short",
                count(dropped.special),
                count(dropped.stop_word),
                count(dropped.min_length)
            ),
        ),
        ("tokens per byte", s.tokens_per_byte.map_or_else(|| "not counted".to_owned(), |rate| format!("{rate:.3}"))),
    ] {
        output::line(&format!("{name:<24}{value}"))?;
    }
    for dropped in &s.dropped_examples {
        let name = format!("dropped, {}", dropped.rule.as_str());
        output::line(&format!("{name:<24}{} {} times", dropped.token, count(dropped.count)))?;
    }
    let rows: Vec<Vec<String>> = s
        .vocab_distribution
        .iter()
        .map(|v| {
            vec![
                v.token_id.to_string(),
                format!("{:?}", v.token),
                count(v.count),
                format!("{:.3} %", v.fraction * 100.0),
            ]
        })
        .collect();
    output::table(&["id", "token", "count", "share"], &rows)
}
