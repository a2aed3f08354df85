//! Locks on declared keys: striped, asynchronous, fair.
//!
//! Invariant: a transaction takes its stripes in ascending order, each at most once and with the strongest
//! mode that any of its keys asks for, so transactions cannot wait for each other in a circle. Two keys may
//! share a stripe; that costs waiting, never correctness.
//!
//! Guards are owned, so that they can travel with a commit and outlive the future that took them.
//!
//! Beside them stand the claims of transactions that others are not to wait for. A claim is on a key itself, so two keys
//! of one stripe do not mix; it is taken before any stripe and at once or not at all, so nobody ever waits for a claim.
//!
//! It does not know which store it guards, and it detects no deadlock with locks taken elsewhere.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::contract::{CommitError, Contention, Declared, Key};

/// A power of two. 4096 stripes weigh some 300 KB and make a chance meeting of 64 writers rare.
const STRIPES: usize = 4096;

/// Transactions of up to this many declared keys are planned on the stack.
const KEYS_PLANNED_ON_STACK: usize = 8;

/// All locks of one store.
pub(crate) struct Locks {
    stripes: Box<[Arc<RwLock<()>>]>,
    claims: Arc<Claims>,
}

/// The keys that running transactions claim.
#[derive(Default)]
struct Claims {
    keys: Mutex<HashSet<Key>>,
    /// How many there are, so that nobody locks the set to find it empty.
    count: AtomicUsize,
}

/// The claims of one transaction; dropping them gives them up.
struct Claimed {
    claims: Arc<Claims>,
    keys: Vec<Key>,
}

impl Claims {
    /// The positions of those keys that somebody claims.
    fn find(&self, keys: &[Key]) -> Vec<usize> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        positions(&self.keys.lock(), keys)
    }

    /// Claims all of the keys, or answers which of them others claim.
    fn claim(self: &Arc<Claims>, keys: &[Key]) -> Result<Claimed, Vec<usize>> {
        let mut claimed = self.keys.lock();
        let taken = positions(&claimed, keys);
        if !taken.is_empty() {
            return Err(taken);
        }
        claimed.extend(keys.iter().cloned());
        self.count.store(claimed.len(), Ordering::Release);
        Ok(Claimed { claims: Arc::clone(self), keys: keys.to_vec() })
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        let mut claimed = self.claims.keys.lock();
        for key in &self.keys {
            claimed.remove(key);
        }
        self.claims.count.store(claimed.len(), Ordering::Release);
    }
}

fn positions(claimed: &HashSet<Key>, keys: &[Key]) -> Vec<usize> {
    let found = keys.iter().enumerate().filter(|(_, key)| claimed.contains(*key));
    found.map(|(position, _)| position).collect()
}

/// One stripe that a transaction needs. The order of the fields gives the order of acquisition; `shared`
/// sorts after exclusive, so that deduplication by stripe keeps the exclusive wish.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Wish {
    stripe: usize,
    shared: bool,
}

enum Guard {
    Shared { _guard: OwnedRwLockReadGuard<()> },
    Exclusive { _guard: OwnedRwLockWriteGuard<()> },
}

/// The stripes that one transaction holds, and its claims; dropping it releases them.
pub(crate) struct Held {
    guards: Vec<Guard>,
    /// Only what is dropped.
    _claimed: Option<Claimed>,
}

impl Locks {
    pub(crate) fn new() -> Locks {
        let stripes = (0..STRIPES).map(|_| Arc::new(RwLock::new(()))).collect();
        Locks { stripes, claims: Arc::default() }
    }

    /// Which of these keys somebody claims.
    pub(crate) fn claimed(&self, keys: &[Key]) -> Vec<bool> {
        let mut claimed = vec![false; keys.len()];
        for position in self.claims.find(keys) {
            claimed[position] = true;
        }
        claimed
    }

    /// Locks the reads shared and the writes exclusive. Cancel-safe: a dropped future holds nothing.
    pub(crate) async fn acquire(
        &self,
        declared: &Declared,
        contention: Contention,
    ) -> Result<Held, CommitError> {
        let claimed = match contention {
            Contention::Wait => None,
            Contention::Yield => match self.claims.find(&declared.writes) {
                taken if taken.is_empty() => None,
                taken => return Err(CommitError::Contended(taken)),
            },
            Contention::Claim => Some(self.claims.claim(&declared.writes).map_err(CommitError::Contended)?),
        };
        let guards = self.acquire_stripes(declared).await;
        Ok(Held { guards, _claimed: claimed })
    }

