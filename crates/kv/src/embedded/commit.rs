//! The commit thread: takes waiting batches, writes them as one group, answers.
//!
//! Invariant: a group is one atomic RocksDB write with one fsync. Callers are answered and their exclusive
//! locks released only after that write, in queue order. A failed write leaves every outcome of its group open, and
//! the thread then commits nothing more.
//!
//! What a group contains is `group.rs`'s matter; this file knows only when it is written.

use std::sync::Arc;

use rocksdb::ErrorKind;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::group::{Caches, Finished, Group};
use super::store::Store;
use crate::contract::{Batch, CommitError, Committed, Effect};
use crate::locks::Held;
use crate::watches::Watches;

/// A group takes no further batch once it has this many.
const GROUP_BATCHES_MAX: usize = 1024;
/// A group takes no further batch once it has this many bytes.
const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A look at the room on the device counts for this many groups at most.
const ROOM_GROUPS_MAX: u32 = 16;
/// And for this many bytes: a small part of what has to stay free.
const ROOM_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Said to callers when the commit thread is gone.
pub(super) const STOPPED: &str = "the storage engine has stopped; restart the server";

/// A batch that waits to be committed, with everything that must live until it is.
pub(super) struct Request {
    pub(super) batch: Batch,
    pub(super) held: Held,
    pub(super) room: OwnedSemaphorePermit,
    pub(super) done: oneshot::Sender<Done>,
}

/// What became of a request. The batch goes back to be freed where it was made: memory that this thread freed would have
/// to be fetched from it again.
pub(super) struct Done {
    pub(super) outcome: Result<Committed, CommitError>,
    pub(super) _batch: Batch,
}

/// The state of the commit thread.
pub(super) struct Committer {
    store: Arc<Store>,
    watches: Arc<Watches>,
    caches: Caches,
    room: Room,
}

/// Whether there was room on the device, looked at now and then: asking the system costs as much as a small commit.
#[derive(Default)]
struct Room {
    /// For how many more groups the last look counts, and for how many more bytes.
    groups: u32,
    bytes: usize,
}

impl Room {
    /// `Err` with the reason while the device is too full for a group of this size.
    fn check(&mut self, store: &Store, bytes: usize) -> Result<(), String> {
        if self.groups == 0 || self.bytes < bytes {
            *self = Room::default();
            store.check_space()?;
            *self = Room { groups: ROOM_GROUPS_MAX, bytes: ROOM_BYTES_MAX };
        }
        self.groups -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
        Ok(())
    }
}

/// What is left of a request once its batch is part of a group.
struct Waiting {
    committed: Committed,
    batch: Batch,
    held: Held,
    room: OwnedSemaphorePermit,
    done: oneshot::Sender<Done>,
}

impl Committer {
    pub(super) fn new(store: Arc<Store>, watches: Arc<Watches>) -> Committer {
        Committer { store, watches, caches: Caches::default(), room: Room::default() }
    }

    /// Commits until all senders are gone and the queue is empty.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            let mut bytes = first.batch.size_bytes();
            let mut group = vec![first];
            while group.len() < GROUP_BATCHES_MAX
                && bytes < GROUP_BYTES_MAX
                && let Ok(request) = requests.try_recv()
            {
                bytes += request.batch.size_bytes();
                group.push(request);
            }
            self.commit(group, bytes);
        }
    }

    fn commit(&mut self, mut requests: Vec<Request>, bytes: usize) {
        if let Err(why) = self.room.check(&self.store, bytes) {
            // What makes room goes on, so that the device need not be cleared by hand.
            let (freeing, rest): (Vec<_>, Vec<_>) =
                requests.into_iter().partition(|request| makes_room(&request.batch));
            for Request { batch, held, room, done } in rest {
                drop((held, room));
                let outcome = Err(CommitError::Aborted(why.clone()));
                let _ = done.send(Done { outcome, _batch: batch });
            }
            requests = freeing;
            if requests.is_empty() {
                return;
            }
        }
        let mut group = Group::new(&self.store, &mut self.caches, bytes);
        let mut waiting = Vec::with_capacity(requests.len());
        let mut refused = self.store.check_usable().err();
        for Request { batch, held, room, done } in requests {
            let mut committed = Committed::default();
            if refused.is_none() {
                match group.add(&batch) {
                    Ok(added) => committed = added,
                    Err(error) => refused = Some(error.to_string()),
                }
            }
            waiting.push(Waiting { committed, batch, held, room, done });
        }
        if let Some(why) = refused {
            // Nothing was written, but the caches already say so.
            self.caches.clear();
            return answer(waiting, |_| Err(CommitError::Aborted(why.clone())));
        }

        let Finished { write, grown, resident } = group.finish();
        match self.store.write(write) {
            Ok(()) => {
                self.store.resident().apply(resident);
                self.caches.trim();
                for (shard, next) in grown {
                    self.watches.publish(shard, next);
                }
                answer(waiting, Ok);
            }
            Err(error) if refused_before_writing(&error) => {
                self.caches.clear();
                answer(waiting, |_| Err(CommitError::Aborted(error.to_string())));
            }
            Err(error) => {
                tracing::error!(
                    path = %self.store.path().display(),
                    %error,
                    "a commit could not be written; nothing is read or committed until the server restarts"
                );
                self.store.fail(format!(
                    "the storage engine is poisoned by a failed write ({error}); \
                     check the disk, then restart the server"
                ));
                answer(waiting, |_| Err(CommitError::Unknown(error.to_string())));
            }
        }
    }
}

/// Releases locks and answers, in queue order. A caller that has gone away needs no answer.
fn answer(waiting: Vec<Waiting>, outcome: impl Fn(Committed) -> Result<Committed, CommitError>) {
    for Waiting { committed, batch, held, room, done } in waiting {
        drop((held, room));
        let _ = done.send(Done { outcome: outcome(committed), _batch: batch });
    }
}

/// Whether a batch removes, and adds nothing but a counter or a word; or, where it removes a whole range or a part of a
/// log, a row that tells of what is left.
fn makes_room(batch: &Batch) -> bool {
    const WORD_BYTES_MAX: usize = 16;
    const ROW_BYTES_MAX: usize = 1024 * 1024;
    let is_sweep = |effect: &Effect| matches!(effect, Effect::DeleteRange(..) | Effect::TrimLog(..));
    let put_bytes_max = if batch.effects.iter().any(is_sweep) { ROW_BYTES_MAX } else { WORD_BYTES_MAX };
    batch.effects.iter().all(|effect| match effect {
        Effect::Delete(_) | Effect::DeleteRange(..) | Effect::TrimLog(..) | Effect::Add(..) => true,
        Effect::Put(_, value) => value.len() <= put_bytes_max,
        Effect::Append(..) => false,
    })
}

/// RocksDB checks the shape of a write before it touches the log; those refusals are certain.
fn refused_before_writing(error: &rocksdb::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidArgument | ErrorKind::NotSupported)
}
