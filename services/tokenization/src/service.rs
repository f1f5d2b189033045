//! The service's questions: decode the message, ask, encode the answer.

use std::sync::Arc;

use dataset_model::{Problem, TokenizeConfig, TokenizeRequest, preview::MAX_TEXT_BYTES};
use dataset_proto::Required;
use dataset_proto::status::to_status;
use dataset_proto::tokenization::tokenization_query_service_server::TokenizationQueryService;
use dataset_proto::tokenization::{
    DecodeRequest, DecodeResponse, DecodeRow, DecodedRow, InspectTokenizerRequest, InspectTokenizerResponse,
    PreviewRequest, PreviewResponse, SpecialToken,
};
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status};

use crate::desk::Desk;
use crate::engine::chat::{self, Rendered};
use crate::engine::preview::{preview, preview_conversation};
use crate::engine::vocabulary::printable;
use crate::engine::{Recipe, Tokenizer};
use crate::failure;
use crate::tokenizer::{Pinned, Tokenizers};

/// Rows of one `Decode`.
const MAX_ROWS: usize = 200;
/// Of special tokens, and of a chat template, in an answer that stays under 1 MiB.
const SHOWN_BYTES: usize = 256 << 10;
/// What a special token takes beside its text.
const SPECIAL_TOKEN_BYTES: usize = 16;

pub(crate) struct Queries {
    pub(crate) tokenizers: Arc<Tokenizers>,
    pub(crate) desk: Desk,
}

#[tonic::async_trait]
impl TokenizationQueryService for Queries {
    async fn inspect_tokenizer(
        &self,
        request: Request<InspectTokenizerRequest>,
    ) -> Result<Response<InspectTokenizerResponse>, Status> {
        let inspected = self.inspected(request.into_inner()).await;
        inspected.map(|pinned| Response::new(described(&pinned))).map_err(|problem| to_status(&problem))
    }

    async fn preview(&self, request: Request<PreviewRequest>) -> Result<Response<PreviewResponse>, Status> {
        let previewed = self.previewed(request.into_inner()).await;
        previewed.map(Response::new).map_err(|problem| to_status(&problem))
    }

    async fn decode(&self, request: Request<DecodeRequest>) -> Result<Response<DecodeResponse>, Status> {
        let DecodeRequest { tokenizer_name, tokenizer_revision, rows } = request.into_inner();
        if rows.len() > MAX_ROWS {
            let description = format!("must be at most {MAX_ROWS}, not {}", rows.len());
            return Err(to_status(&Problem::field("rows", description)));
        }
        let pinned = self.tokenizers.at_revision(&tokenizer_name, tokenizer_revision.as_deref()).await;
        let tokenizer = pinned.map_err(|problem| to_status(&problem))?.tokenizer;
        let decoding = self.desk.run(move |_| Ok(rows.iter().map(|row| decoded(&tokenizer, row)).collect()));
        let rows = decoding.await.map_err(|problem| to_status(&problem))?;
        Ok(Response::new(DecodeResponse { rows }))
    }
}

impl Queries {
    async fn inspected(&self, request: InspectTokenizerRequest) -> Result<Pinned, Problem> {
        let InspectTokenizerRequest { tokenizer_name, tokenizer_revision, config, is_chat } = request;
        let pinned = self.tokenizers.at_revision(&tokenizer_name, tokenizer_revision.as_deref()).await?;
        if let Some(config) = config {
            let config = TokenizeRequest::try_from(config)?.checked()?;
            let tokenizer = Arc::clone(&pinned.tokenizer);
            self.desk.run(move |_| recipe(tokenizer, &config, is_chat).map(drop)).await?;
        }
        Ok(pinned)
    }

    async fn previewed(&self, request: PreviewRequest) -> Result<PreviewResponse, Problem> {
        let (config, asked) = asked(request)?;
        let revision = config.tokenizer_revision.as_deref();
        let Pinned { commit, tokenizer } = self.tokenizers.at_revision(&config.tokenizer_name, revision).await?;
        let work = move |stop: &dyn Fn() -> bool| {
            let shown = match asked {
                Asked::Text(text) => preview(&recipe(tokenizer, &config, false)?, &commit, &text, stop),
                Asked::Messages(messages) => {
                    let recipe = recipe(tokenizer, &config, true)?;
                    preview_conversation(&recipe, &commit, rendered(&recipe, &messages)?, stop)
                }
            };
            shown.map_err(|error| failure::preview(&config.tokenizer_name, &error))
        };
        self.desk.run(work).await.map(Into::into)
    }
}

/// The recipe of a job that would start today.
fn recipe(tokenizer: Arc<Tokenizer>, config: &TokenizeConfig, is_chat: bool) -> Result<Recipe, Problem> {
    let made = if is_chat {
        Recipe::for_chat(tokenizer, config, service_kit::now().date_naive())
    } else {
        Recipe::new(tokenizer, config)
    };
    made.map_err(|error| failure::recipe(&error))
}

