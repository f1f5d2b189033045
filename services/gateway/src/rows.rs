//! The client of the Flight service: stored rows, and its answers about read plans. The gateway never opens a shard.

use crate::error::ApiError;
use arrow_array::RecordBatch;
use arrow_flight::{
    Action, FlightDescriptor, FlightEndpoint, decode::FlightRecordBatchStream, error::FlightError,
    flight_service_client::FlightServiceClient,
};
use catalog_client::{TraceContext, Traced};
use dataset_model::{DatasetId, TokenizationId};
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use serde_json::Value;
use std::{collections::VecDeque, time::Duration};
use tonic::{Request, Status, transport::Channel};

/// Room for one row of the size that ingestion accepts.
const MAX_MESSAGE: usize = 80 << 20;

/// Batches of rows, in stored order.
pub(crate) type Batches = BoxStream<'static, Result<RecordBatch, ApiError>>;

/// The Flight client. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Rows(FlightServiceClient<Traced>);

impl Rows {
    pub(crate) fn new(channel: Channel) -> Self {
        let client = FlightServiceClient::with_interceptor(channel, TraceContext);
        Self(client.max_decoding_message_size(MAX_MESSAGE))
    }

    /// Raw rows of one split, in stored order.
    pub(crate) async fn raw(&self, id: DatasetId, split: &str, start: u64, count: u64) -> Result<Batches, ApiError> {
        let id = id.to_string();
        self.read(&["datasets", &id, "raw", split, "rows", &start.to_string(), &count.to_string()]).await
    }

    /// Token rows, in stored order.
    pub(crate) async fn tokens(&self, id: TokenizationId, start: u64, count: u64) -> Result<Batches, ApiError> {
        let id = id.to_string();
        self.read(&["tokenizations", &id, "rows", &start.to_string(), &count.to_string()]).await
    }

    /// The answer of an action, JSON for JSON.
    pub(crate) async fn act(&self, action: &'static str, body: &Value, time: Duration) -> Result<Value, ApiError> {
        let mut request = Request::new(Action::new(action, body.to_string()));
        request.set_timeout(time);
        let mut answer = self.0.clone().do_action(request).await?.into_inner();
        let Some(result) = answer.message().await? else {
            return Err(ApiError::internal(&format!("{action} gave no answer")));
        };
        serde_json::from_slice(&result.body).map_err(|error| ApiError::internal(&error))
    }

    /// Endpoint after endpoint, each asked for when its turn comes: a reader that has enough drops the stream.
    async fn read(&self, path: &[&str]) -> Result<Batches, ApiError> {
        let descriptor = FlightDescriptor::new_path(path.iter().map(|&part| part.to_owned()).collect());
        let info = self.0.clone().get_flight_info(catalog_client::request(descriptor)).await?.into_inner();
        let state = (self.0.clone(), VecDeque::from(info.endpoint));
        let parts = stream::try_unfold(state, async |(mut client, mut endpoints)| {
            let Some(endpoint) = endpoints.pop_front() else { return Ok(None) };
            let part = open(&mut client, endpoint).await?;
            Ok::<_, ApiError>(Some((part, (client, endpoints))))
        });
        Ok(parts.try_flatten().boxed())
    }
}

async fn open(client: &mut FlightServiceClient<Traced>, endpoint: FlightEndpoint) -> Result<Batches, ApiError> {
    let ticket = endpoint.ticket.ok_or_else(|| ApiError::internal(&"an endpoint without a ticket"))?;
    let data = client.do_get(ticket).await?.into_inner();
    let batches = FlightRecordBatchStream::new_from_flight_data(data.map_err(FlightError::from));
    Ok(batches.map(|batch| batch.map_err(failed)).boxed())
}

/// The domain's reason travels in the status of a stream's end.
fn failed(error: FlightError) -> ApiError {
    match error {
        FlightError::Tonic(status) => ApiError::from(Status::clone(&status)),
        other => ApiError::internal(&other),
    }
}
