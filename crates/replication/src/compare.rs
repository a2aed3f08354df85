//! Finding where two replicas differ: digests stretch by stretch, then the keys of stretches whose digests differ.
//!
//! Both replicas may be written meanwhile: what is found may be a change under way. Memory is bounded: one round of
//! stretches, one page of keys of either side.

use std::cmp::Ordering;

use bytes::Bytes;
use graticule_model::Version;
use graticule_tables::{Change, Digest, KeyState, Stretch, Table};

use crate::{
    message::{Address, Reply, Request},
    replicator::Replicator,
    session::Session,
    ship::failed,
    transport::LinkError,
};

/// Items of one digest.
const STRETCH_ITEMS: usize = 1024;
/// Digests that are asked for at once.
const STRETCHES: usize = 16;
/// Live items looked at at once.
const KEYS_MAX: usize = 4096;

/// A key that the replicas do not have in the same state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Here.
    pub(crate) ours: Option<KeyState>,
    /// There.
    pub(crate) theirs: Option<KeyState>,
}

impl Found {
    /// The stored key without the table's id.
    pub(crate) fn key(&self) -> Vec<u8> {
        let state = self.ours.as_ref().or(self.theirs.as_ref());
        state.map(|state| state.key.clone()).unwrap_or_default()
    }

    /// Whether ours is the later state, as far as live items tell.
    pub(crate) fn is_ours(&self) -> bool {
        self.version_of(&self.ours) > self.version_of(&self.theirs)
    }

    /// The latest version that either side has.
    pub(crate) fn version(&self) -> Option<&Version> {
        self.version_of(&self.ours).max(self.version_of(&self.theirs))
    }

    fn version_of<'a>(&self, state: &'a Option<KeyState>) -> Option<&'a Version> {
        state.as_ref().map(|state| &state.version)
    }
}

