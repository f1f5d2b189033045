//! The flight service as clients meet it: real shards, a real socket, a modelled catalog.

mod catalog;
mod faults;
mod listing;
mod plans;
mod python;
mod rig;
mod rows;