/// What a preview is of.
enum Asked {
    Text(String),
    /// A conversation as JSON.
    Messages(String),
}

/// The configuration as a tokenization checks it, and what it is tried on.
fn asked(request: PreviewRequest) -> Result<(TokenizeConfig, Asked), Problem> {
    let PreviewRequest { config, text, messages } = request;
    let asked = match messages {
        None => Asked::Text(text),
        Some(_) if !text.is_empty() => return Err(Problem::field("text", "must not be given with `messages`")),
        Some(messages) => Asked::Messages(messages),
    };
    match &asked {
        Asked::Text(text) => short("text", text)?,
        Asked::Messages(messages) => short("messages", messages)?,
    }
    let config = TokenizeRequest::try_from(config.required("config")?)?.checked()?;
    if config.chat_template.is_some() && matches!(asked, Asked::Text(_)) {
        let description = "is for conversations: give `messages` instead of a text";
        return Err(Problem::field("chat_template", description));
    }
    Ok((config, asked))
}

fn short(field: &str, text: &str) -> Result<(), Problem> {
    if text.len() <= MAX_TEXT_BYTES {
        return Ok(());
    }
    let description = format!("must be at most {MAX_TEXT_BYTES} bytes of UTF-8, not {}", text.len());
    Err(Problem::field(field, description).next_step("preview a part of it"))
}

/// The text that the recipe's template makes of a conversation.
fn rendered(recipe: &Recipe, messages: &str) -> Result<Rendered, Problem> {
    let wrong = |description: String| Problem::field("messages", description);
    let messages = chat::messages(messages).map_err(|error| wrong(error.to_string()))?;
    let rendered = recipe.chat().map(|chat| chat.render(messages)).transpose();
    let rendered = rendered.map_err(|error| wrong(error.to_string()))?.unwrap_or_default();
    short("messages", &rendered.text)?;
    Ok(rendered)
}

fn described(Pinned { commit, tokenizer }: &Pinned) -> InspectTokenizerResponse {
    let (special, template) = (tokenizer.special_ids(), tokenizer.template());
    let special_token_count = template.prefix.len() + template.suffix.len();
    let (special_tokens, special_token_total) = special_tokens(tokenizer);
    let chat_template = tokenizer.names().chat_template.as_ref();
    InspectTokenizerResponse {
        commit_sha: commit.clone(),
        sha256: hex::encode(tokenizer.sha256()),
        family: tokenizer.family().to_owned(),
        vocab_size: tokenizer.vocabulary().size(),
        max_id: tokenizer.max_id(),
        special_token_count: u32::try_from(special_token_count).unwrap_or(u32::MAX),
        bos_id: special.bos,
        eos_id: special.eos,
        pad_id: special.pad,
        unk_id: special.unk,
        has_chat_template: chat_template.is_some(),
        engine: tokenizer.encoder().name().to_owned(),
        special_tokens,
        special_token_total,
        chat_template: chat_template.filter(|text| text.len() <= SHOWN_BYTES).cloned(),
        engine_refused: tokenizer.encoder().refused().map(ToString::to_string),
        chat_template_sha256: chat_template.map(|text| hex::encode(Sha256::digest(text))),
        names_sha256: names_sha256(tokenizer),
        chat_template_is_dated: chat_template.is_some_and(|text| text.contains("strftime_now")),
    }
}

fn names_sha256(tokenizer: &Tokenizer) -> String {
    let names = serde_json::json!(tokenizer.names().tokens);
    hex::encode(Sha256::digest(names.to_string()))
}

/// The special tokens that are shown, and how many there are.
fn special_tokens(tokenizer: &Tokenizer) -> (Vec<SpecialToken>, u64) {
    let (mut shown, mut total, mut bytes) = (Vec::new(), 0, 0);
    for (id, content, roles) in tokenizer.special_tokens() {
        total += 1;
        bytes += content.len() + SPECIAL_TOKEN_BYTES;
        if bytes <= SHOWN_BYTES {
            let roles = roles.into_iter().map(str::to_owned).collect();
            shown.push(SpecialToken { id, content: content.to_owned(), roles });
        }
    }
    (shown, total)
}

fn decoded(tokenizer: &Tokenizer, row: &DecodeRow) -> DecodedRow {
    let vocabulary = tokenizer.vocabulary();
    let pieces = row.input_ids.iter().map(|id| printable(vocabulary.bytes(*id))).collect();
    let special = (0..).zip(&row.input_ids).filter(|(_, id)| vocabulary.is_special(**id)).map(|(at, _)| at).collect();
    DecodedRow { pieces, text: tokenizer.decode(&row.input_ids), special }
}
