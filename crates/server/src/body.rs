//! Reading request bodies within bounds: of one body, of all bodies at once, and of time.
//!
//! Memory is reserved for the whole of a body before any of it is read, in one step: requests that wait hold
//! nothing, so waiting cannot deadlock. Small bodies are not counted and never wait: the number of connections bounds
//! them. A body that arrives with its headers costs no timer and no copy.

use std::{pin::pin, task::Poll, time::Duration};

use bytes::{Bytes, BytesMut};
use graticule_env::Env;
use graticule_model::Error;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    Options,
    encoding::{self, Coding},
    refusal::Refusal,
};

const PERMIT_BYTES: usize = 1024;
/// Bodies of this declared length and less are not counted.
const SMALL_BYTES_MAX: usize = 16 * 1024;

/// The bounds on bodies, shared by all connections.
pub(crate) struct Bodies {
    /// One permit per KiB that may be held in memory.
    memory: Semaphore,
    bytes_max: usize,
    timeout: Duration,
    env: Env,
}

impl Bodies {
    /// The bounds that `options` set.
    pub(crate) fn new(options: &Options, env: Env) -> Bodies {
        let total_bytes = options.bodies_bytes_max.max(options.body_bytes_max);
        Bodies {
            memory: Semaphore::new(total_bytes.div_ceil(PERMIT_BYTES).min(Semaphore::MAX_PERMITS)),
            bytes_max: options.body_bytes_max,
            timeout: options.body_timeout,
            env,
        }
    }

    /// Refuses a body whose declared length is over the limit, without reading any of it.
    pub(crate) fn admit(&self, body: &Incoming) -> Result<(), Refusal> {
        let fits = body.size_hint().lower() <= self.bytes_max as u64;
        if fits { Ok(()) } else { Err(self.too_large()) }
    }

    /// The whole body as it came, and the share of memory that it occupies once it is decoded.
    pub(crate) async fn read(
        &self,
        body: &mut Incoming,
        coding: Option<Coding>,
    ) -> Result<(Bytes, Option<SemaphorePermit<'_>>), Refusal> {
        self.admit(body)?;
        if body.is_end_stream() {
            return Ok((Bytes::new(), None));
        }
        let declared = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
        // A compressed body may become as large as any.
        let share = match declared.filter(|_| coding.is_none()) {
            Some(bytes) if bytes <= SMALL_BYTES_MAX => None,
            declared => Some(self.reserve(declared.unwrap_or(self.bytes_max)).await),
        };
        Ok((self.in_time(self.collect(body, declared.unwrap_or(0))).await?, share))
    }

    /// What a body was before its client encoded it.
    pub(crate) fn decode(&self, bytes: Bytes, coding: Option<Coding>) -> Result<Bytes, Refusal> {
        match coding {
            // An empty body is nothing, whatever it is said to be.
            Some(coding) if !bytes.is_empty() => encoding::decoded(coding, &bytes, self.bytes_max),
            _ => Ok(bytes),
        }
    }

    /// The whole of a body that is to be short, and comes as it is.
    pub(crate) async fn read_short(&self, body: &mut Incoming, bytes_max: usize) -> Result<Bytes, Refusal> {
        let too_large = || Refusal::from(Error::RequestTooLarge { limit_bytes: bytes_max });
        if body.size_hint().lower() > bytes_max as u64 {
            return Err(too_large());
        }
        let reading = async {
            let mut whole = BytesMut::new();
            while let Some(bytes) = next_bytes(body).await? {
                if whole.len() + bytes.len() > bytes_max {
                    return Err(too_large());
                }
                whole.extend_from_slice(&bytes);
            }
            Ok(whole.freeze())
        };
        self.in_time(reading).await
    }

    /// Reads the body to its end, within the same bounds, and throws it away.
    pub(crate) async fn discard(&self, body: &mut Incoming) -> Result<(), Refusal> {
        if body.is_end_stream() {
            return Ok(());
        }
        self.admit(body)?;
        let discarding = async {
            let mut left = self.bytes_max;
            while let Some(bytes) = next_bytes(body).await? {
                left = left.checked_sub(bytes.len()).ok_or_else(|| self.too_large())?;
            }
            Ok(())
        };
        self.in_time(discarding).await
    }

    async fn reserve(&self, bytes: usize) -> SemaphorePermit<'_> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX);
        self.memory.acquire_many(permits).await.expect("this semaphore is never closed")
    }

    async fn collect(&self, body: &mut Incoming, declared_bytes: usize) -> Result<Bytes, Refusal> {
        let Some(first) = next_bytes(body).await? else { return Ok(Bytes::new()) };
        if body.is_end_stream() && first.len() <= self.bytes_max {
            return Ok(first);
        }
        let mut whole = BytesMut::with_capacity(declared_bytes.max(first.len()));
        let mut next = Some(first);
        while let Some(bytes) = next {
            if whole.len() + bytes.len() > self.bytes_max {
                return Err(self.too_large());
            }
            whole.extend_from_slice(&bytes);
            next = next_bytes(body).await?;
        }
        Ok(whole.freeze())
    }

    async fn in_time<T>(&self, reading: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
        let mut reading = pin!(reading);
        match futures_util::poll!(reading.as_mut()) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => {
                self.env.timeout(self.timeout, reading).await.unwrap_or(Err(Refusal::BodyTimeout))
            }
        }
    }

    fn too_large(&self) -> Refusal {
        Error::RequestTooLarge { limit_bytes: self.bytes_max }.into()
    }
}

/// The next piece of the body; trailers are skipped.
async fn next_bytes(body: &mut Incoming) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::BodyBroken)?;
        if let Ok(bytes) = frame.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}
