//! The tables of a Region: created, found, changed, dropped.
//!
//! A table's record is guarded by a small fence row with its id and revision. Every write of an item reads the fence in
//! its own transaction, so no write ever acts on an outdated record, and changing a record waits for writes under way.

use std::sync::Arc;

use graticule_kv::{Batch, CommitError, Decision, Declared, Direction, PageLimit, Value, transact};
use graticule_model::{Error, TableName};

use crate::{
    dropped::leave_streams,
    layout::{KeyBuilder, Space, TABLE_SPACES, prefix_range},
    region::{Region, internal},
    schema::{TABLE_FORMAT, Table, TableStatus},
};

pub(crate) fn catalogue_key(name: &TableName) -> Vec<u8> {
    KeyBuilder::new(Space::Catalogue).bytes(name.as_str().as_bytes()).build()
}

pub(crate) fn fence_key(name: &TableName) -> Vec<u8> {
    KeyBuilder::new(Space::Fence).bytes(name.as_str().as_bytes()).build()
}

fn next_id_key() -> Vec<u8> {
    KeyBuilder::new(Space::Region).bytes(b"next table").build()
}

/// What the fence of `table` holds while its record is current.
pub(crate) fn fence_value(table: &Table) -> [u8; 16] {
    let mut value = [0; 16];
    value[..8].copy_from_slice(&table.id.to_be_bytes());
    value[8..].copy_from_slice(&table.revision.to_be_bytes());
    value
}

pub(crate) fn decode_table(value: &Value) -> Result<Table, Error> {
    let table: Table = serde_json::from_slice(value).map_err(internal)?;
    if table.format != TABLE_FORMAT {
        return Err(internal(format!("table record of unknown form {}", table.format)));
    }
    Ok(table)
}

fn put_table(table: &Table, batch: &mut Batch) -> Result<(), Error> {
    batch.put(catalogue_key(&table.name), serde_json::to_vec(table).map_err(internal)?);
    batch.put(fence_key(&table.name), fence_value(table));
    Ok(())
}

/// A commit that failed, as a client sees it.
pub(crate) fn commit_error(error: CommitError) -> Error {
    match error {
        CommitError::TooLarge { size_bytes, limit_bytes } => Error::Parameter(format!(
            "The request needs a commit of {size_bytes} bytes with its index and stream entries; the limit is {limit_bytes}"
        )),
        other => internal(other),
    }
}

impl Region {
    /// A table, whatever its status.
    ///
    /// # Errors
    /// [`Error::ResourceNotFound`] if there is none.
    pub async fn table(&self, name: &TableName) -> Result<Arc<Table>, Error> {
        let fence = self.engine.get(&fence_key(name)).await.map_err(internal)?;
        let Some(fence) = fence else {
            self.cache.lock().remove(name);
            return Err(Error::ResourceNotFound);
        };
        if let Some(table) = self.cache.lock().get(name)
            && fence[..] == fence_value(table)
        {
            return Ok(Arc::clone(table));
        }
        let stored = self.engine.get(&catalogue_key(name)).await.map_err(internal)?;
        let table = Arc::new(decode_table(&stored.ok_or(Error::ResourceNotFound)?)?);
        self.cache.lock().insert(name.clone(), Arc::clone(&table));
        Ok(table)
    }

    /// A table that takes requests for items, if it is in the cache. Whether it is current is for the caller to find out.
    pub(crate) fn cached_table(&self, name: &TableName) -> Option<Arc<Table>> {
        self.cache.lock().get(name).filter(|table| table.status == TableStatus::Active).cloned()
    }

    /// A table that takes requests for items.
    ///
    /// # Errors
    /// [`Error::ResourceNotFound`] if there is none, or it is a replica that is not filled yet or on its way out.
    pub async fn active_table(&self, name: &TableName) -> Result<Arc<Table>, Error> {
        let table = self.table(name).await?;
        if table.status == TableStatus::Active { Ok(table) } else { Err(Error::ResourceNotFound) }
    }

