//! Tells readers of a log that it has grown.
//!
//! Invariant: a watch never goes back, and once a commit is acknowledged every watch of the logs that it
//! appended to holds at least the position after its last entry. Watches that nobody holds any more are
//! forgotten, so memory follows the readers, not the logs.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::contract::LogShard;

/// The watches of one store.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    senders: Mutex<HashMap<LogShard, watch::Sender<u64>>>,
}

impl Watches {
    /// A watch on `shard`. `next` reads the next position of the log; it is called under the lock that
    /// [`Watches::publish`] takes, so no growth falls between the look and the subscription.
    pub(crate) fn subscribe(&self, shard: LogShard, next: impl FnOnce() -> u64) -> watch::Receiver<u64> {
        let mut senders = self.senders.lock();
        if let Some(sender) = senders.get(&shard) {
            return sender.subscribe();
        }
        if senders.len() == senders.capacity() {
            senders.retain(|_, sender| !sender.is_closed());
        }
        let (sender, receiver) = watch::channel(next());
        senders.insert(shard, sender);
        receiver
    }

    /// Says that the next position of `shard` is `next`. Called after the growth is visible to reads.
    pub(crate) fn publish(&self, shard: LogShard, next: u64) {
        let mut senders = self.senders.lock();
        let Some(sender) = senders.get(&shard) else { return };
        if sender.is_closed() {
            senders.remove(&shard);
            return;
        }
        sender.send_if_modified(|seen| {
            let grown = *seen < next;
            *seen = next.max(*seen);
            grown
        });
    }
}
