//! A flight service on port 0 before a fake catalog and real shards.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, UInt16Builder};
use arrow_array::{RecordBatch, UInt64Array};
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::utils::flight_data_to_arrow_batch;
use arrow_flight::{FlightData, FlightDescriptor, FlightInfo, Ticket};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use dataset_model::{Reason, Shard, TokenizationId};
use dataset_proto::catalog::{
    dataset_service_server::DatasetServiceServer, tokenization_service_server::TokenizationServiceServer,
};
use dataset_proto::status::from_status;
use flight::{Config, FlightSettings, StorageSettings};
use service_kit::{Lifecycle, Listeners};
use shard_store::ShardStore;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use crate::catalog::FakeCatalog;

pub(crate) struct Rig {
    pub(crate) catalog: FakeCatalog,
    pub(crate) store: ShardStore,
    pub(crate) client: FlightServiceClient<Channel>,
    pub(crate) address: SocketAddr,
    dir: tempfile::TempDir,
    lifecycle: Lifecycle,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.lifecycle.hard().cancel();
    }
}

async fn listeners() -> Listeners {
    Listeners::bind(([127, 0, 0, 1], 0).into(), ([127, 0, 0, 1], 0).into()).await.expect("ports")
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::start_with(64).await
    }

    pub(crate) async fn start_with(max_streams: usize) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (lifecycle, catalog) = (Lifecycle::new(), FakeCatalog::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let routes = Routes::new(DatasetServiceServer::new(catalog.clone()))
            .add_service(TokenizationServiceServer::new(catalog.clone()));
        let of_catalog = lifecycle.clone();
        lifecycle.spawn("catalog", async move {
            drop(service_kit::serve_grpc(listener, routes, dataset_proto::DESCRIPTORS, &of_catalog).await);
        });

        let listeners = listeners().await;
        let address = listeners.api.local_addr().expect("an address");
        let config = Config {
            flight: FlightSettings { max_streams, ..FlightSettings::default() },
            catalog: service_kit::Peer { url: Some(url), listen: None },
            storage: StorageSettings { data_dir: dir.path().into() },
        };
        let of_flight = lifecycle.clone();
        lifecycle.spawn("flight", async move {
            flight::serve(config, listeners, of_flight).await.expect("the service");
        });
        let channel = service_kit::channel(&format!("http://{address}")).expect("an address");
        Self {
            catalog,
            store: ShardStore::open(dir.path()).expect("the store"),
            client: FlightServiceClient::new(channel),
            address,
            dir,
            lifecycle,
        }
    }

    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.dir.path().join(key)
    }

    /// Stores one shard per list of batches under a new tokenization.
    pub(crate) fn tokenization(&self, shards: &[Vec<RecordBatch>]) -> TokenizationId {
        let id = TokenizationId::new();
        let shards =
            shards.iter().enumerate().map(|(n, batches)| self.shard(&format!("datasets/{id}/{n}.arrow"), batches));
        let shards = shards.collect();
        self.catalog.table().shards.push((id.to_string(), shards));
        id
    }

    pub(crate) fn shard(&self, key: &str, batches: &[RecordBatch]) -> Shard {
        let schema = batches.first().map_or_else(schema, RecordBatch::schema);
        let mut writer = self.store.create(key, schema).expect("create");
        for batch in batches {
            writer.write(batch).expect("write");
        }
        let sealed = writer.finish().expect("finish");
        Shard {
            key: sealed.key,
            split: "train".to_owned(),
            n: 0,
            row_count: sealed.row_count,
            size_bytes: sealed.size_bytes,
            sha256: sealed.sha256,
            batch_digests: sealed.batch_digests,
            sources: Vec::new(),
            ordinal: None,
            row_start: None,
        }
    }

    pub(crate) async fn info(&self, path: &[&str]) -> Result<FlightInfo, Status> {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        let descriptor = FlightDescriptor::new_path(path);
        self.client.clone().get_flight_info(descriptor).await.map(tonic::Response::into_inner)
    }

    /// All batches of all endpoints, in their order.
    pub(crate) async fn read(&self, path: &[&str]) -> Result<Vec<RecordBatch>, Status> {
        let mut batches = Vec::new();
        for endpoint in self.info(path).await?.endpoint {
            batches.extend(self.redeem(endpoint.ticket.expect("a ticket")).await?);
        }
        Ok(batches)
    }

    pub(crate) async fn redeem(&self, ticket: Ticket) -> Result<Vec<RecordBatch>, Status> {
        let (batches, error) = drain(self.open(ticket).await?).await;
        error.map_or(Ok(batches), Err)
    }

    /// A stream over a connection of its own, as another process would open it.
    pub(crate) async fn open_apart(&self, ticket: Ticket) -> Result<Streaming<FlightData>, Status> {
        let channel = service_kit::channel(&format!("http://{}", self.address)).expect("an address");
        FlightServiceClient::new(channel).do_get(ticket).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn open(&self, ticket: Ticket) -> Result<Streaming<FlightData>, Status> {
        // Encoded rows have no limit of ours: a single row may be larger than a message usually is.
        let mut client = self.client.clone().max_decoding_message_size(64 << 20);
        client.do_get(ticket).await.map(tonic::Response::into_inner)
    }
}

