//! A TCP stream that can be closed politely, and whose client must take its answers.
//!
//! A server that refuses a body and closes with bytes of it unread makes the kernel send a reset, which can destroy
//! the answer before the client has read it. So a connection that was marked ends its own side first and then throws
//! away what still arrives, for a bounded time and number of bytes. And a client that stops reading loses its
//! connection: like the deadlines in `clock`, that one is noticed when the connection is polled.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::future::BoxFuture;
use graticule_env::Env;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

const LINGER_TIME_MAX: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Set by whoever leaves a part of a request unread.
#[derive(Clone, Default)]
pub(crate) struct Unread(Arc<AtomicBool>);

impl Unread {
    /// Part of a request stays unread on this connection.
    pub(crate) fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The stream of one connection.
pub(crate) struct ClientStream {
    stream: TcpStream,
    env: Env,
    unread: Unread,
    /// How long a write may make no progress, and since when the present one has made none.
    write_timeout: Duration,
    write_stalled: Option<Duration>,
    write_ended: bool,
    thrown_away_bytes: usize,
    limit: Option<BoxFuture<'static, ()>>,
}

impl ClientStream {
    /// Wraps `stream`; it lingers at its end if `unread` was marked by then.
    pub(crate) fn new(stream: TcpStream, env: Env, unread: Unread, write_timeout: Duration) -> ClientStream {
        ClientStream {
            stream,
            env,
            unread,
            write_timeout,
            write_stalled: None,
            write_ended: false,
            thrown_away_bytes: 0,
            limit: None,
        }
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let env = &self.env;
        let limit = self.limit.get_or_insert_with(|| {
            let env = env.clone();
            Box::pin(async move { env.sleep(LINGER_TIME_MAX).await })
        });
        if limit.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut scratch = [0_u8; 8192];
        while self.thrown_away_bytes < LINGER_BYTES_MAX {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            self.thrown_away_bytes += buffer.filled().len();
        }
        Poll::Ready(())
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if written.is_ready() {
            self.write_stalled = None;
            return written;
        }
        let now = self.env.monotonic();
        let since = *self.write_stalled.get_or_insert(now);
        if now - since > self.write_timeout {
            Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
        } else {
            written
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.write_ended {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.write_ended = true;
        }
        if self.unread.0.load(Ordering::Relaxed) {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
