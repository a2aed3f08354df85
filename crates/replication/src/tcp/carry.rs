//! Frames over an open connection, in chunks.
//!
//! ```text
//! chunk: number of the frame (4 bytes) flags and length (4 bytes, big-endian) bytes
//! ```
//!
//! Every lane with something to send gets a chunk in turn, so a long frame of one table holds up another table's for one
//! chunk at a time, and the other end puts frames together again. A chunk is compressed by itself where that helps: it
//! can never come to more than [`CHUNK_BYTES`], so there is nothing to blow up. What the other end may make this one
//! hold is bounded: chunks, frames, frames begun, and bytes of all frames begun.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::Arc,
    time::Duration,
};

use graticule_env::Env;
use lz4_flex::block;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{
    codec::{CodecError, FRAME_BYTES_MAX, decode, encode},
    hello::Agreed,
};
use crate::{
    frames::{FrameReceiver, FrameSender, Taken, UnderWay, frames},
    message::{Body, Frame, Reply},
    traffic::{LinkTraffic, count},
    transport::Wire,
};

/// Bytes of a frame that go out in one turn.
const CHUNK_BYTES: usize = 64 * 1024;
const HEADER_BYTES: usize = 8;
/// The chunk ends its frame.
const LAST: u32 = 1 << 31;
const COMPRESSED: u32 = 1 << 30;
/// Shorter chunks are sent as they are.
const COMPRESS_FROM_BYTES: usize = 512;
/// Frames that are begun and not ended.
const UNDER_WAY_MAX: usize = 256;
/// Bytes of all frames that are begun and not ended: what a sender has in its queue, and as much again for safety.
const ASSEMBLY_BYTES_MAX: usize = 2 * FRAME_BYTES_MAX;
/// How long an orderly end of a connection may take.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// Why frames are no longer carried.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the other end does not keep to the link protocol: {0}")]
    Protocol(String),
    #[error("nobody here uses the connection any more")]
    Unused,
    #[error("the connection has reached its age, or certificates have changed")]
    Stale,
}

/// Turns an open connection into a wire, until either end lets go of it or `stale` resolves. `peer` is for the logs.
pub(super) fn carry<S>(
    env: &Env,
    stream: S,
    agreed: Agreed,
    traffic: Arc<LinkTraffic>,
    peer: String,
    stale: impl Future<Output = ()> + Send + 'static,
) -> Wire
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (sender, outgoing) = frames();
    let (incoming, receiver) = frames();
    let env_inside = env.clone();
    env.spawn("link wire", async move {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut writing = Writer { writer: &mut writer, outgoing, agreed, traffic: &traffic };
        let ended = tokio::select! {
            ended = writing.run(&incoming) => ended,
            ended = read_frames(&mut reader, &incoming, agreed, &traffic) => ended,
            () = incoming.closed() => Ended::Unused,
            () = stale => Ended::Stale,
        };
        match &ended {
            Ended::Protocol(_) => tracing::warn!(%peer, %ended, "a link's connection is closed"),
            Ended::Stale => tracing::info!(%peer, %ended, "a link's connection is closed to be opened anew"),
            Ended::Io(_) | Ended::Unused => tracing::debug!(%peer, %ended, "a link's connection is closed"),
        }
        drop(incoming);
        let _ = env_inside.timeout(GOODBYE_TIMEOUT, writer.shutdown()).await;
    });
    Wire { sender, receiver }
}

/// A frame of which something is still to be sent.
struct Outgoing {
    number: u32,
    /// Until its first turn.
    frame: Option<Frame>,
    bytes: Vec<u8>,
    sent: usize,
    /// Keeps the lane's next frame waiting.
    _under_way: UnderWay,
}

struct Writer<'a, W> {
    writer: &'a mut W,
    outgoing: FrameReceiver,
    agreed: Agreed,
    traffic: &'a LinkTraffic,
}

impl<W: AsyncWrite + Unpin> Writer<'_, W> {
    /// Sends what is queued until nobody can queue any more. Requests that cannot be sent are answered by way of
    /// `incoming`.
    async fn run(&mut self, incoming: &FrameSender) -> Ended {
        match self.write_frames(incoming).await {
            Ok(()) => Ended::Unused,
            Err(error) => Ended::Io(error),
        }
    }

    async fn write_frames(&mut self, incoming: &FrameSender) -> Result<(), io::Error> {
        let mut under_way: VecDeque<Outgoing> = VecDeque::new();
        let mut number: u32 = 0;
        let mut buffer = Vec::new();
        let begin = |taken: Taken, number: &mut u32| {
            *number = number.wrapping_add(1);
            let Taken { frame, under_way } = taken;
            Outgoing {
                number: *number,
                frame: Some(frame),
                bytes: Vec::new(),
                sent: 0,
                _under_way: under_way,
            }
        };
        loop {
            while under_way.len() < UNDER_WAY_MAX
                && let Some(taken) = self.outgoing.try_take()
            {
                under_way.push_back(begin(taken, &mut number));
            }
            let Some(mut current) = under_way.pop_front() else {
                self.writer.flush().await?;
                match self.outgoing.take().await {
                    Some(taken) => under_way.push_back(begin(taken, &mut number)),
                    None => return Ok(()),
                }
                continue;
            };
            if let Some(frame) = current.frame.take() {
                match self.encode(frame) {
                    Ok(bytes) => current.bytes = bytes,
                    Err(reply) => {
                        // Whoever asked is told at once.
                        let _ = incoming.send(*reply).await;
                        continue;
                    }
                }
            }
            let raw = &current.bytes[current.sent..current.bytes.len().min(current.sent + CHUNK_BYTES)];
            let last = current.sent + raw.len() == current.bytes.len();
            put_chunk(&mut buffer, current.number, raw, last, self.agreed.compression);
            self.writer.write_all(&buffer).await?;
            count(&self.traffic.bytes_sent, buffer.len());
            count(&self.traffic.bytes_before_compression, raw.len() + HEADER_BYTES);
            current.sent += raw.len();
            if last {
                count(&self.traffic.frames_sent, 1);
            } else {
                under_way.push_back(current);
            }
        }
    }

    /// The bytes of a frame. A request that the other end cannot be told comes back as its own reply; the reason goes
    /// in place of such a reply.
    fn encode(&self, frame: Frame) -> Result<Vec<u8>, Box<Frame>> {
        let (id, is_reply) = (frame.id, matches!(frame.body, Body::Reply(_)));
        let failed = |error: &CodecError| Frame { id, body: Body::Reply(Reply::Failed(error.to_string())) };
        match encode(frame, self.agreed.version) {
            Ok(bytes) => Ok(bytes),
            Err(error) if is_reply => encode(failed(&error), self.agreed.version).map_err(|error| {
                // Nobody here waits for it.
                tracing::error!(%error, "a reply cannot be sent");
                Box::new(failed(&error))
            }),
            Err(error) => Err(Box::new(failed(&error))),
        }
    }
}

