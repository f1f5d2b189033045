//! The wire: generated code, conversions to `dataset-model`, and the one place where a failure becomes a `Status`.

mod convert;
pub mod status;

pub use convert::{BadMessage, Required, timestamp};

/// All files' descriptors, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

#[expect(
    clippy::allow_attributes,
    clippy::large_enum_variant,
    clippy::pedantic,
    unreachable_pub,
    reason = "generated code"
)]
mod tokenmill {
    macro_rules! package {
        ($module:ident, $name:literal) => {
            pub mod $module {
                pub mod v1 {
                    tonic::include_proto!($name);
                }
            }
        };
    }

    package!(bus, "tokenmill.bus.v1");
    package!(catalog, "tokenmill.catalog.v1");
    package!(flight, "tokenmill.flight.v1");
    package!(ingestion, "tokenmill.ingestion.v1");
    package!(tokenization, "tokenmill.tokenization.v1");
}

/// A token is never printed, nor is a message that holds one.
impl std::fmt::Debug for catalog::HubToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HubToken(redacted)")
    }
}

pub use tokenmill::{
    bus::v1 as bus, catalog::v1 as catalog, flight::v1 as flight, ingestion::v1 as ingestion,
    tokenization::v1 as tokenization,
};
