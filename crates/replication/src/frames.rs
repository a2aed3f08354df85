//! A queue of frames with a lane per table, served in turn, so that one table's backlog stands in no other table's way.
//!
//! Bounded in bytes, per lane and in all: whoever sends waits for room. A small frame (a watermark, a reply, settings, a
//! fresh change) of a lane that holds nothing else always has room, however full the other lanes are. Knows neither
//! networks nor replication.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use crate::message::{Body, Frame, Request};

/// Bytes that one lane holds; a longer frame is let in alone.
const LANE_BYTES_MAX: u32 = 2 * 1024 * 1024;
/// Bytes that all lanes of a queue hold, without the small frames that always have room.
const QUEUE_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// Longest frame that always has room in an empty lane.
const SMALL_BYTES_MAX: u32 = 16 * 1024;
/// The lane of whatever is not about one table.
const COMMON_LANE: &str = "";

/// A queue of frames: what is sent at one end comes out at the other, in order within each lane.
#[must_use]
pub fn frames() -> (FrameSender, FrameReceiver) {
    let queue = Arc::new(Queue {
        state: Mutex::default(),
        room: Arc::new(Semaphore::new(QUEUE_BYTES_MAX as usize)),
        ready: Notify::new(),
        senders: AtomicUsize::new(1),
        gone: watch::Sender::new(false),
    });
    (FrameSender { queue: Arc::clone(&queue), lane: None }, FrameReceiver(queue))
}

/// The other end of the queue is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the other end of the wire is gone")]
pub struct Closed;

#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    /// Bytes of room in all lanes together.
    room: Arc<Semaphore>,
    /// Something can be taken, or the last sender is gone.
    ready: Notify,
    senders: AtomicUsize,
    /// The receiver is gone.
    gone: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    lanes: BTreeMap<Arc<str>, Lane>,
    /// Lanes from which a frame can be taken, in the order in which they are served.
    turn: VecDeque<Arc<str>>,
}

#[derive(Debug)]
struct Lane {
    waiting: VecDeque<(Frame, Held)>,
    room: Arc<Semaphore>,
    /// A frame of this lane is under way; the next one waits for it.
    taken: bool,
}

impl Default for Lane {
    fn default() -> Lane {
        let room = Arc::new(Semaphore::new(LANE_BYTES_MAX as usize));
        Lane { waiting: VecDeque::new(), room, taken: false }
    }
}

/// The room that a frame takes.
#[derive(Debug)]
struct Held {
    _lane: OwnedSemaphorePermit,
    _queue: Option<OwnedSemaphorePermit>,
}

/// Puts frames into a queue. Clones share it.
#[derive(Debug)]
pub struct FrameSender {
    queue: Arc<Queue>,
    /// Where frames go that do not say it themselves.
    lane: Option<Arc<str>>,
}

impl FrameSender {
    /// A sender whose replies go into the lane of that name.
    #[must_use]
    pub fn for_lane(&self, name: &str) -> FrameSender {
        let mut sender = self.clone();
        sender.lane = Some(Arc::from(name));
        sender
    }

    /// Sends a frame once there is room for it.
    ///
    /// # Errors
    /// If the receiver is gone.
    pub async fn send(&self, frame: Frame) -> Result<(), Closed> {
        // A frame that cannot be measured cannot be encoded either; whoever encodes it says so.
        let bytes = postcard::experimental::serialized_size(&frame).unwrap_or(0);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).max(1);
        let name: Arc<str> = lane_of(&frame)
            .map(Arc::from)
            .or_else(|| self.lane.clone())
            .unwrap_or_else(|| Arc::from(COMMON_LANE));
        let (lane_room, empty) = {
            let mut state = self.queue.state.lock();
            let lane = state.lanes.entry(Arc::clone(&name)).or_default();
            (Arc::clone(&lane.room), lane.waiting.is_empty() && !lane.taken)
        };
        let lane = lane_room.acquire_many_owned(bytes.min(LANE_BYTES_MAX)).await.map_err(|_| Closed)?;
        let all = if empty && bytes <= SMALL_BYTES_MAX {
            None
        } else {
            let room = Arc::clone(&self.queue.room);
            Some(room.acquire_many_owned(bytes.min(QUEUE_BYTES_MAX)).await.map_err(|_| Closed)?)
        };
        self.queue.put(name, frame, Held { _lane: lane, _queue: all })
    }

    /// Passes a frame on at once, in the lane that it came from. Its room is that of the queue it comes from.
    pub(crate) fn pass(&self, passing: Passing) -> Result<(), Closed> {
        let Passing { frame, lane, held } = passing;
        self.queue.put(lane, frame, held)
    }

    /// Resolves when the receiver is gone.
    pub async fn closed(&self) {
        let _ = self.queue.gone.subscribe().wait_for(|gone| *gone).await;
    }
}

