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
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// The fields of a tokenization, and `text` beside them.
struct PreviewBody;

impl PartialSchema for PreviewBody {
    // Derived, it would be `allOf` two schemas of which one refuses the field of the other.
    fn schema() -> RefOr<Schema> {
        let mut schema = TokenizeRequest::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            let text =
                ObjectBuilder::new().schema_type(Type::String).description(Some("At most 65,536 bytes of UTF-8."));
            object.properties.insert("text".to_owned(), text.into());
            object.required.extend(["text".to_owned(), "tokenizer_name".to_owned()]);
            object.description = Some("A tokenization's configuration with a text.".to_owned());
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

/// Shows what a configuration makes of a text: tokens, which of them are dropped and why, and the rows.
#[utoipa::path(post, path = "/tokenize/preview", operation_id = "preview_tokenization", tag = "tokenizations",
    request_body = PreviewBody, responses((status = 200, body = Preview), WriteErrors))]
pub(super) async fn show(
    State(gateway): State<Gateway>,
    Body(mut body): Body<Map<String, Value>>,
) -> Result<Json<Preview>, ApiError> {
    let text = match body.remove("text") {
        Some(Value::String(text)) => text,
        Some(_) => return Err(Problem::field("text", "must be a string").into()),
        None => return Err(Problem::field("text", "is required").into()),
    };
    let config: TokenizeRequest = fields(body)?;
    let message = PreviewRequest { config: Some(config.into()), text };
    let answer = gateway.tokenizer.clone().preview(request(message)).await?.into_inner();
    Ok(Json(answer.try_into()?))
}
