//! The bounds of a server: how much, how many, how long, and for whom.

use std::{sync::Arc, time::Duration};

use graticule_model::limits;

use crate::{AccessKeys, AdminToken};

/// What one server takes from its clients.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections open at once. Further clients wait in the listener's backlog.
    pub connections_max: usize,
    /// Largest body of one request.
    pub body_bytes_max: usize,
    /// Bodies held in memory at once, all connections together; raised to `body_bytes_max` if it is less. A request
    /// that does not fit waits. A body of undeclared length counts as `body_bytes_max`; one of at most 16 KiB does
    /// not count.
    pub bodies_bytes_max: usize,
    /// Largest request line and headers.
    pub head_bytes_max: usize,
    /// Longest time from one answer (or from connecting) to the end of the next request's headers; so also how
    /// long an idle connection stays open.
    pub head_timeout: Duration,
    /// Longest time from the headers to the end of the body.
    pub body_timeout: Duration,
    /// Longest time in which a client takes nothing of an answer that is ready for it.
    pub write_timeout: Duration,
    /// How long requests in flight may go on after a shutdown begins.
    pub drain_timeout: Duration,
    /// Demanded of whoever makes Graticule's own requests. Without one they are answered on loopback only.
    pub admin_token: Option<AdminToken>,
    /// Those whose signatures are taken. Without them, signatures are read and believed.
    pub access_keys: Option<Arc<AccessKeys>>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            connections_max: 4096,
            body_bytes_max: limits::REQUEST_BODY_BYTES_MAX,
            bodies_bytes_max: 256 * 1024 * 1024,
            head_bytes_max: 32 * 1024,
            // Longer than the 60 seconds for which the SDKs keep idle connections, so that they close first.
            head_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
            admin_token: None,
            access_keys: None,
        }
    }
}
