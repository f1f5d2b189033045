//! The Flight surface: decode, ask, answer.
//!
//! `PATH` descriptors are stored order, `CMD` descriptors read plans. What is not offered says so: `NOT_IMPLEMENTED`.

use std::sync::Arc;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, PutResult, SchemaAsIpc, SchemaResult, Ticket,
};
use arrow_ipc::writer::IpcWriteOptions;
use dataset_model::{Problem, Reason};
use dataset_proto::status::to_status;
use futures::stream::{self, BoxStream, StreamExt};
use service_kit::Lifecycle;
use shard_store::ShardStore;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::descriptor::{self, Selection, Wanted};
use crate::error::ReadError;
use crate::listing;
use crate::manifest::{Manifest, Manifests};
use crate::message::Message;
use crate::open::{self, Opened};
use crate::readers::{Names, Readers};
use crate::sources::Shelf;
use crate::stream as messages;
use crate::turns::Turns;
use crate::{actions, ticket};

/// Serves rows of ready targets. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Flight {
    manifests: Manifests,
    store: ShardStore,
    /// One permit per open stream.
    streams: Arc<Semaphore>,
    turns: Turns,
    shelf: Shelf,
    readers: Readers,
    /// A proof takes a core for up to half a minute: one at a time.
    proofs: Arc<Semaphore>,
}

pub(crate) type Stream<T> = BoxStream<'static, Result<T, Status>>;

impl Flight {
    pub(crate) fn new(manifests: Manifests, store: ShardStore, max_streams: usize, lifecycle: &Lifecycle) -> Self {
        let (streams, proofs) = (Arc::new(Semaphore::new(max_streams)), Arc::new(Semaphore::new(1)));
        let (turns, shelf) = (Turns::new(lifecycle.clone()), Shelf::new(lifecycle.clone()));
        let readers = Readers::default();
        Self { manifests, store, streams, turns, shelf, readers, proofs }
    }

    pub(crate) fn manifests(&self) -> &Manifests {
        &self.manifests
    }

    pub(crate) fn store(&self) -> &ShardStore {
        &self.store
    }

    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    pub(crate) fn proofs(&self) -> &Semaphore {
        &self.proofs
    }

    /// Everything about a selection but its rows.
    pub(crate) async fn info(
        &self,
        selection: &Selection,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, ReadError> {
        let manifest = self.manifests.of(&selection.target).await?;
        let parts = manifest.cut(selection.start, selection.count);
        let opened = open::schema_of(&self.store, &self.manifests, &selection.target, &manifest).await?;
        let now = service_kit::now();
        let endpoints = parts.iter().enumerate().map(|(sequence, part)| {
            let start = manifest.start_of(part.ordinal) + part.rows.start;
            let ticket = ticket::encode(&selection.target, start, part.rows.end - part.rows.start, now);
            FlightEndpoint::new().with_ticket(ticket).with_app_metadata(sequence.to_string())
        });
        let rows: u64 = parts.iter().map(|part| part.rows.end - part.rows.start).sum();
        FlightInfo::new()
            .try_with_schema(&opened)
            .map(|info| {
                info.with_descriptor(descriptor)
                    .with_endpoints(endpoints.collect())
                    .with_total_records(i64::try_from(rows).unwrap_or(-1))
                    .with_total_bytes(total_bytes(&manifest, &parts))
                    .with_ordered(true)
            })
            .map_err(|source| ReadError::Encode { target: selection.target.clone(), source })
    }

    /// The rows of a ticket as a stream of messages, schema first.
    pub(crate) async fn rows(&self, ticket: &[u8], names: Names) -> Result<Stream<Message>, ReadError> {
        let permit = Arc::clone(&self.streams).try_acquire_owned().map_err(|_| overloaded())?;
        let wanted = ticket::decode(ticket, service_kit::now())?;
        let rows = match wanted.clone() {
            Wanted::Rows(selection) => self.rows_of_selection(selection).await?,
            Wanted::Plan(plan) => self.rows_of_plan(plan).await?,
        };
        let rows = self.readers.list(names, wanted, rows);
        Ok(rows
            .map(move |message| {
                let _held = &permit;
                message
            })
            .boxed())
    }

    async fn rows_of_selection(&self, selection: Selection) -> Result<Stream<Message>, ReadError> {
        let manifest = self.manifests.of(&selection.target).await?;
        let Opened { schema, parts } = open::parts(&self.store, &self.manifests, &selection, &manifest).await?;
        Ok(self.turns.stream(&schema, messages::stored(selection.target, parts.into_iter())))
    }
}

/// The bytes of the shards in proportion to the rows asked for.
fn total_bytes(manifest: &Manifest, parts: &[crate::manifest::ShardRows]) -> i64 {
    let bytes = parts.iter().map(|part| {
        let shard = &manifest.shards[part.ordinal];
        let rows = u128::from(part.rows.end - part.rows.start);
        u128::from(shard.size_bytes) * rows / u128::from(shard.row_count.max(1))
    });
    i64::try_from(bytes.sum::<u128>()).unwrap_or(-1)
}

fn overloaded() -> Problem {
    Problem::new(Reason::Overloaded, "too many streams are open").retry_after(std::time::Duration::from_secs(5))
}

fn not_offered(what: &str) -> Status {
    to_status(&Problem::new(Reason::NotImplemented, format!("{what} is not offered")))
}

#[async_trait]
impl FlightService for Flight {
    type HandshakeStream = Stream<HandshakeResponse>;
    type ListFlightsStream = Stream<FlightInfo>;
    type DoGetStream = Stream<FlightData>;
    type DoPutStream = Stream<PutResult>;
    type DoExchangeStream = Stream<FlightData>;
    type DoActionStream = Stream<arrow_flight::Result>;
    type ListActionsStream = Stream<ActionType>;

