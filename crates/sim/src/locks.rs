//! Locks and claims of a simulated engine: one fair lock per key, taken in the order of the keys.
//!
//! Finer than the stripes of the real engines, so that more interleavings are possible, never fewer guarantees.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Weak},
};

use graticule_kv::{CommitError, Contention, Declared, Key};
use parking_lot::Mutex;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// All locks of one engine.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    keys: Mutex<BTreeMap<Key, Weak<RwLock<()>>>>,
    claims: Arc<Mutex<BTreeSet<Key>>>,
}

/// Dropping it gives its claims up.
#[derive(Debug)]
struct Claimed {
    claims: Arc<Mutex<BTreeSet<Key>>>,
    keys: Vec<Key>,
}

impl Drop for Claimed {
    fn drop(&mut self) {
        let mut claims = self.claims.lock();
        for key in &self.keys {
            claims.remove(key);
        }
    }
}

/// What one transaction holds; dropping it lets go.
#[derive(Debug, Default)]
pub(crate) struct Held {
    shared: Vec<OwnedRwLockReadGuard<()>>,
    _exclusive: Vec<OwnedRwLockWriteGuard<()>>,
    _claimed: Option<Claimed>,
}

impl Held {
    /// Lets go of what was only read.
    pub(crate) fn release_shared(&mut self) {
        self.shared.clear();
    }
}

impl Locks {
    /// Which of these keys somebody claims.
    pub(crate) fn claimed(&self, keys: &[Key]) -> Vec<bool> {
        let claims = self.claims.lock();
        keys.iter().map(|key| claims.contains(key)).collect()
    }

    pub(crate) async fn acquire(
        &self,
        declared: &Declared,
        contention: Contention,
    ) -> Result<Held, CommitError> {
        let claimed = self.claim(&declared.writes, contention).map_err(CommitError::Contended)?;
        let mut held = Held { _claimed: claimed, ..Held::default() };
        let mut wishes: BTreeMap<&Key, bool> = declared.reads.iter().map(|key| (key, false)).collect();
        wishes.extend(declared.writes.iter().map(|key| (key, true)));
        for (key, exclusive) in wishes {
            let lock = self.lock_of(key);
            if exclusive {
                held._exclusive.push(lock.write_owned().await);
            } else {
                held.shared.push(lock.read_owned().await);
            }
        }
        Ok(held)
    }

    fn claim(&self, keys: &[Key], contention: Contention) -> Result<Option<Claimed>, Vec<usize>> {
        let mut claims = self.claims.lock();
        let taken: Vec<usize> = (0..keys.len()).filter(|at| claims.contains(&keys[*at])).collect();
        match contention {
            Contention::Wait => Ok(None),
            _ if !taken.is_empty() => Err(taken),
            Contention::Yield => Ok(None),
            Contention::Claim => {
                claims.extend(keys.iter().cloned());
                Ok(Some(Claimed { claims: Arc::clone(&self.claims), keys: keys.to_vec() }))
            }
        }
    }

    fn lock_of(&self, key: &Key) -> Arc<RwLock<()>> {
        let mut keys = self.keys.lock();
        if let Some(lock) = keys.get(key).and_then(Weak::upgrade) {
            return lock;
        }
        if keys.len() >= 1024 {
            keys.retain(|_, lock| lock.strong_count() > 0);
        }
        let lock = Arc::new(RwLock::new(()));
        keys.insert(key.clone(), Arc::downgrade(&lock));
        lock
    }
}
