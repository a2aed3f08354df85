//! The server over real sockets, byte for byte, with a dummy handler behind it.

#![allow(clippy::unwrap_used)] // these are tests; the lint's own exception stops at helper functions

mod cases;