    async fn list_flights(&self, request: Request<Criteria>) -> Result<Response<Stream<FlightInfo>>, Status> {
        let criteria = listing::parse(&request.into_inner().expression).map_err(|problem| to_status(&problem))?;
        let flights = listing::flights(self.clone(), criteria).await.map_err(ReadError::into_status)?;
        Ok(Response::new(flights.map(|info| info.map_err(ReadError::into_status)).boxed()))
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        let descriptor = request.into_inner();
        let info = match descriptor::parse(&descriptor).map_err(|problem| to_status(&problem))? {
            Wanted::Rows(selection) => self.info(&selection, descriptor).await,
            Wanted::Plan(plan) => self.info_of_plan(plan, descriptor).await,
        };
        info.map(Response::new).map_err(ReadError::into_status)
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        let wanted = descriptor::parse(&request.into_inner()).map_err(|problem| to_status(&problem))?;
        self.schema(wanted).await.map(Response::new).map_err(ReadError::into_status)
    }

    async fn do_get(&self, _: Request<Ticket>) -> Result<Response<Stream<FlightData>>, Status> {
        // `crate::framing` answers before the generated server is asked.
        Err(not_offered("DoGet by the generated server"))
    }

    async fn list_actions(&self, _: Request<Empty>) -> Result<Response<Stream<ActionType>>, Status> {
        Ok(Response::new(stream::iter(actions::list()).map(Ok).boxed()))
    }

    async fn do_action(&self, request: Request<Action>) -> Result<Response<Stream<arrow_flight::Result>>, Status> {
        let body = actions::run(self, request.into_inner()).await.map_err(ReadError::into_status)?;
        Ok(Response::new(stream::once(async { Ok(arrow_flight::Result { body }) }).boxed()))
    }

    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Stream<HandshakeResponse>>, Status> {
        Err(not_offered("Handshake"))
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        Err(not_offered("PollFlightInfo"))
    }

    async fn do_put(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Stream<PutResult>>, Status> {
        Err(not_offered("DoPut"))
    }

    async fn do_exchange(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Stream<FlightData>>, Status> {
        Err(not_offered("DoExchange"))
    }
}

impl Flight {
    async fn schema(&self, wanted: Wanted) -> Result<SchemaResult, ReadError> {
        let (target, schema) = match wanted {
            Wanted::Rows(Selection { target, .. }) => {
                let manifest = self.manifests.of(&target).await?;
                let schema = open::schema_of(&self.store, &self.manifests, &target, &manifest).await?;
                (target, schema)
            }
            Wanted::Plan(request) => {
                let (plan, schema, _) = self.planned(request).await?;
                (crate::plans::target_of(&plan), schema)
            }
        };
        let options = IpcWriteOptions::default();
        SchemaResult::try_from(SchemaAsIpc::new(&schema, &options))
            .map_err(|source| ReadError::Encode { target, source })
    }
}
