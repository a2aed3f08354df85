//! What a run did, event by event: a hash of everything, and lines for people who ask for them.
//!
//! Invariant: two runs of one seed have equal hashes. The hash covers every event, whether lines are printed or not.

use std::time::Duration;

use xxhash_rust::xxh3::Xxh3;

/// Kinds of events. The number is part of the hash.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// A task was polled.
    Poll = 1,
    /// Time moved on to the next timer.
    Timer = 2,
    /// A commit became durable.
    Commit = 3,
    /// A frame reached the other end.
    Frame = 4,
    /// A client was answered.
    Answer = 5,
    /// A fault was injected.
    Fault = 6,
}

/// The record of a run.
pub(crate) struct Trace {
    hash: Xxh3,
    events: u64,
    print: bool,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trace").field("events", &self.events).finish_non_exhaustive()
    }
}

impl Trace {
    pub(crate) fn new(print: bool) -> Trace {
        Trace { hash: Xxh3::new(), events: 0, print }
    }

    /// Notes an event without words.
    pub(crate) fn note(&mut self, event: Event, number: u64, now: Duration) {
        self.events += 1;
        self.hash.update(&[event as u8]);
        self.hash.update(&number.to_le_bytes());
        self.hash.update(&(now.as_nanos() as u64).to_le_bytes());
    }

    /// Notes an event with its bytes, and tells it if somebody wants to know.
    pub(crate) fn tell(&mut self, event: Event, bytes: &[u8], now: Duration, words: impl FnOnce() -> String) {
        self.note(event, bytes.len() as u64, now);
        self.hash.update(bytes);
        if self.print {
            println!("{:>12.6} {event:?} {}", now.as_secs_f64(), words());
        }
    }

    /// The hash of everything so far, and how many events that was.
    pub(crate) fn sum(&self) -> (u64, u64) {
        (self.hash.digest(), self.events)
    }
}