/// One comparison under way.
pub(crate) struct Comparison<'a> {
    table: &'a Table,
    session: &'a Session,
    to: &'a Address,
    /// What has not been compared yet.
    left: Option<Stretch>,
    /// Stretches that differ, to be looked at key by key; the next one is the last.
    differing: Vec<Stretch>,
    /// Live items compared by now.
    pub(crate) items: u64,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(table: &'a Table, session: &'a Session, to: &'a Address) -> Comparison<'a> {
        Comparison { table, session, to, left: Some(Stretch::all()), differing: Vec::new(), items: 0 }
    }

    /// The next keys that differ; maybe none of a stretch that has become equal. `None` when everything is compared.
    pub(crate) async fn next(&mut self, replicator: &Replicator) -> Result<Option<Vec<Found>>, LinkError> {
        loop {
            if let Some(stretch) = self.differing.pop() {
                return Ok(Some(self.compare_keys(replicator, stretch).await?));
            }
            if !self.compare_digests(replicator).await? {
                return Ok(None);
            }
        }
    }

    /// Compares the next few stretches; false if none are left.
    async fn compare_digests(&mut self, replicator: &Replicator) -> Result<bool, LinkError> {
        let mut stretches = Vec::new();
        while stretches.len() < STRETCHES
            && let Some(left) = self.left.take()
        {
            let split = replicator.region.split_stretch(self.table, &left, STRETCH_ITEMS).await;
            let (stretch, left) = split.map_err(failed)?;
            stretches.push(stretch);
            self.left = left;
        }
        if stretches.is_empty() {
            return Ok(false);
        }
        let wire = stretches.iter().map(Into::into).collect();
        let question = Request::Digests { to: self.to.clone(), stretches: wire };
        // Both sides read at about the same time, so that little changes in between.
        let reply = self.session.send(question).await?;
        let mut ours = Vec::with_capacity(stretches.len());
        for stretch in &stretches {
            ours.push(replicator.region.digest(self.table, stretch).await.map_err(failed)?);
        }
        let theirs = match reply.await? {
            Reply::Digests(digests) if digests.len() == ours.len() => digests,
            other => return Err(failed(format!("digests were answered by {other:?}"))),
        };
        for ((stretch, ours), theirs) in stretches.into_iter().zip(ours).zip(theirs) {
            self.items += ours.items;
            if ours != (Digest { items: theirs.items, hash: theirs.hash }) {
                self.differing.push(stretch);
            }
        }
        self.differing.reverse();
        Ok(true)
    }

    /// Compares one stretch key by key, as far as the page of the side that has more keys reaches.
    async fn compare_keys(
        &mut self,
        replicator: &Replicator,
        stretch: Stretch,
    ) -> Result<Vec<Found>, LinkError> {
        let question = Request::Keys { to: self.to.clone(), stretch: (&stretch).into() };
        let reply = self.session.send(question).await?;
        let ours = replicator.region.key_states(self.table, &stretch, KEYS_MAX).await;
        let (mut ours, our_left) = ours.map_err(failed)?;
        let (theirs, their_left) = match reply.await? {
            Reply::Keys { keys, left } => (keys, left.map(Stretch::from)),
            other => return Err(failed(format!("keys were answered by {other:?}"))),
        };
        let mut theirs: Vec<KeyState> = theirs.into_iter().map(KeyState::from).collect();
        // Both pages count up to where the shorter one ends; the rest of the stretch comes next.
        let left = match (our_left, their_left) {
            (None, None) => None,
            (Some(left), None) | (None, Some(left)) => Some(left),
            (Some(ours), Some(theirs)) => Some(if ours.start < theirs.start { ours } else { theirs }),
        };
        if let Some(left) = left {
            ours.retain(|state| state.key < left.start);
            theirs.retain(|state| state.key < left.start);
            self.differing.push(left);
        }
        Ok(differences(ours, theirs))
    }

    /// The states of single keys, here and there.
    pub(crate) async fn look_again(
        &self,
        replicator: &Replicator,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Found>, LinkError> {
        let mut found = Vec::new();
        for key in keys {
            let stretch = Stretch { start: key.clone(), end: Some([&key[..], &[0]].concat()) };
            let question = Request::Keys { to: self.to.clone(), stretch: (&stretch).into() };
            let theirs = match self.session.call(question).await? {
                Reply::Keys { keys, .. } => keys.into_iter().map(KeyState::from).collect(),
                other => return Err(failed(format!("keys were answered by {other:?}"))),
            };
            let ours = replicator.region.key_states(self.table, &stretch, 1).await.map_err(failed)?.0;
            found.extend(differences(ours, theirs));
        }
        Ok(found)
    }

    /// What is stored there under a key: an item, a tombstone, or nothing.
    pub(crate) async fn fetch(&self, key: &[u8]) -> Result<Option<Change>, LinkError> {
        let question = Request::Items { to: self.to.clone(), keys: vec![Bytes::copy_from_slice(key)] };
        match self.session.call(question).await? {
            Reply::Items { items, .. } => Ok(items.into_iter().next().map(Into::into)),
            other => Err(failed(format!("a key was answered by {other:?}"))),
        }
    }
}

/// Where two lists in the order of their keys differ.
fn differences(ours: Vec<KeyState>, theirs: Vec<KeyState>) -> Vec<Found> {
    let (mut ours, mut theirs) = (ours.into_iter().peekable(), theirs.into_iter().peekable());
    let mut found = Vec::new();
    loop {
        let order = match (ours.peek(), theirs.peek()) {
            (None, None) => return found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(ours), Some(theirs)) => ours.key.cmp(&theirs.key),
        };
        let ours = if order.is_le() { ours.next() } else { None };
        let theirs = if order.is_ge() { theirs.next() } else { None };
        if ours != theirs {
            found.push(Found { ours, theirs });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use graticule_model::version::HybridTime;

    use super::*;

    fn state(key: u8, time: u64) -> KeyState {
        let version = Version { time: HybridTime::from_bits(time), region: Arc::from("a") };
        KeyState { key: vec![key], version, hash: u128::from(time) }
    }

    #[test]
    fn differences_are_found_wherever_they_are() {
        let ours = vec![state(1, 1), state(3, 5), state(4, 1), state(6, 1)];
        let theirs = vec![state(2, 1), state(3, 4), state(4, 1)];
        let found = differences(ours, theirs);
        let keys: Vec<(Vec<u8>, bool)> = found.iter().map(|found| (found.key(), found.is_ours())).collect();
        assert_eq!(keys, [(vec![1], true), (vec![2], false), (vec![3], true), (vec![6], true)]);
    }
}
