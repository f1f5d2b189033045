//! `tokenmill tokenization preview`: asked of the tokenization service, as no dataset is needed for it.

use super::{Client, tokenization};
use crate::{arguments::Preview as Options, failure::Failure, output};
use dataset_model::{
    Preview, TokenizeRequest,
    preview::{MAX_TEXT_BYTES, PreviewToken, PreviewWindow},
};
use dataset_proto::tokenization::{PreviewRequest, tokenization_query_service_client::TokenizationQueryServiceClient};
use std::io::Read;

/// The longest text in tokens of one byte, and the rows of it.
const MAX_ANSWER: usize = 64 << 20;
/// Ids of a row that are shown to a person.
const SHOWN_IDS: usize = 12;

pub(super) async fn show(client: &Client, options: Options) -> Result<(), Failure> {
    let channel = service_kit::channel(&options.tokenization_url).map_err(|error| Failure::usage(error.chain()))?;
    let mut service = TokenizationQueryServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER);
    let given = given(&options)?;
    let (text, messages) = if options.messages.is_some() { (String::new(), Some(given)) } else { (given, None) };
    let chat_template = options.chat_template.as_deref().map(tokenization::template).transpose()?;
    let config = TokenizeRequest { chat_template, ..tokenization::asked(options.choices) };
    let asked = PreviewRequest { config: Some(config.into()), text, messages };
    let answer = service.preview(catalog_client::request(asked)).await?.into_inner();
    let preview = Preview::try_from(answer)?;
    if client.json { output::json(&preview) } else { print(&preview) }
}

/// The argument, the file, or standard input.
fn given(options: &Options) -> Result<String, Failure> {
    let unreadable = |what: &str, error: &std::io::Error| Failure::usage(format!("{what} cannot be read: {error}"));
    // One byte more than is allowed is enough to be refused.
    let limit = MAX_TEXT_BYTES as u64 + 1;
    let mut text = String::new();
    match (&options.text, options.file.as_ref().or(options.messages.as_ref())) {
        (Some(given), _) if given != "-" => given.clone_into(&mut text),
        (_, Some(file)) => {
            let read = std::fs::File::open(file).and_then(|open| open.take(limit).read_to_string(&mut text));
            read.map_err(|error| unreadable(&format!("`{}`", file.display()), &error))?;
        }
        _ => {
            let read = std::io::stdin().lock().take(limit).read_to_string(&mut text);
            read.map_err(|error| unreadable("standard input", &error))?;
        }
    }
    Ok(text)
}

fn print(preview: &Preview) -> Result<(), Failure> {
    if let Some(rendered) = &preview.rendered {
        output::line(&format!("{rendered}\n"))?;
    }
    let token = |token: &PreviewToken| {
        let [start, end] = token.offsets;
        let dropped_by = token.dropped_by.map_or("", |rule| rule.as_str());
        let special = if token.special { "special" } else { "" };
        [
            token.id.to_string(),
            format!("{:?}", token.piece),
            format!("{start}-{end}"),
            special.into(),
            dropped_by.into(),
        ]
        .to_vec()
    };
    let tokens: Vec<Vec<String>> = preview.tokens.iter().map(token).collect();
    output::table(&["id", "piece", "characters", "special", "dropped by"], &tokens)?;

    let row = |(number, row): (usize, &PreviewWindow)| {
        let more = if row.input_ids.len() > SHOWN_IDS { " …" } else { "" };
        let ids: Vec<String> = row.input_ids.iter().take(SHOWN_IDS).map(ToString::to_string).collect();
        let kept = format!("{}-{}", row.start, row.end);
        vec![number.to_string(), row.length.to_string(), kept, row.overlap.to_string(), ids.join(" ") + more]
    };
    let rows: Vec<Vec<String>> = preview.windows.iter().enumerate().map(row).collect();
    output::line("")?;
    output::table(&["row", "length", "kept tokens", "overlap", "ids"], &rows)?;
    if preview.window_count > rows.len() as u64 {
        output::line(&format!("… {} rows in all", preview.window_count))?;
    }

    let dropped = preview.dropped_by_rule;
    let (total, kept) = (tokens.len(), preview.tokens.iter().filter(|token| token.kept).count());
    output::line(&format!(
        "\n{total} tokens, {kept} kept; dropped: {} special, {} stop words, {} short; served by {} at {}",
        dropped.special, dropped.stop_word, dropped.min_length, preview.engine, preview.tokenizer_revision
    ))
}
