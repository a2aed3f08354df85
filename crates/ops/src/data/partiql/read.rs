//! Statements that read: by key, or in pages.

use std::sync::Arc;

use bytes::Bytes;
use graticule_expr::{Condition, KeyCondition, Projection, partiql::Select};
use graticule_model::{
    Error, Item, TableName,
    codec::item_to_json,
    error::PartiqlError,
    limits::{PAGE_BYTES_MAX, PARTIQL_KEYS_PAGE_MAX, PARTITION_KEY_BYTES_MAX},
};
use graticule_tables::{Direction, Span, StoredItem, Table, schema::PrimaryKey};

use super::{next_token::Position, request::schema_ref};
use crate::{
    Context,
    data::{
        capacity::Consumed,
        page::{PageParameters, Reading, Source},
        stored_item,
    },
};

/// One item, named by its key.
#[derive(Debug)]
pub(super) struct ItemRead {
    /// The table.
    pub(super) table: Arc<Table>,
    /// The item's key.
    pub(super) key: PrimaryKey,
    filter: Option<Condition>,
    projection: Option<Projection>,
}

impl ItemRead {
    /// The read of one item that `select` is; `within` is the operation in whose words others are refused.
    ///
    /// # Errors
    /// If the table is missing, or the statement does not name one item of it.
    pub(super) async fn prepare(
        context: &Context,
        name: &TableName,
        select: Select,
        within: &'static str,
    ) -> Result<ItemRead, Error> {
        let table = context.region.active_table(name).await?;
        let by_key = if select.index.is_some() { None } else { ItemRead::find(&table, &select)? };
        by_key.ok_or_else(|| PartiqlError::SelectNotByKey(within).into())
    }

    /// The item that `select` names by its key, if it does.
    pub(super) fn find(table: &Arc<Table>, select: &Select) -> Result<Option<ItemRead>, Error> {
        let Some((key, filter)) = select.key(schema_ref(&table.key))? else { return Ok(None) };
        Ok(Some(ItemRead {
            key: table.key_from_request(&key)?,
            table: Arc::clone(table),
            filter,
            projection: select.projection.clone(),
        }))
    }

    /// What to show of the stored item, if it is there and meets the rest of the condition.
    ///
    /// # Errors
    /// If the stored item is damaged.
    pub(super) fn shown(&self, record: Option<&StoredItem>) -> Result<Option<Bytes>, Error> {
        let Some(record) = record else { return Ok(None) };
        if self.filter.is_none() && self.projection.is_none() {
            return Ok(Some(record.json.clone()));
        }
        let item = stored_item(record)?;
        if self.filter.as_ref().is_some_and(|filter| !filter.matches(&item)) {
            return Ok(None);
        }
        Ok(Some(match &self.projection {
            Some(projection) => item_to_json(&projection.apply(&item)).into(),
            None => record.json.clone(),
        }))
    }
}

/// What a page holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The items that are shown.
    pub(super) items: Vec<Bytes>,
    /// Where reading goes on, if there may be more.
    pub(super) next: Option<Position>,
    /// The key of the item that was read last, if there may be more.
    pub(super) last_key: Option<Item>,
    /// What it cost.
    pub(super) consumed: Consumed,
}

/// Reads one page of what `select` wants, from `position` on.
///
/// # Errors
/// If the index cannot be read so, or reading fails.
pub(super) async fn page(
    context: &Context,
    table: &Arc<Table>,
    select: Select,
    parameters: &mut PageParameters,
    position: Position,
) -> Result<Found, Error> {
    let source = Source::find(table, parameters.index.as_deref())?;
    let plan = select.plan(schema_ref(source.key()))?;
    let direction = if plan.descending { Direction::Backward } else { Direction::Forward };
    let several = plan.ranges.as_ref().is_some_and(|ranges| ranges.len() > 1);
    if several {
        parameters.limit = Some(parameters.limit.unwrap_or(usize::MAX).min(PARTIQL_KEYS_PAGE_MAX));
    }
    let spans = spans(plan.ranges)?;
    let mut found = Found::default();
    let mut after = position.after;
    if position.range >= spans.len() && (position.range > 0 || after.is_some()) {
        return Err(PartiqlError::NextTokenInvalid.into());
    }
    let (mut evaluated, mut size_bytes) = (0, 0);
    let limit = parameters.limit;
    let count = spans.len();
    for (range, span) in spans.into_iter().enumerate().skip(position.range) {
        parameters.limit = limit.map(|limit| limit - evaluated);
        if let Some(after) = &after
            && source.check_start_key(after, Error::StartKeyInvalid).is_err()
        {
            return Err(PartiqlError::NextTokenInvalid.into());
        }
        let (filter, projection) = (plan.filter.clone(), select.projection.clone());
        let reading = Reading { context, table, source, parameters, projection, filter, after: after.take() };
        let whole_items = reading.check_index()?;
        let outside = || PartiqlError::NextTokenInvalid.into();
        let (page, scanned, shown) = reading.page(span, direction, whole_items, outside).await?;
        found.items.extend(shown);
        found.consumed.add(page.consumed);
        evaluated += scanned;
        size_bytes += page.size_bytes;
        if let Some(last_key) = page.last_key {
            found.next = Some(Position { range, after: Some(last_key.clone()) });
            found.last_key = Some(last_key);
            return Ok(found);
        }
        let is_full = limit.is_some_and(|limit| evaluated >= limit) || size_bytes >= PAGE_BYTES_MAX;
        if is_full && range + 1 < count {
            found.next = Some(Position { range: range + 1, after: None });
            return Ok(found);
        }
    }
    Ok(found)
}

/// The ranges to read, one after the other.
fn spans(ranges: Option<Vec<KeyCondition>>) -> Result<Vec<Span>, Error> {
    let Some(ranges) = ranges else { return Ok(vec![Span::Segment { segment: 0, total: 1 }]) };
    let span = |range: KeyCondition| {
        let partition_bytes: usize = range.partition.iter().map(|(_, value)| value.size_bytes()).sum();
        if partition_bytes > PARTITION_KEY_BYTES_MAX {
            return Err(Error::PartitionKeyTooLong);
        }
        Ok(Span::Partition {
            partition: range.partition.into_iter().map(|(_, value)| value).collect(),
            sort: range.sort.into_iter().map(|(_, test)| test).collect(),
        })
    };
    ranges.into_iter().map(span).collect()
}
