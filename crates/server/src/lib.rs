//! The HTTP edge: DynamoDB's JSON protocol on hyper, in front of one [`Handler`].
//!
//! This crate knows HTTP, request ids, checksums, how a signature names its caller and whether it is true. It knows no
//! operation, no table and no item: a body goes in as bytes and comes out as bytes. Everything it holds is bounded by
//! [`Options`].

mod age;
mod answer;
mod authority;
mod body;
mod clock;
mod connection;
mod encoding;
mod handler;
mod keys;
mod options;
mod refusal;
mod route;
mod server;
mod signature;
mod stream;
mod verify;

pub use authority::{ADMIN_TOKEN_BYTES_MIN, AdminToken};
pub use futures_util::future::BoxFuture;
pub use handler::{AdminAnswer, AdminRequest, Caller, Handler, Service, Target};
pub use keys::{AccessKeys, Secret};
pub use options::Options;
pub use server::{BindError, Server};
