//! One direction of a connection: takes frames at the near end and puts them out at the far end.
//!
//! Invariant: frames of one connection arrive in the order in which they were sent, without gaps, up to where it breaks.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use graticule_replication::{Frame, FrameReceiver, FrameSender};
use tokio::sync::watch;

use crate::{
    network::{Network, Way},
    trace::Event,
};

/// Frames on their way at once, as in the buffers of a kernel.
const IN_FLIGHT: usize = 8;

pub(crate) struct Pump {
    pub(crate) network: Arc<Network>,
    pub(crate) connection: u64,
    pub(crate) way: Way,
    /// Carries what the target of the connection answers.
    pub(crate) answers: bool,
    pub(crate) far: FrameSender,
    pub(crate) broken: watch::Sender<bool>,
}

impl Pump {
    pub(crate) async fn run(self, mut near: FrameReceiver) {
        let mut left = self.carry(&mut near).await;
        self.broken.send_replace(true);
        self.network.ended(self.connection);
        let lost = left.iter().position(|frame| self.network.is_lost(&self.way, self.connection, frame));
        left.truncate(lost.unwrap_or(left.len()));
        // A source whose requests go nowhere notices it. A target may believe for long that somebody waits for its answers,
        // and go on with what has arrived.
        let near = self.answers.then_some(near);
        // What was on its way may still arrive, and late.
        let (late, pause, silence, unaware) = self.network.draw(|random| {
            let late = if random.percent(50) { random.below(left.len() + 1) } else { 0 };
            let pause = match random.below(10) {
                0..7 => Duration::ZERO,
                7..9 => random.millis(0, 2_000),
                _ => random.millis(0, 15_000),
            };
            let silence = if random.percent(80) { random.millis(0, 5) } else { random.millis(0, 5_000) };
            let unaware = if random.percent(70) { random.millis(0, 50) } else { random.millis(0, 20_000) };
            (late, pause, silence, unaware)
        });
        let executor = Arc::clone(&self.network.executor);
        executor.sleep(pause).await;
        for (at, frame) in left.into_iter().enumerate() {
            if self.network.is_held(&self.way, self.connection, &frame) {
                self.network.wait_released(&self.way, self.connection, &frame).await;
            } else if at >= late {
                break;
            }
            executor.sleep(self.network.latency(&self.way)).await;
            if !self.deliver(frame).await {
                break;
            }
        }
        // The far end learns of the end now: the frames' sender goes.
        executor.sleep(silence).await;
        let Pump { network, way, far, .. } = self;
        drop(far);
        if near.is_some() {
            network.wait_ungated(&(way.1, way.0)).await;
            executor.sleep(unaware).await;
        }
    }

    /// Carries frames until the connection breaks; gives those that were on their way.
    async fn carry(&self, near: &mut FrameReceiver) -> VecDeque<Frame> {
        let mut flight: VecDeque<(Duration, Frame)> = VecDeque::new();
        let mut arrives = Duration::ZERO;
        let mut open = true;
        let executor = Arc::clone(&self.network.executor);
        while open || !flight.is_empty() {
            let wait = flight.front().map_or(Duration::ZERO, |(at, _)| at.saturating_sub(executor.now()));
            tokio::select! {
                biased;
                () = self.until_broken() => break,
                () = self.far.closed() => break,
                frame = near.recv(), if open && flight.len() < IN_FLIGHT => match frame {
                    Some(frame) => {
                        // In order: none overtakes another.
                        arrives = arrives.max(executor.now() + self.network.latency(&self.way));
                        flight.push_back((arrives, frame));
                    }
                    None => open = false,
                },
                () = executor.sleep(wait), if !flight.is_empty() => {
                    let patience = self.network.draw(|random| random.millis(1_000, 15_000));
                    let Some((_, frame)) = flight.front() else { break };
                    let passes = async {
                        let open = self.network.wait_open(&self.way, patience).await;
                        self.network.wait_released(&self.way, self.connection, frame).await;
                        open
                    };
                    let passed = tokio::select! {
                        biased;
                        () = self.until_broken() => false,
                        open = passes => open,
                    };
                    if !passed {
                        break;
                    }
                    let Some((_, frame)) = flight.pop_front() else { break };
                    let delivered = tokio::select! {
                        biased;
                        () = self.until_broken() => false,
                        delivered = self.deliver(frame) => delivered,
                    };
                    if !delivered {
                        break;
                    }
                }
            }
        }
        flight.into_iter().map(|(_, frame)| frame).collect()
    }

    async fn until_broken(&self) {
        drop(self.broken.subscribe().wait_for(|broken| *broken).await);
    }

    /// Puts a frame out at the far end, once there is room.
    async fn deliver(&self, frame: Frame) -> bool {
        let bytes = postcard::to_allocvec(&frame).unwrap_or_default();
        self.network.executor.tell(Event::Frame, &bytes, || {
            format!("{}->{} #{} {}", self.way.0, self.way.1, self.connection, shorten(&frame))
        });
        self.network.arrived(&self.way, &frame);
        self.far.send(frame).await.is_ok()
    }
}

/// A frame in words, not all of them.
fn shorten(frame: &Frame) -> String {
    let mut text = format!("{frame:?}");
    if text.len() > 600 {
        let end = (0..=600).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}