/// The lane that a frame names. Questions about what a table holds take turns with its changes.
fn lane_of(frame: &Frame) -> Option<Cow<'_, str>> {
    match &frame.body {
        Body::Request(Request::Changes(changes)) => Some(Cow::Borrowed(&changes.to.table)),
        Body::Request(Request::Position { table, .. }) => Some(Cow::Borrowed(table)),
        Body::Request(Request::Table { .. } | Request::Settings { .. }) => Some(Cow::Borrowed(COMMON_LANE)),
        Body::Request(
            Request::Digests { to, .. }
            | Request::Keys { to, .. }
            | Request::Items { to, .. }
            | Request::Settled { to, .. },
        ) => Some(Cow::Owned(format!("{}?", to.table))),
        Body::Reply(_) => None,
    }
}

impl Clone for FrameSender {
    fn clone(&self) -> FrameSender {
        self.queue.senders.fetch_add(1, Ordering::SeqCst);
        FrameSender { queue: Arc::clone(&self.queue), lane: self.lane.clone() }
    }
}

impl Drop for FrameSender {
    fn drop(&mut self) {
        if self.queue.senders.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.queue.ready.notify_one();
        }
    }
}

impl Queue {
    fn put(&self, name: Arc<str>, frame: Frame, held: Held) -> Result<(), Closed> {
        let mut state = self.state.lock();
        if *self.gone.borrow() {
            return Err(Closed);
        }
        let lane = state.lanes.entry(Arc::clone(&name)).or_default();
        lane.waiting.push_back((frame, held));
        if lane.waiting.len() == 1 && !lane.taken {
            state.turn.push_back(name);
        }
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// The next frame of the lane whose turn it is.
    fn take(self: &Arc<Queue>) -> Option<Taken> {
        let mut state = self.state.lock();
        let name = state.turn.pop_front()?;
        let lane = state.lanes.get_mut(&name)?;
        let (frame, held) = lane.waiting.pop_front()?;
        lane.taken = true;
        Some(Taken { frame, under_way: UnderWay { queue: Arc::clone(self), lane: name, held: Some(held) } })
    }
}

/// A frame that was taken.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) frame: Frame,
    pub(crate) under_way: UnderWay,
}

/// As long as this lives, its frame takes room and no other frame of its lane is taken.
#[derive(Debug)]
pub(crate) struct UnderWay {
    queue: Arc<Queue>,
    lane: Arc<str>,
    held: Option<Held>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.held = None;
        let mut state = self.queue.state.lock();
        let Some(lane) = state.lanes.get_mut(&self.lane) else { return };
        lane.taken = false;
        if !lane.waiting.is_empty() {
            state.turn.push_back(Arc::clone(&self.lane));
            drop(state);
            self.queue.ready.notify_one();
        } else if Arc::strong_count(&lane.room) == 1 {
            // Nobody sends into this lane just now.
            state.lanes.remove(&self.lane);
        }
    }
}

/// A frame between two queues: it goes on taking its room in the first one.
#[derive(Debug)]
pub(crate) struct Passing {
    frame: Frame,
    lane: Arc<str>,
    held: Held,
}

/// Takes frames out of a queue.
#[derive(Debug)]
pub struct FrameReceiver(Arc<Queue>);

impl FrameReceiver {
    /// The next frame; `None` when the queue is empty and all its senders are gone.
    pub async fn recv(&mut self) -> Option<Frame> {
        self.take().await.map(|taken| taken.frame)
    }

    /// Like [`FrameReceiver::recv`], for whoever passes the frame on to another queue with [`FrameSender::pass`].
    pub(crate) async fn recv_passing(&mut self) -> Option<Passing> {
        let Taken { frame, mut under_way } = self.take().await?;
        let held = under_way.held.take()?;
        Some(Passing { frame, lane: Arc::clone(&under_way.lane), held })
    }

    /// Like [`FrameReceiver::recv`], keeping the lane back until the frame is done with.
    pub(crate) async fn take(&mut self) -> Option<Taken> {
        loop {
            // Read before looking: what a sender put before it went is seen.
            let over = self.0.senders.load(Ordering::SeqCst) == 0;
            if let Some(taken) = self.0.take() {
                return Some(taken);
            }
            if over {
                return None;
            }
            self.0.ready.notified().await;
        }
    }

    /// Like [`FrameReceiver::take`], if there is something just now.
    pub(crate) fn try_take(&mut self) -> Option<Taken> {
        self.0.take()
    }
}

impl Drop for FrameReceiver {
    fn drop(&mut self) {
        self.0.gone.send_replace(true);
        self.0.room.close();
        let mut state = self.0.state.lock();
        for lane in state.lanes.values() {
            lane.room.close();
        }
        let lanes = std::mem::take(&mut state.lanes);
        state.turn.clear();
        drop(state);
        drop(lanes);
    }
}
