//! The service's questions: decode the message, ask, encode the answer.

use std::sync::Arc;

use dataset_model::{Problem, Reason};
use dataset_proto::status::to_status;
use dataset_proto::tokenization::tokenization_query_service_server::TokenizationQueryService;
use dataset_proto::tokenization::{
    DecodeRequest, DecodeResponse, DecodeRow, DecodedRow, InspectTokenizerRequest, InspectTokenizerResponse,
    PreviewRequest, PreviewResponse,
};
use tonic::{Request, Response, Status};

use crate::engine::Tokenizer;
use crate::engine::vocabulary::printable;
use crate::tokenizer::{Pinned, Tokenizers};

/// Rows of one `Decode`.
const MAX_ROWS: usize = 200;

pub(crate) struct Queries {
    pub(crate) tokenizers: Arc<Tokenizers>,
}

#[tonic::async_trait]
impl TokenizationQueryService for Queries {
    async fn inspect_tokenizer(
        &self,
        request: Request<InspectTokenizerRequest>,
    ) -> Result<Response<InspectTokenizerResponse>, Status> {
        let InspectTokenizerRequest { tokenizer_name, tokenizer_revision } = request.into_inner();
        let pinned = self.tokenizers.at_revision(&tokenizer_name, tokenizer_revision.as_deref()).await;
        pinned.map(|pinned| Response::new(described(&pinned))).map_err(|problem| to_status(&problem))
    }

    async fn preview(&self, _: Request<PreviewRequest>) -> Result<Response<PreviewResponse>, Status> {
        Err(to_status(&Problem::new(Reason::NotImplemented, "previews are not offered yet")))
    }

    async fn decode(&self, request: Request<DecodeRequest>) -> Result<Response<DecodeResponse>, Status> {
        let DecodeRequest { tokenizer_name, tokenizer_revision, rows } = request.into_inner();
        if rows.len() > MAX_ROWS {
            let description = format!("must be at most {MAX_ROWS}, not {}", rows.len());
            return Err(to_status(&Problem::field("rows", description)));
        }
        let pinned = self.tokenizers.at_revision(&tokenizer_name, tokenizer_revision.as_deref()).await;
        let tokenizer = pinned.map_err(|problem| to_status(&problem))?.tokenizer;
        let rows = rows.iter().map(|row| decoded(&tokenizer, row)).collect();
        Ok(Response::new(DecodeResponse { rows }))
    }
}

fn described(Pinned { commit, tokenizer }: &Pinned) -> InspectTokenizerResponse {
    let (special, template) = (tokenizer.special_ids(), tokenizer.template());
    let special_token_count = template.prefix.len() + template.suffix.len();
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
        has_chat_template: tokenizer.has_chat_template(),
        engine: tokenizer.encoder().name().to_owned(),
    }
}

fn decoded(tokenizer: &Tokenizer, row: &DecodeRow) -> DecodedRow {
    let pieces = row.input_ids.iter().map(|id| printable(tokenizer.vocabulary().bytes(*id))).collect();
    DecodedRow { pieces, text: tokenizer.decode(&row.input_ids) }
}
