//! How much of a table is on its way to a peer at once, and how soon more follows.
//!
//! Batches go out without waiting for those before, so that what lies between two Regions costs a change its way and no
//! more. Two bounds keep that in hand: what is on its way has at most so many batches and bytes; and while something is, a
//! batch that would take all there is waits until a few writes have come together. How long is a small part of the time
//! that acknowledgements take, so small batches never fill the window. A backlog does not wait. Knows no clock.

use std::{collections::VecDeque, time::Duration};

/// Batches of one table on their way at once.
pub(crate) const BATCHES_MAX: usize = 32;
/// Bytes on their way at once, give or take a batch.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Small batches that go out while one is acknowledged: with room to spare for acknowledgements that are late.
const BATCHES_EACH_WAY: u32 = BATCHES_MAX as u32 / 2;
/// Writes are gathered for this long at least, if at all: less is not worth a timer.
const GATHER_MIN: Duration = Duration::from_millis(2);
/// And for this long at most, however far the peer is.
const GATHER_MAX: Duration = Duration::from_millis(20);

/// The flow of one table to one peer.
#[derive(Debug)]
pub(crate) struct Flow {
    /// When each batch on its way was sent, and its bytes, oldest first.
    on_their_way: VecDeque<(Duration, usize)>,
    bytes: usize,
    last_sent: Option<Duration>,
    gather: Duration,
    /// The last batch did not reach the end of the log.
    backlog: bool,
}

impl Flow {
    /// Nothing is on its way.
    pub(crate) fn new() -> Flow {
        Flow { on_their_way: VecDeque::new(), bytes: 0, last_sent: None, gather: GATHER_MIN, backlog: true }
    }

    /// Whether another batch may go.
    pub(crate) fn has_room(&self) -> bool {
        self.on_their_way.len() < BATCHES_MAX && self.bytes < BYTES_MAX
    }

    /// How much longer writes are gathered.
    pub(crate) fn wait(&self, now: Duration) -> Duration {
        let (Some((oldest, _)), Some(last)) = (self.on_their_way.front(), self.last_sent) else {
            return Duration::ZERO;
        };
        if self.backlog {
            return Duration::ZERO;
        }
        // An acknowledgement that is overdue tells that the next one will take longer as well.
        let gather = self.gather.max(gather(now.saturating_sub(*oldest)));
        (last + gather).saturating_sub(now)
    }

    /// Whether nothing has gone out for this long.
    pub(crate) fn has_paused(&self, now: Duration, pause: Duration) -> bool {
        self.last_sent.is_none_or(|sent_at| now >= sent_at + pause)
    }

    /// A batch has gone out; `backlog` if there was more than it could take.
    pub(crate) fn sent(&mut self, now: Duration, bytes: usize, backlog: bool) {
        self.on_their_way.push_back((now, bytes));
        self.bytes += bytes;
        self.last_sent = Some(now);
        self.backlog = backlog;
    }

    /// The oldest batch was acknowledged.
    pub(crate) fn acknowledged(&mut self, now: Duration) {
        let Some((sent_at, bytes)) = self.on_their_way.pop_front() else { return };
        self.bytes -= bytes;
        self.gather = gather(now.saturating_sub(sent_at));
    }
}

/// How long writes are gathered where an acknowledgement takes this long.
fn gather(acknowledgement: Duration) -> Duration {
    (acknowledgement / BATCHES_EACH_WAY).clamp(GATHER_MIN, GATHER_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_is_on_its_way_is_bounded_in_batches_and_in_bytes() {
        for (bytes, fit) in [(100, BATCHES_MAX), (BYTES_MAX / 4, 4), (BYTES_MAX * 2, 1)] {
            let mut flow = Flow::new();
            let sent = (0..100).take_while(|_| {
                let room = flow.has_room();
                if room {
                    flow.sent(ms(1), bytes, true);
                }
                room
            });
            assert_eq!(sent.count(), fit, "batches of {bytes} bytes");
            flow.acknowledged(ms(2));
            assert!(flow.has_room(), "batches of {bytes} bytes");
        }
    }

    #[test]
    fn small_batches_never_fill_the_window_while_one_is_acknowledged() {
        let mut flow = Flow::new();
        let (round_trip, mut now, mut acknowledged) = (ms(80), ms(1000), 0);
        flow.sent(now, 100, false);
        while now < ms(3000) {
            while let Some((sent_at, _)) = flow.on_their_way.front().copied()
                && sent_at + round_trip <= now
            {
                flow.acknowledged(now);
                acknowledged += 1;
            }
            assert!(flow.has_room(), "at {now:?}");
            if flow.wait(now).is_zero() {
                flow.sent(now, 100, false);
            }
            now += ms(1);
        }
        assert!(acknowledged > 100, "only {acknowledged} batches were acknowledged");
    }

    #[test]
    fn only_what_follows_something_on_its_way_and_is_no_backlog_waits() {
        let mut flow = Flow::new();
        assert_eq!(flow.wait(ms(0)), ms(0), "nothing is on its way");
        flow.sent(ms(10), 100, true);
        assert_eq!(flow.wait(ms(10)), ms(0), "there is a backlog");
        flow.sent(ms(10), 100, false);
        assert_eq!(flow.wait(ms(11)), GATHER_MIN - ms(1));
        flow.acknowledged(ms(12));
        flow.acknowledged(ms(12));
        assert_eq!(flow.wait(ms(12)), ms(0), "nothing is on its way any more");
        flow.sent(ms(20), 100, false);
        flow.acknowledged(ms(60_000));
        flow.sent(ms(60_000), 100, false);
        assert_eq!(flow.wait(ms(60_000)), GATHER_MAX, "the peer is very far");
    }
}
