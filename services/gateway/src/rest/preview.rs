//! The preview of a tokenization: one text, token by token, before anything is started.

use super::{
    Gateway,
    extract::{Body, fields},
    request,
};
use crate::{error::ApiError, openapi::WriteErrors};
use axum::{Json, extract::State};
use dataset_model::{Preview, Problem, TokenizeRequest};
use dataset_proto::tokenization::PreviewRequest;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, schema::Type},
};

/// The fields of a tokenization, and `text` or `messages` beside them.
struct PreviewBody;

impl PartialSchema for PreviewBody {
    // Derived, it would be `allOf` two schemas of which one refuses the field of the other.
    fn schema() -> RefOr<Schema> {
        let mut schema = TokenizeRequest::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            let text =
                ObjectBuilder::new().schema_type(Type::String).description(Some("At most 65,536 bytes of UTF-8."));
            let messages = ArrayBuilder::new().items(RefOr::T(Schema::default())).description(Some(
                "A conversation instead of a text: {role, content, …}, {from, value, …} or strings. As JSON and as text at most 65,536 bytes.",
            ));
            object.properties.insert("text".to_owned(), text.into());
            object.properties.insert("messages".to_owned(), messages.into());
            object.required.push("tokenizer_name".to_owned());
            object.description = Some("A tokenization's configuration with a text or a conversation.".to_owned());
        }
        schema
    }
}

impl ToSchema for PreviewBody {
    fn name() -> std::borrow::Cow<'static, str> {
        "PreviewRequest".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        TokenizeRequest::schemas(schemas);
    }
}

/// Shows what a configuration makes of a text or a conversation: tokens, which of them are dropped and why, and the rows.
#[utoipa::path(post, path = "/tokenize/preview", operation_id = "preview_tokenization", tag = "tokenizations",
    request_body = PreviewBody, responses((status = 200, body = Preview), WriteErrors))]
pub(super) async fn show(
    State(gateway): State<Gateway>,
    Body(mut body): Body<BTreeMap<String, Box<RawValue>>>,
) -> Result<Json<Preview>, ApiError> {
    // As it was written: templates see the fields of a message in their order.
    let messages = body.remove("messages").filter(|raw| raw.get() != "null").map(|raw| raw.get().to_owned());
    let text = match body.remove("text") {
        Some(_) if messages.is_some() => return Err(Problem::field("text", "must not be given with `messages`").into()),
        Some(raw) => serde_json::from_str(raw.get()).map_err(|_| Problem::field("text", "must be a string"))?,
        None if messages.is_some() => String::new(),
        None => return Err(Problem::field("text", "is required, or `messages`").into()),
    };
    let value = |(name, raw): (String, Box<RawValue>)| match serde_json::from_str(raw.get()) {
        Ok(value) => Ok((name, value)),
        Err(error) => Err(Problem::field(&name, error.to_string())),
    };
    let config: TokenizeRequest = fields(body.into_iter().map(value).collect::<Result<_, _>>()?)?;
    let message = PreviewRequest { config: Some(config.into()), text, messages };
    let answer = gateway.tokenizer.clone().preview(request(message)).await?.into_inner();
    Ok(Json(answer.try_into()?))
}