    async fn acquire_stripes(&self, declared: &Declared) -> Vec<Guard> {
        let count = declared.reads.len() + declared.writes.len();
        if count <= KEYS_PLANNED_ON_STACK {
            let mut wishes = [Wish::default(); KEYS_PLANNED_ON_STACK];
            let wishes = &mut wishes[..count];
            for (wish, planned) in wishes.iter_mut().zip(plan(declared)) {
                *wish = planned;
            }
            self.acquire_wishes(wishes).await
        } else {
            let mut wishes: Vec<Wish> = plan(declared).collect();
            self.acquire_wishes(&mut wishes).await
        }
    }

    async fn acquire_wishes(&self, wishes: &mut [Wish]) -> Vec<Guard> {
        wishes.sort_unstable();
        let mut guards = Vec::with_capacity(wishes.len());
        let mut last = None;
        for wish in wishes.iter() {
            if last == Some(wish.stripe) {
                continue;
            }
            last = Some(wish.stripe);
            let stripe = Arc::clone(&self.stripes[wish.stripe]);
            guards.push(if wish.shared {
                Guard::Shared { _guard: stripe.read_owned().await }
            } else {
                Guard::Exclusive { _guard: stripe.write_owned().await }
            });
        }
        guards
    }
}

impl fmt::Debug for Locks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locks").field("stripes", &self.stripes.len()).finish()
    }
}

impl Held {
    /// Splits off what was only read. It may be released as soon as the commit has its place in the commit
    /// order: whoever changes such a key after that comes later in the order, and becomes durable later.
    pub(crate) fn take_shared(&mut self) -> Held {
        let shared = self.guards.extract_if(.., |guard| matches!(guard, Guard::Shared { .. }));
        Held { guards: shared.collect(), _claimed: None }
    }
}

fn plan(declared: &Declared) -> impl Iterator<Item = Wish> + '_ {
    let reads = declared.reads.iter().map(|key| Wish { stripe: stripe_of(key), shared: true });
    let writes = declared.writes.iter().map(|key| Wish { stripe: stripe_of(key), shared: false });
    reads.chain(writes)
}

/// A stable hash (the same in every process, so that a simulated run repeats exactly): eight bytes at a
/// time, multiplied and folded. Keys in one table share long prefixes and differ in a few bytes.
fn stripe_of(key: &[u8]) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = (key.len() as u64).wrapping_mul(ODD);
    for chunk in key.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(ODD);
        hash ^= hash >> 29;
    }
    (hash.wrapping_mul(ODD) >> 40) as usize % STRIPES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(reads: &[&str], writes: &[&str]) -> Declared {
        let keys = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
        Declared { reads: keys(reads), writes: keys(writes) }
    }

    #[tokio::test]
    async fn exclusive_wins_over_shared_and_every_stripe_is_taken_once() {
        let locks = Locks::new();
        let held = locks.acquire(&declared(&["a", "a"], &["a", "a"]), Contention::Wait).await.unwrap();
        assert_eq!(held.guards.len(), 1);
        assert!(matches!(held.guards[0], Guard::Exclusive { .. }));
    }

    #[tokio::test]
    async fn shared_locks_go_together_and_can_be_released_early() {
        let locks = Locks::new();
        let mut one = locks.acquire(&declared(&["a"], &["b"]), Contention::Wait).await.unwrap();
        let _two = locks.acquire(&declared(&["a"], &["c"]), Contention::Wait).await.unwrap();
        let shared = one.take_shared();
        assert_eq!((one.guards.len(), shared.guards.len()), (1, 1));
    }

    #[tokio::test]
    async fn many_keys_are_locked_like_few() {
        let locks = Locks::new();
        let names: Vec<String> = (0..200).map(|n| format!("key {n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let held = locks.acquire(&declared(&names, &names), Contention::Wait).await.unwrap();
        assert!(held.guards.iter().all(|guard| matches!(guard, Guard::Exclusive { .. })));
        drop(held);
        locks.acquire(&declared(&[], &names), Contention::Wait).await.unwrap();
    }

    #[test]
    fn keys_spread_over_the_stripes() {
        let mut hits = vec![0; STRIPES];
        for n in 0..STRIPES * 8 {
            hits[stripe_of(format!("table/partition/{n:08}").as_bytes())] += 1;
        }
        assert!(hits.iter().all(|&hits| hits < 32), "the fullest stripe got {:?}", hits.iter().max());
    }
}
