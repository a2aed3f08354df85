//! Deleting items whose time to live is over.

use std::sync::Arc;

use graticule_expr::{Condition, Placeholders};
use graticule_kv::{Direction, PageLimit};
use graticule_model::{AttributeValue, Error, ExpressionKind, Item, Number, limits::TTL_AGE_SECONDS_MAX};

use super::{Progressed, SWEEP_ITEMS};
use crate::{
    action::{Action, ActionKind},
    derive::{has_expired, index_prefix},
    layout::{KeyBuilder, Space},
    record::Record,
    region::{Region, internal},
    schema::{Derivation, IndexState, Table, TableStatus},
};

impl Region {
    /// Deletes items whose time to live is over.
    pub(super) async fn step_expiry(self: &Arc<Region>, table: &Arc<Table>) -> Result<Progressed, Error> {
        let due = table.indexes.values().find_map(|index| match &index.derivation {
            Derivation::Expiry(attribute) if index.state == IndexState::Active => Some((index, attribute)),
            _ => None,
        });
        let Some((index, attribute)) = due else { return Ok(Progressed::Idle) };
        if table.status != TableStatus::Active {
            return Ok(Progressed::Idle);
        }
        let now_seconds = self.env.unix_ms() / 1000;
        let prefix = index_prefix(table, index);
        let oldest = now_seconds.saturating_sub(TTL_AGE_SECONDS_MAX);
        let (start, end) =
            (prefix.clone().number(oldest).build(), prefix.clone().number(now_seconds + 1).build());
        let limit = PageLimit { entries: SWEEP_ITEMS, bytes: usize::MAX };
        let rows = {
            let snapshot = self.engine.snapshot().await.map_err(internal)?;
            snapshot.scan(&start, &end, Direction::Forward, limit).await.map_err(internal)?
        };
        let prefix_length = prefix.build().len();
        for (entry_key, _) in &rows {
            let (seconds, suffix) = entry_key[prefix_length..].split_at(8);
            let seconds = u64::from_be_bytes(seconds.try_into().map_err(internal)?);
            let item_key = KeyBuilder::table(Space::Items, table.id).bytes(suffix).build();
            let Some(stored) = self.engine.get(&item_key).await.map_err(internal)? else { continue };
            let record = Record::decode(stored).map_err(internal)?;
            if record.tombstone || !has_expired(seconds, now_seconds) {
                continue;
            }
            let key = table.key_item(&table.key_of(&record.item().map_err(internal)?)?);
            let action = Action {
                condition: Some(unchanged(&record.item().map_err(internal)?, attribute)?),
                expiry: true,
                ..Action::new(table.name.clone(), ActionKind::Delete(key))
            };
            match self.write_one(action).await {
                // Changed meanwhile: its new time to live has an entry of its own.
                Ok(_) | Err(Error::ConditionalCheckFailed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(if rows.len() == SWEEP_ITEMS { Progressed::Busy } else { Progressed::Idle })
    }
}

/// The condition that an item still has the expiry time that was found.
fn unchanged(item: &Item, attribute: &str) -> Result<Condition, Error> {
    let value = item.get(attribute).cloned().unwrap_or(AttributeValue::N(Number::ZERO));
    let names = [("#ttl".to_owned(), attribute.to_owned())].into();
    let mut placeholders = Placeholders::new(Some(names), Some(Item::from([(":seen".to_owned(), value)])))?;
    Condition::parse(ExpressionKind::Condition, "#ttl = :seen", &mut placeholders)
}