fn put_chunk(buffer: &mut Vec<u8>, number: u32, raw: &[u8], last: bool, compression: bool) {
    let mut flags = if last { LAST } else { 0 };
    buffer.clear();
    buffer.resize(HEADER_BYTES + block::get_maximum_output_size(raw.len()), 0);
    let mut length = raw.len();
    if compression
        && raw.len() >= COMPRESS_FROM_BYTES
        && let Ok(compressed) = block::compress_into(raw, &mut buffer[HEADER_BYTES..])
        // A little less is not worth the other end's work.
        && compressed < raw.len() - raw.len() / 16
    {
        flags |= COMPRESSED;
        length = compressed;
    } else {
        buffer[HEADER_BYTES..HEADER_BYTES + raw.len()].copy_from_slice(raw);
    }
    buffer.truncate(HEADER_BYTES + length);
    buffer[..4].copy_from_slice(&number.to_be_bytes());
    // A chunk is far shorter than the flags reach.
    buffer[4..HEADER_BYTES].copy_from_slice(&(flags | length as u32).to_be_bytes());
}

async fn read_frames(
    reader: &mut (impl AsyncRead + Unpin),
    incoming: &FrameSender,
    agreed: Agreed,
    traffic: &LinkTraffic,
) -> Ended {
    let mut assembly = Assembly::default();
    let (mut wire, mut raw) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    loop {
        match read_chunk(reader, &mut wire, &mut raw, &mut assembly, agreed, traffic).await {
            Ok(None) => {}
            Ok(Some(frame)) => {
                if incoming.send(frame).await.is_err() {
                    return Ended::Unused;
                }
            }
            Err(ended) => return ended,
        }
    }
}

/// Reads a chunk; gives the frame that it ends.
async fn read_chunk(
    reader: &mut (impl AsyncRead + Unpin),
    wire: &mut [u8],
    raw: &mut [u8],
    assembly: &mut Assembly,
    agreed: Agreed,
    traffic: &LinkTraffic,
) -> Result<Option<Frame>, Ended> {
    let number = reader.read_u32().await?;
    let word = reader.read_u32().await?;
    let length = (word & !(LAST | COMPRESSED)) as usize;
    let wire = wire.get_mut(..length).ok_or_else(|| Ended::Protocol(format!("a chunk of {length} bytes")))?;
    reader.read_exact(wire).await?;
    count(&traffic.bytes_received, HEADER_BYTES + length);
    let chunk: &[u8] = if word & COMPRESSED == 0 {
        wire
    } else {
        let length = block::decompress_into(wire, raw).map_err(|error| Ended::Protocol(error.to_string()))?;
        &raw[..length]
    };
    let Some(bytes) = assembly.add(number, chunk, word & LAST != 0)? else { return Ok(None) };
    count(&traffic.frames_received, 1);
    decode(&bytes, agreed.version).map(Some).map_err(|error| Ended::Protocol(error.to_string()))
}

/// Frames that are begun and not ended.
#[derive(Default)]
struct Assembly {
    begun: BTreeMap<u32, Vec<u8>>,
    /// Bytes of all of them.
    bytes: usize,
}

impl Assembly {
    /// Adds a chunk to its frame; gives the frame if that was its last.
    fn add(&mut self, number: u32, chunk: &[u8], last: bool) -> Result<Option<Vec<u8>>, Ended> {
        let mut frame = self.begun.remove(&number).unwrap_or_default();
        if frame.len() + chunk.len() > FRAME_BYTES_MAX {
            return Err(Ended::Protocol(format!("a frame longer than {FRAME_BYTES_MAX} bytes")));
        }
        self.bytes -= frame.len();
        frame.extend_from_slice(chunk);
        if last {
            return Ok(Some(frame));
        }
        self.bytes += frame.len();
        self.begun.insert(number, frame);
        if self.begun.len() > UNDER_WAY_MAX || self.bytes > ASSEMBLY_BYTES_MAX {
            return Err(Ended::Protocol("too many frames begun and not ended".to_owned()));
        }
        Ok(None)
    }
}
