//! Rows for commands, as a client of the flight service.

use crate::{arguments::FlightAddress, failure::Failure};
use arrow_array::RecordBatch;
use arrow_flight::{
    FlightDescriptor, FlightEndpoint, FlightInfo, decode::FlightRecordBatchStream, error::FlightError,
    flight_service_client::FlightServiceClient,
};
use futures::{Stream, TryStreamExt};
use tonic::transport::Channel;

/// As the Flight service sends at most, unless a single row is larger.
const MAX_MESSAGE: usize = 80 << 20;

pub(super) struct Flight(pub(super) FlightServiceClient<Channel>);

impl Flight {
    pub(super) fn connect(address: &FlightAddress) -> Result<Self, Failure> {
        let channel = service_kit::channel(&address.flight_url).map_err(|error| Failure::usage(error.chain()))?;
        Ok(Self(FlightServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE)))
    }

    pub(super) async fn info(&mut self, descriptor: FlightDescriptor) -> Result<FlightInfo, Failure> {
        Ok(self.0.get_flight_info(catalog_client::request(descriptor)).await?.into_inner())
    }

    /// The rows of an endpoint.
    pub(super) async fn rows(
        &mut self,
        endpoint: FlightEndpoint,
    ) -> Result<impl Stream<Item = Result<RecordBatch, Failure>> + Unpin + use<>, Failure> {
        let ticket = endpoint.ticket.ok_or_else(|| Failure::other("the service gave an endpoint without a ticket"))?;
        let data = self.0.do_get(ticket).await?.into_inner();
        Ok(FlightRecordBatchStream::new_from_flight_data(data.map_err(FlightError::from)).map_err(failed))
    }
}

/// The reason of a failed stream travels in its status.
fn failed(error: FlightError) -> Failure {
    match error {
        FlightError::Tonic(status) => Failure::from(*status),
        other => Failure::other(other.to_string()),
    }
}
