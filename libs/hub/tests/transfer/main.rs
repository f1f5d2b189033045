//! The client against a real Hub protocol on a real socket, well-behaved and not.

mod files;
mod listing;
mod parts;
mod ranges;
mod support;
