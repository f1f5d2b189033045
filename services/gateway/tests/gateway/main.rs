//! The gateway over real HTTP and WebSocket, in front of services that the tests hold in their hands.

mod fake;
mod feeds;
mod ingestion;
mod limits;
mod rest;
mod rows;
mod sharing;
mod world;
