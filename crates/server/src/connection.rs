//! One connection: hyper's state machine, driven until the client, a deadline or a shutdown ends it.

use std::{pin::pin, sync::Arc, time::Duration};

use graticule_env::Env;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::OwnedSemaphorePermit};

use crate::{
    Options,
    clock::TickTimer,
    route,
    server::{Phase, Shared},
    stream::{ClientStream, Unread},
};

/// Bytes of input that a connection may buffer beyond what it was asked for.
const BUFFER_BYTES_MAX: usize = 128 * 1024;
const TICK_MIN: Duration = Duration::from_millis(10);
const TICK_MAX: Duration = Duration::from_secs(5);

/// hyper, set up for small requests over kept connections.
///
/// Not with `pipeline_flush`: as long as any input is waiting it holds back what is written, so that an answer waits
/// for the rest of the next request, and the answer to garbage is never sent at all.
pub(crate) fn protocol(options: &Options, env: &Env) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .writev(false)
        .half_close(false)
        .keep_alive(true)
        .max_buf_size(BUFFER_BYTES_MAX.max(options.head_bytes_max))
        .max_header_size(options.head_bytes_max)
        .timer(TickTimer::new(env.clone()))
        .header_read_timeout(options.head_timeout);
    builder
}

/// Serves `stream` to its end. `_slot` is its place among the connections allowed.
pub(crate) async fn run(stream: TcpStream, shared: Arc<Shared>, _slot: OwnedSemaphorePermit) {
    // Answers are written whole; without this, pipelined ones could wait for the client's acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone before it began");
        return;
    }
    let unread = Unread::default();
    let write_timeout = shared.options.write_timeout;
    let io = TokioIo::new(ClientStream::new(stream, shared.env.clone(), unread.clone(), write_timeout));
    let service = service_fn(|request| {
        let (shared, unread) = (Arc::clone(&shared), unread.clone());
        async move { route::respond(&shared, &unread, request).await }
    });
    let mut connection = pin!(shared.protocol.serve_connection(io, service));
    let mut phase = shared.phase.subscribe();
    phase.mark_changed(); // a shutdown may have begun before this line
    let tick = (shared.options.head_timeout.min(write_timeout) / 4).clamp(TICK_MIN, TICK_MAX);
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            changed = phase.changed() => {
                let phase = *phase.borrow_and_update();
                match changed.map(|()| phase) {
                    Ok(Phase::Serving) => {}
                    Ok(Phase::Draining) => connection.as_mut().graceful_shutdown(),
                    Ok(Phase::Ended) | Err(_) => return,
                }
            }
            // Deadlines are only looked at when the connection is polled: see `clock` and `stream`.
            () = shared.env.sleep(tick) => {}
        }
    }
}
