//! Filling new indexes with the items that were there before, and removing what deleted ones have left.

use std::sync::Arc;

use graticule_kv::{Batch, Decision, Declared, Direction, PageLimit, Value, transact};
use graticule_model::Error;

use super::Progressed;
use crate::{
    catalogue::{commit_error, fence_key, fence_value},
    coverage::{Progress, progress_key},
    derive::{COUNT_BYTES, COUNT_ITEMS, Image, counter_key, index_effect, index_prefix},
    layout::{KeyBuilder, Space, prefix_range},
    record::Record,
    region::{Region, internal},
    schema::{COLLECTIONS_INDEX, Derivation, IndexState, LocalIndex, Table},
};

/// Items that an index is filled with at a time: writes of these wait meanwhile.
const BACKFILL_ITEMS: usize = 128;

/// Entries as an engine gives them.
type Rows = Vec<(Vec<u8>, Value)>;

impl Region {
    pub(super) async fn step_indexes(&self, table: &Arc<Table>) -> Result<Progressed, Error> {
        // A table of an earlier Graticule has no sizes of collections.
        if table.has_collections() && !table.indexes.contains_key(COLLECTIONS_INDEX) {
            self.update_table(&table.name, |table, _| {
                table.reconcile_indexes(false);
                Ok(())
            })
            .await?;
            return Ok(Progressed::Busy);
        }
        for (name, index) in &table.indexes {
            match index.state {
                IndexState::Active => {}
                IndexState::Backfilling => {
                    self.backfill_step(table, name, index).await?;
                    return Ok(Progressed::Busy);
                }
                IndexState::Deleting => {
                    self.remove_index(table, name, index).await?;
                    return Ok(Progressed::Busy);
                }
            }
        }
        Ok(Progressed::Idle)
    }

    /// Removes what a deleted index has left, and lets go of its name.
    async fn remove_index(&self, table: &Table, name: &str, index: &LocalIndex) -> Result<(), Error> {
        self.update_table(&table.name, |table, batch| {
            if table.indexes.get(name).is_some_and(|current| current.id == index.id) {
                let (start, end) = prefix_range(index_prefix(table, index).build());
                batch.delete_range(start, end);
                for which in [COUNT_ITEMS, COUNT_BYTES] {
                    batch.delete(counter_key(table.id, index.id, which));
                }
                batch.delete(progress_key(table.id, index.id));
                table.indexes.remove(name);
                table.reconcile_indexes(false);
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Fills an index with the next few items: freezes them, reads them, adds their entries and covers them.
    async fn backfill_step(&self, table: &Table, name: &str, index: &LocalIndex) -> Result<(), Error> {
        let progress_key = progress_key(table.id, index.id);
        let stored = self.engine.get(&progress_key).await.map_err(internal)?;
        let progress = Progress::decode(stored.as_ref());
        let (first, end) = prefix_range(KeyBuilder::table(Space::Items, table.id).build());
        if progress.covered == end {
            self.update_table(&table.name, |table, batch| {
                if let Some(current) = table.indexes.get_mut(name)
                    && current.id == index.id
                {
                    current.state = IndexState::Active;
                    batch.delete(progress_key.clone());
                }
                Ok(())
            })
            .await?;
            match &index.derivation {
                Derivation::Secondary(_) => {
                    tracing::info!(region = %self.name, table = %table.name, index = name, "an index is complete");
                }
                Derivation::Expiry(attribute) => {
                    tracing::info!(region = %self.name, table = %table.name, attribute, "the time to live is enabled");
                }
                Derivation::Collections => {
                    tracing::info!(region = %self.name, table = %table.name, "the sizes of item collections are known");
                }
            }
            return Ok(());
        }
        let start = if progress.covered.is_empty() { first } else { [&progress.covered[..], &[0]].concat() };
        let limit = PageLimit { entries: BACKFILL_ITEMS, bytes: 1024 * 1024 };
        let ahead = {
            let snapshot = self.engine.snapshot().await.map_err(internal)?;
            snapshot.scan(&start, &end, Direction::Forward, limit).await.map_err(internal)?
        };
        let frozen = match ahead.last() {
            Some((key, _)) => key.clone(),
            None => end.clone(),
        };
        let freeze = Progress { covered: progress.covered.clone(), frozen: frozen.clone() };
        if !self.put_progress(table, &progress_key, &freeze, None).await? {
            return Ok(());
        }
        let past = [&frozen[..], &[0]].concat();
        let whole = PageLimit { entries: usize::MAX, bytes: usize::MAX };
        let rows = {
            let snapshot = self.engine.snapshot().await.map_err(internal)?;
            snapshot
                .scan(&start, past.as_slice().min(&end), Direction::Forward, whole)
                .await
                .map_err(internal)?
        };
        let cover = Progress { covered: frozen, frozen: Vec::new() };
        self.put_progress(table, &progress_key, &cover, Some((index, rows))).await?;
        Ok(())
    }

    /// Moves the progress of a filling index, adding entries. Tells whether the table's record was still current.
    async fn put_progress(
        &self,
        table: &Table,
        progress_key: &[u8],
        progress: &Progress,
        fill: Option<(&LocalIndex, Rows)>,
    ) -> Result<bool, Error> {
        let declared = Declared { reads: vec![fence_key(&table.name)], writes: vec![progress_key.to_vec()] };
        let decide = |values: &[Option<Value>]| {
            if values[0].as_ref().is_none_or(|fence| fence[..] != fence_value(table)) {
                return Decision::Abort(Ok(false));
            }
            let mut batch = Batch::new();
            batch.put(progress_key, progress.encode());
            if let Some((index, rows)) = &fill {
                for (_, stored) in rows {
                    let mut add = || {
                        let record = Record::decode(stored.clone()).map_err(internal)?;
                        if !record.tombstone {
                            let item = record.item().map_err(internal)?;
                            let key = table.key_of(&item)?;
                            let image = Image::new(&item, &record);
                            index_effect(
                                table,
                                index,
                                &key,
                                (None, Some(image)),
                                &record.version,
                                &mut batch,
                            );
                        }
                        Ok(())
                    };
                    if let Err(error) = add() {
                        return Decision::Abort(Err(error));
                    }
                }
            }
            Decision::Commit(batch, Ok(true))
        };
        let (current, _) = transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
        current
    }
}
