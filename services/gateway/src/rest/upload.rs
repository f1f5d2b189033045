//! The upload of local files: a form is passed on part by part as it comes, and never held whole.

use super::{Gateway, extract::choice};
use crate::{error::ApiError, openapi::WriteErrors};
use axum::{
    Json,
    extract::{
        Multipart, State,
        multipart::{Field, MultipartError, MultipartRejection},
    },
    http::{HeaderMap, StatusCode, header},
};
use dataset_model::{Dataset, JobId, OnBadRows, Problem, Reason};
use dataset_proto::{
    Required,
    catalog::OnBadRows as ProtoOnBadRows,
    ingestion::{FileStart, UploadEnd, UploadRequest, UploadStart, upload_request::Part},
};
use serde::Serialize;
use std::{collections::HashSet, time::Duration};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

/// Parts on their way: what is faster than the disk waits.
const QUEUE: usize = 4;
/// Name and column are short.
const MAX_TEXT: usize = 4 << 10;
/// After a refusal so much more is read, so that the client is done sending and hears why.
const MAX_DRAINED: usize = 64 << 20;
/// A client that sends nothing for so long hears its answer at once.
const SILENCE: Duration = Duration::from_secs(1);

#[derive(ToSchema)]
#[expect(dead_code, reason = "a form is read part by part; this describes it")]
pub(crate) struct UploadForm {
    /// One part for each file, in the order of their rows: parquet, jsonl, json, csv, tsv, txt, arrow, tar or zip, the
    /// text ones also compressed. A name with `test` or `validation` in it makes a split.
    #[schema(value_type = Vec<String>, format = Binary)]
    files: Vec<u8>,
    /// Unique.
    name: String,
    /// The column that tokenizations read by default.
    text_column: Option<String>,
    /// `skip` leaves rows of JSON, CSV and text out that cannot be read, and counts them; `fail`.
    on_bad_rows: Option<OnBadRows>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Uploaded {
    dataset: Dataset,
    #[schema(value_type = uuid::Uuid)]
    job_id: JobId,
}

/// Registers local files as a dataset and starts their conversion.
#[utoipa::path(post, path = "/datasets/upload", operation_id = "upload_dataset", tag = "datasets",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 202, body = Uploaded), WriteErrors))]
pub(crate) async fn upload(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Uploaded>), ApiError> {
    let refused = |_| ApiError::new(Reason::UnsupportedMedia, "the body must be `multipart/form-data`");
    let mut form = form.map_err(refused)?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let (parts, outgoing) = mpsc::channel(QUEUE);
    let mut client = gateway.ingestion.clone();
    let call = client.upload(ReceiverStream::new(outgoing));
    tokio::pin!(call);
    // A form that breaks off drops the call in its middle, which is how the service knows.
    let answer = tokio::select! {
        answer = &mut call => answer,
        passed = pass(&mut form, length, parts) => match passed {
            Ok(()) => call.await,
            Err(error) => return Err(drained(form, error).await),
        },
    };
    match answer {
        Ok(answer) => {
            let answer = answer.into_inner();
            let dataset = answer.dataset.required("dataset")?.try_into()?;
            Ok((StatusCode::ACCEPTED, Json(Uploaded { dataset, job_id: super::id(&answer.job_id)? })))
        }
        Err(status) => Err(drained(form, status.into()).await),
    }
}

/// Passes the form on, its end last. Ends early and in peace when nobody listens any more: the answer says why.
async fn pass(form: &mut Multipart, length: Option<u64>, parts: mpsc::Sender<UploadRequest>) -> Result<(), ApiError> {
    let send = async |part| parts.send(UploadRequest { part: Some(part) }).await.is_ok();
    let mut seen = HashSet::new();
    if !send(Part::Start(UploadStart { total_bytes: length, ..UploadStart::default() })).await {
        return Ok(());
    }
    while let Some(mut field) = form.next_field().await.map_err(|error| broken(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "files" {
            let file_name = field.file_name().unwrap_or_default().to_owned();
            if file_name.is_empty() {
                return Err(Problem::field("files", "must be a file with a name").into());
            }
            let mut goes_on = send(Part::File(FileStart { file_name })).await;
            while let Some(bytes) = field.chunk().await.map_err(|error| broken(&error))? {
                goes_on = goes_on && send(Part::Chunk(bytes.into())).await;
                if !goes_on {
                    return Ok(());
                }
            }
            continue;
        }
        let start = match name.as_str() {
            "name" => UploadStart { name: text(field, &name).await?, ..UploadStart::default() },
            "text_column" => UploadStart { text_column: Some(text(field, &name).await?), ..UploadStart::default() },
            "on_bad_rows" => {
                let asked = choice::<OnBadRows>(&name, Some(&text(field, &name).await?))?.unwrap_or_default();
                UploadStart { on_bad_rows: ProtoOnBadRows::from(asked).into(), ..UploadStart::default() }
            }
            _ => return Err(Problem::field(&name, "is not a part of this form").into()),
        };
        if !seen.insert(name.clone()) {
            return Err(Problem::field(&name, "comes twice").into());
        }
        // An empty column is as if it was not there, as browsers send it.
        if start.text_column.as_deref() != Some("") && !send(Part::Start(start)).await {
            return Ok(());
        }
    }
    send(Part::End(UploadEnd {})).await;
    Ok(())
}

async fn text(mut field: Field<'_>, name: &str) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_TEXT {
            return Err(ApiError::new(Reason::BodyTooLarge, format!("`{name}` is longer than {MAX_TEXT} bytes")));
        }
    }
    String::from_utf8(bytes).map_err(|_| Problem::field(name, "is not UTF-8").into())
}

fn broken(error: &MultipartError) -> ApiError {
    ApiError::new(Reason::MalformedBody, format!("the form is not whole: {}", error.body_text()))
}

/// Reads on for a while, as most clients hear an answer only when they have said everything.
async fn drained(mut form: Multipart, error: ApiError) -> ApiError {
    let mut left = MAX_DRAINED;
    while let Ok(Ok(Some(mut field))) = timeout(SILENCE, form.next_field()).await {
        while let Ok(Ok(Some(chunk))) = timeout(SILENCE, field.chunk()).await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return error;
            }
        }
    }
    error
}
