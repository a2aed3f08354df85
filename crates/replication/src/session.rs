//! One life of a connection, as its source sees it: calls and their replies.

use std::{collections::HashMap, sync::Arc};

use graticule_env::Env;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use crate::{
    frames::FrameSender,
    message::{Body, Frame, Reply, Request},
    transport::{LinkError, Wire},
};

/// Requests on their way.
#[derive(Debug)]
pub(crate) struct Session {
    sender: FrameSender,
    pending: Mutex<Pending>,
    closed: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Pending {
    next_id: u64,
    replies: HashMap<u64, oneshot::Sender<Reply>>,
    closed: bool,
}

/// Ends a session when it goes out of scope: whoever waits on a session may be dropped at any await.
pub(crate) struct Ending(pub(crate) Arc<Session>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn broken() -> LinkError {
    LinkError::Broken("the connection was closed".to_owned())
}

impl Session {
    /// Starts taking replies from the wire.
    pub(crate) fn start(env: &Env, wire: Wire) -> Arc<Session> {
        let session = Arc::new(Session {
            sender: wire.sender,
            pending: Mutex::default(),
            closed: watch::Sender::new(false),
        });
        let (reader, mut receiver) = (Arc::clone(&session), wire.receiver);
        env.spawn("link replies", async move {
            let mut closed = reader.closed.subscribe();
            loop {
                let frame = tokio::select! {
                    biased;
                    frame = receiver.recv() => frame,
                    _ = closed.wait_for(|closed| *closed) => None,
                };
                match frame {
                    Some(Frame { id, body: Body::Reply(reply) }) => {
                        let waiting = reader.pending.lock().replies.remove(&id);
                        if let Some(waiting) = waiting {
                            let _ = waiting.send(reply);
                        }
                    }
                    Some(_) | None => break,
                }
            }
            reader.close();
        });
        session
    }

    /// Sends a request once there is room on the wire; the result waits for the reply.
    pub(crate) async fn send(
        &self,
        request: Request,
    ) -> Result<impl Future<Output = Result<Reply, LinkError>> + Send + use<>, LinkError> {
        let (waiting, reply) = oneshot::channel();
        let id = {
            let mut pending = self.pending.lock();
            if pending.closed {
                return Err(broken());
            }
            pending.next_id += 1;
            let id = pending.next_id;
            pending.replies.insert(id, waiting);
            id
        };
        let mut closed = self.closed.subscribe();
        tokio::select! {
            biased;
            sent = self.sender.send(Frame { id, body: Body::Request(request) }) => {
                if sent.is_err() {
                    self.close();
                    return Err(broken());
                }
            }
            _ = closed.wait_for(|closed| *closed) => return Err(broken()),
        }
        Ok(async move { reply.await.map_err(|_| broken()) })
    }

    /// Sends a request and waits for the reply.
    pub(crate) async fn call(&self, request: Request) -> Result<Reply, LinkError> {
        self.send(request).await?.await
    }

    /// Ends the session; every call that waits fails.
    pub(crate) fn close(&self) {
        let mut pending = self.pending.lock();
        pending.closed = true;
        pending.replies.clear();
        drop(pending);
        self.closed.send_replace(true);
    }

    /// Resolves when the session has ended.
    pub(crate) async fn ended(&self) {
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }
}