/// Reads a stream to its end: the batches, and the error that ended it.
pub(crate) async fn drain(stream: Streaming<FlightData>) -> (Vec<RecordBatch>, Option<Status>) {
    rest(stream, None).await
}

/// The same of a stream whose schema, that of `like`, was read already.
pub(crate) async fn drain_from(
    stream: Streaming<FlightData>,
    like: &RecordBatch,
) -> (Vec<RecordBatch>, Option<Status>) {
    rest(stream, Some(like.schema())).await
}

async fn rest(mut stream: Streaming<FlightData>, mut schema: Option<SchemaRef>) -> (Vec<RecordBatch>, Option<Status>) {
    let mut batches = Vec::new();
    loop {
        let message = match stream.message().await {
            Ok(Some(message)) => message,
            Ok(None) => return (batches, None),
            Err(status) => return (batches, Some(status)),
        };
        match &schema {
            None => schema = Some(Arc::new(Schema::try_from(&message).expect("the schema comes first"))),
            Some(schema) => {
                let batch = flight_data_to_arrow_batch(&message, Arc::clone(schema), &std::collections::HashMap::new());
                batches.push(batch.expect("a readable batch"));
            }
        }
    }
}

/// Of windows, as a tokenization stores them.
pub(crate) fn schema() -> SchemaRef {
    let ids = Arc::new(Field::new_list_field(DataType::UInt16, true));
    Arc::new(Schema::new(vec![
        Field::new("input_ids", DataType::List(ids), false),
        Field::new("doc", DataType::UInt64, false),
    ]))
}

/// `rows` windows of `length` ids, numbered from `first`.
pub(crate) fn windows(first: u64, rows: u64, length: u64) -> RecordBatch {
    let mut ids = ListBuilder::new(UInt16Builder::new());
    for row in first..first + rows {
        ids.append_value((0..length).map(|i| u16::try_from((row * 31 + i * 7) % 50_000).ok()));
    }
    let docs = UInt64Array::from_iter_values(first..first + rows);
    RecordBatch::try_new(schema(), vec![Arc::new(ids.finish()), Arc::new(docs)]).expect("the columns fit")
}

/// The `doc` column of all batches.
pub(crate) fn docs(batches: &[RecordBatch]) -> Vec<u64> {
    let column = |batch: &RecordBatch| {
        let docs = batch.column_by_name("doc").expect("a doc column");
        docs.as_any().downcast_ref::<UInt64Array>().expect("of u64").values().to_vec()
    };
    batches.iter().flat_map(column).collect()
}

/// Three shards of 30, 20 and 10 rows, in batches of 10.
pub(crate) fn shards() -> Vec<Vec<RecordBatch>> {
    let batch = |first| windows(first, 10, 50);
    vec![vec![batch(0), batch(10), batch(20)], vec![batch(30), batch(40)], vec![batch(50)]]
}

/// Why it was refused.
pub(crate) fn reason(status: &Status) -> Reason {
    from_status(status).reason
}
