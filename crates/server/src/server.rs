//! The listening socket: accepting within bounds, and stopping without cutting anybody off.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use graticule_env::Env;
use hyper::server::conn::http1;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

use crate::{Handler, Options, body::Bodies, connection};

const BACKLOG: u32 = 1024;
/// How long to leave the operating system alone when it has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How often an operator hears that there are too many connections.
const FULL_WARNING_INTERVAL: Duration = Duration::from_secs(60);
/// How long connections get to notice that their time is over.
const END_TIME_MAX: Duration = Duration::from_secs(1);

/// Why a server could not begin to listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr}: {source}")]
pub struct BindError {
    /// Where it was to listen.
    pub addr: SocketAddr,
    /// What the operating system said.
    pub source: io::Error,
}

/// How far along its life a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Accepting and answering.
    Serving,
    /// Finishing what has begun.
    Draining,
    /// Dropping what has not finished.
    Ended,
}

/// What all connections of a server have in common.
pub(crate) struct Shared {
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) env: Env,
    pub(crate) options: Options,
    pub(crate) bodies: Bodies,
    pub(crate) protocol: http1::Builder,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) listening: SocketAddr,
}

impl Shared {
    /// Whether no shutdown has begun.
    pub(crate) fn is_serving(&self) -> bool {
        *self.phase.borrow() == Phase::Serving
    }
}

/// A bound HTTP server. Clients can connect from [`Server::bind`] on and are answered once [`Server::serve`] runs.
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    connections: Arc<Semaphore>,
    connections_max: u32,
    shared: Arc<Shared>,
}

impl Server {
    /// Listens on `addr`; port 0 takes any free one. Must be called within a tokio runtime.
    pub fn bind(
        addr: SocketAddr,
        handler: Arc<dyn Handler>,
        env: Env,
        options: Options,
    ) -> Result<Server, BindError> {
        let listener = listen(addr).map_err(|source| BindError { addr, source })?;
        let local_addr = listener.local_addr().map_err(|source| BindError { addr, source })?;
        let connections_max = options.connections_max.clamp(1, Semaphore::MAX_PERMITS);
        let connections_max = u32::try_from(connections_max).unwrap_or(u32::MAX);
        let shared = Shared {
            handler,
            bodies: Bodies::new(&options, env.clone()),
            protocol: connection::protocol(&options, &env),
            phase: watch::Sender::new(Phase::Serving),
            env,
            options,
            listening: local_addr,
        };
        Ok(Server {
            listener,
            local_addr,
            connections: Arc::new(Semaphore::new(connections_max as usize)),
            connections_max,
            shared: Arc::new(shared),
        })
    }

    /// Where it listens, with the port that it really has.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` resolves, then stops accepting, closes idle connections, and returns when the
    /// requests in flight are answered or [`Options::drain_timeout`] has passed, whichever is first.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        self.accept_until(shutdown).await;
        let Server { listener, connections, connections_max, shared, .. } = self;
        drop(listener);
        shared.phase.send_replace(Phase::Draining);
        let all_ended = || connections.acquire_many(connections_max);
        if shared.env.timeout(shared.options.drain_timeout, all_ended()).await.is_none() {
            let unfinished = connections_max as usize - connections.available_permits();
            tracing::warn!(unfinished, "connections are cut off: they did not finish in time");
            shared.phase.send_replace(Phase::Ended);
            let _ = shared.env.timeout(END_TIME_MAX, all_ended()).await;
        }
    }

    async fn accept_until(&self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let mut warned_at = None;
        loop {
            let now = self.shared.env.monotonic();
            let silent = warned_at.is_none_or(|at| now - at > FULL_WARNING_INTERVAL);
            if silent && self.connections.available_permits() == 0 {
                tracing::warn!(limit = self.connections_max, "too many connections: further clients wait");
                warned_at = Some(now);
            }
            tokio::select! {
                biased;
                () = shutdown.as_mut() => return,
                (stream, slot) = self.accept() => {
                    let connection = connection::run(stream, Arc::clone(&self.shared), slot);
                    self.shared.env.spawn("http connection", connection);
                }
            }
        }
    }

    /// The next client, once there is room for it.
    async fn accept(&self) -> (TcpStream, OwnedSemaphorePermit) {
        let room = Arc::clone(&self.connections);
        let slot = room.acquire_owned().await.expect("this semaphore is never closed");
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return (stream, slot),
                // The client's doing: it gave up while it waited.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    self.shared.env.sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if cfg!(unix) {
        // A restart must not wait for the old connections' last packets. (Elsewhere this means something else.)
        socket.set_reuseaddr(true)?;
    }
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}