    /// Names of tables in ascending order, after `after`, at most `limit`.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn table_names(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>, Error> {
        let (mut start, end) = prefix_range(KeyBuilder::new(Space::Catalogue).build());
        if let Some(after) = after {
            start.extend_from_slice(after.as_bytes());
            start.push(0);
        }
        let snapshot = self.engine.snapshot().await.map_err(internal)?;
        let page = PageLimit { entries: limit, bytes: usize::MAX };
        let rows = snapshot.scan(&start, &end, Direction::Forward, page).await.map_err(internal)?;
        Ok(rows.into_iter().map(|(key, _)| String::from_utf8_lossy(&key[1..]).into_owned()).collect())
    }

    /// All tables of the Region.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn tables(&self) -> Result<Vec<Arc<Table>>, Error> {
        let mut tables = Vec::new();
        for name in self.table_names(None, usize::MAX).await? {
            match self.table(&name.parse()?).await {
                Ok(table) => tables.push(table),
                Err(Error::ResourceNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(tables)
    }

    /// Creates a table; its id and revision are given here.
    ///
    /// # Errors
    /// [`Error::TableExists`].
    pub async fn create_table(&self, mut table: Table) -> Result<Arc<Table>, Error> {
        if !table.streams.is_empty() {
            table.label_streams_after(self.newest_dropped_stream(&table.name).await?);
        }
        let declared = Declared {
            reads: Vec::new(),
            writes: vec![catalogue_key(&table.name), fence_key(&table.name), next_id_key()],
        };
        let decide = |values: &[Option<Value>]| {
            if values[0].is_some() {
                return Decision::Abort(Err(Error::TableExists(table.name.to_string())));
            }
            let id = values[2].as_ref().map_or(1, |value| {
                u64::from_be_bytes(value.as_ref().try_into().expect("the next id is eight bytes"))
            });
            let table = Table { id, revision: 1, ..table.clone() };
            let mut batch = Batch::new();
            batch.put(next_id_key(), (id + 1).to_be_bytes());
            match put_table(&table, &mut batch) {
                Ok(()) => Decision::Commit(batch, Ok(table)),
                Err(error) => Decision::Abort(Err(error)),
            }
        };
        let (created, _) = transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
        let table = Arc::new(created?);
        self.cache.lock().insert(table.name.clone(), Arc::clone(&table));
        self.catalogue_changed();
        Ok(table)
    }

    /// Changes a table's record. `change` is pure; it may add effects to the commit. Writes of items under way finish
    /// first, later ones see the new record. A change that leaves the record as it is commits only its effects.
    ///
    /// # Errors
    /// [`Error::ResourceNotFound`], or what `change` refuses with.
    pub async fn update_table<T: Send>(
        &self,
        name: &TableName,
        mut change: impl FnMut(&mut Table, &mut Batch) -> Result<T, Error> + Send,
    ) -> Result<(Arc<Table>, T), Error> {
        let declared = Declared { reads: Vec::new(), writes: vec![catalogue_key(name), fence_key(name)] };
        let decide = |values: &[Option<Value>]| {
            let mut attempt = || {
                let before = decode_table(values[0].as_ref().ok_or(Error::ResourceNotFound)?)?;
                let mut table = before.clone();
                let mut batch = Batch::new();
                let answer = change(&mut table, &mut batch)?;
                if table != before {
                    table.revision += 1;
                    put_table(&table, &mut batch)?;
                }
                Ok::<_, Error>((table, batch, answer))
            };
            match attempt() {
                Ok((table, batch, answer)) if batch.is_empty() => Decision::Abort(Ok((table, answer, false))),
                Ok((table, batch, answer)) => Decision::Commit(batch, Ok((table, answer, true))),
                Err(error) => Decision::Abort(Err(error)),
            }
        };
        let (outcome, _) = transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
        let (table, answer, changed) = outcome?;
        let table = Arc::new(table);
        if changed {
            self.meters.settle(&table, &self.name, self.env.monotonic());
            self.cache.lock().insert(table.name.clone(), Arc::clone(&table));
            self.catalogue_changed();
        }
        Ok((table, answer))
    }

    /// Drops a table with everything that belongs to it but its streams, if `check` allows it.
    ///
    /// # Errors
    /// [`Error::ResourceNotFound`], or what `check` refuses with.
    pub async fn drop_table(
        &self,
        name: &TableName,
        mut check: impl FnMut(&Table) -> Result<(), Error> + Send,
    ) -> Result<Table, Error> {
        let declared = Declared { reads: Vec::new(), writes: vec![catalogue_key(name), fence_key(name)] };
        let decide = |values: &[Option<Value>]| {
            let mut attempt = || {
                let table = decode_table(values[0].as_ref().ok_or(Error::ResourceNotFound)?)?;
                check(&table)?;
                Ok(table)
            };
            match attempt() {
                Err(error) => Decision::Abort(Err(error)),
                Ok(table) => {
                    let mut batch = Batch::new();
                    batch.delete(catalogue_key(name));
                    batch.delete(fence_key(name));
                    for space in TABLE_SPACES {
                        let (start, end) = prefix_range(KeyBuilder::table(space, table.id).build());
                        batch.delete_range(start, end);
                    }
                    match leave_streams(&table, self.env.unix_ms(), &mut batch) {
                        Ok(()) => Decision::Commit(batch, Ok(table)),
                        Err(error) => Decision::Abort(Err(error)),
                    }
                }
            }
        };
        let (outcome, _) = transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
        let table = outcome?;
        self.cache.lock().remove(name);
        self.tombstone_floor.lock().remove(&table.id);
        self.meters.forget(table.id);
        self.catalogue_changed();
        Ok(table)
    }
}
