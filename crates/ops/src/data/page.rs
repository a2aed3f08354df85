//! What Query and Scan share: which attributes they may show, where a page starts, and how it is answered.
//!
//! A page without filter and projection is copied as it is stored; otherwise its items are read one by one.

use std::sync::Arc;

use bytes::Bytes;
use graticule_expr::{Condition, Projection};
use graticule_model::{
    Error, Item,
    codec::{item_to_json, item_to_value},
};
use graticule_tables::{
    Direction, Page, PageRequest, Span, StoredItem, Table,
    schema::{IndexDefinition, KeySchema, LocalIndex, Projection as IndexProjection},
};
use serde::Deserialize;

use super::{
    capacity::{Detail, Split, consumed_json, index_holds},
    stored_item,
};
use crate::{Context, parameters::RawAttributes, reply::Reply};

/// `Select`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Select {
    /// The attributes of the projection.
    #[serde(rename = "SPECIFIC_ATTRIBUTES")]
    Specific,
    /// No items, only their number.
    #[serde(rename = "COUNT")]
    Count,
    /// Whole items.
    #[serde(rename = "ALL_ATTRIBUTES")]
    All,
    /// What the index holds.
    #[serde(rename = "ALL_PROJECTED_ATTRIBUTES")]
    AllProjected,
}

impl Select {
    /// What it chooses to get.
    fn words(self) -> &'static str {
        match self {
            Select::Specific => "SPECIFIC_ATTRIBUTES",
            Select::Count => "only the Count",
            Select::All => "ALL_ATTRIBUTES",
            Select::AllProjected => "ALL_PROJECTED_ATTRIBUTES",
        }
    }
}

/// Parameters that Query and Scan have in common and that need no table to be checked.
#[derive(Debug)]
pub(crate) struct PageParameters {
    /// The index to read.
    pub(crate) index: Option<String>,
    /// What to answer with.
    pub(crate) select: Option<Select>,
    /// Most items to evaluate.
    pub(crate) limit: Option<usize>,
    /// Strongly consistent.
    pub(crate) consistent: bool,
    /// Consumed capacity.
    pub(crate) detail: Detail,
}

impl PageParameters {
    /// Refuses a `Select` that goes with neither the index nor what `projection` is the parameter for.
    ///
    /// # Errors
    /// [`Error::SelectWithProjection`] or [`Error::Validation`].
    pub(crate) fn check_select(&self, projection: Option<&'static str>) -> Result<(), Error> {
        let message = match (self.select, projection) {
            (Some(select), Some(projection)) if select != Select::Specific => {
                return Err(Error::SelectWithProjection { projection, select: select.words() });
            }
            (Some(Select::Specific), None) => {
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
            }
            (Some(Select::AllProjected), None) if self.index.is_none() => {
                "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
            }
            _ => return Ok(()),
        };
        Err(Error::Validation(message.to_owned()))
    }
}

/// Reads `ExclusiveStartKey`.
///
/// # Errors
/// If a value is none that DynamoDB takes.
pub(crate) fn start_key(given: Option<RawAttributes<'_>>) -> Result<Option<Item>, Error> {
    let read = |raw: RawAttributes<'_>| match raw.read() {
        Err(error @ Error::Serialization(_)) => Err(error),
        Err(error) => Err(start_key_invalid(error)),
        key => key,
    };
    given.map(read).transpose()
}

/// The table or index that is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'t> {
    table: &'t Table,
    index: Option<(&'t LocalIndex, &'t IndexDefinition)>,
}

impl<'t> Source<'t> {
    /// Finds the index, if one is named.
    ///
    /// # Errors
    /// [`Error::IndexMissing`].
    pub(crate) fn find(table: &'t Table, index: Option<&str>) -> Result<Source<'t>, Error> {
        let find = |name: &str| table.secondary(name).ok_or_else(|| Error::IndexMissing(name.to_owned()));
        Ok(Source { table, index: index.map(find).transpose()? })
    }

    /// The key that orders what is read.
    pub(crate) fn key(&self) -> &'t KeySchema {
        self.index.map_or(&self.table.key, |(_, definition)| &definition.key)
    }

    /// Refuses an `ExclusiveStartKey` that no page can have ended with; `misfit` is the error for one that has not
    /// exactly the attributes of a `LastEvaluatedKey`.
    ///
    /// # Errors
    /// `misfit`, or [`Error::Validation`] for values that no key has.
    pub(crate) fn check_start_key(&self, key: &Item, misfit: Error) -> Result<(), Error> {
        let attributes = || self.table.key.attributes().chain(self.key().attributes());
        let fits = |name: &String| attributes().any(|attribute| attribute.name == *name);
        let present = attributes()
            .all(|attribute| key.get(&attribute.name).is_some_and(|value| attribute.kind.matches(value)));
        if !present || !key.keys().all(fits) {
            return Err(misfit);
        }
        self.table.key_of(key).map(drop).map_err(start_key_invalid)
    }
}

/// A start key that is wrong in itself.
pub(crate) fn start_key_invalid(reason: impl std::fmt::Display) -> Error {
    Error::Validation(format!("The provided starting key is invalid: {reason}"))
}

/// A page that is ready to be read.
#[derive(Debug)]
pub(crate) struct Reading<'r> {
    /// The Region.
    pub(crate) context: &'r Context,
    /// The table.
    pub(crate) table: &'r Arc<Table>,
    /// The table or index that is read.
    pub(crate) source: Source<'r>,
    /// What was asked for.
    pub(crate) parameters: &'r PageParameters,
    /// What to show of each item.
    pub(crate) projection: Option<Projection>,
    /// Which items to show.
    pub(crate) filter: Option<Condition>,
    /// Where the page before ended.
    pub(crate) after: Option<Item>,
}

impl Reading<'_> {
    /// Refuses what an index cannot give; says whether items have to be fetched from the table.
    ///
    /// # Errors
    /// [`Error::Validation`] or [`Error::Parameter`].
    pub(crate) fn check_index(&self) -> Result<bool, Error> {
        let (Some((index, definition)), Some(name)) = (self.source.index, &self.parameters.index) else {
            return Ok(false);
        };
        if self.parameters.consistent && !index.local {
            let message = "Consistent reads are not supported on global secondary indexes";
            return Err(Error::Validation(message.to_owned()));
        }
        let wants_all =
            self.parameters.select == Some(Select::All) && definition.projection != IndexProjection::All;
        let projected = self.projection.iter().flat_map(Projection::top_level_names);
        let lacking: Vec<&str> =
            projected.filter(|name| !index_holds(self.table, definition, name)).collect();
        let fetches = index.local && (wants_all || !lacking.is_empty());
        if wants_all && !index.local {
            return Err(Error::Parameter(format!(
                "Select type ALL_ATTRIBUTES is not supported for global secondary index {name} because its projection type is not ALL"
            )));
        }
        if !lacking.is_empty() && !index.local {
            let list = lacking.join(", ");
            return Err(Error::Parameter(format!("Global secondary index {name} does not project [{list}]")));
        }
        let filtered = self.filter.iter().flat_map(Condition::top_level_names);
        let unseen: Vec<&str> = filtered.filter(|name| !index_holds(self.table, definition, name)).collect();
        if !unseen.is_empty() && !fetches {
            let list = unseen.join(", ");
            return Err(Error::Parameter(format!(
                "Secondary index {name} does not project one or more filter attributes: [{list}]"
            )));
        }
        Ok(fetches)
    }

    /// Reads the page; gives it, its items taken out, with how many there were and with the JSON of those to show.
    /// `outside` is the error for a start key that lies outside `span`.
    ///
    /// # Errors
    /// If the index cannot be read so, or reading fails.
    pub(crate) async fn page(
        &self,
        span: Span,
        direction: Direction,
        whole_items: bool,
        outside: impl FnOnce() -> Error,
    ) -> Result<(Page, usize, Vec<Bytes>), Error> {
        let request = PageRequest {
            index: self.parameters.index.as_deref(),
            span,
            direction,
            after: self.after.as_ref(),
            limit: self.parameters.limit,
            whole_items,
            consistent: self.parameters.consistent,
        };
        let mut page = match self.context.region.page(self.table, &request).await {
            Err(Error::StartKeyInvalid) => return Err(outside()),
            page => page?,
        };
        let records = std::mem::take(&mut page.records);
        let scanned = records.len();
        Ok((page, scanned, self.shown(records)?))
    }

    /// Reads the page and answers with it. `reference` is what the request calls the table, `outside` the error for a
    /// start key that lies outside `span`.
    ///
    /// # Errors
    /// If the index cannot be read so, or reading fails.
    pub(crate) async fn answer(
        self,
        reference: &str,
        span: Span,
        direction: Direction,
        whole_items: bool,
        outside: impl FnOnce() -> Error,
    ) -> Result<Vec<u8>, Error> {
        let (page, scanned, shown) = self.page(span, direction, whole_items, outside).await?;
        let mut reply = Reply::with_capacity(shown.iter().map(|item| item.len() + 1).sum());
        if self.parameters.select != Some(Select::Count) {
            reply.json_list("Items", shown.iter().map(|item| &item[..]));
        }
        reply.value("Count", &shown.len()).value("ScannedCount", &scanned);
        if let Some(last_key) = &page.last_key {
            reply.value("LastEvaluatedKey", &item_to_value(last_key));
        }
        if self.parameters.detail != Detail::None {
            let detail = self.parameters.detail;
            let shown = consumed_json(&page.consumed, reference, detail, Split::None);
            reply.value("ConsumedCapacity", &shown);
        }
        Ok(reply.finish())
    }

    /// The JSON of the items that pass the filter.
    fn shown(&self, records: Vec<StoredItem>) -> Result<Vec<Bytes>, Error> {
        if self.filter.is_none() && self.projection.is_none() {
            return Ok(records.into_iter().map(|record| record.json).collect());
        }
        let mut shown = Vec::with_capacity(records.len());
        for record in records {
            let item = stored_item(&record)?;
            if self.filter.as_ref().is_some_and(|filter| !filter.matches(&item)) {
                continue;
            }
            shown.push(match &self.projection {
                Some(projection) => item_to_json(&projection.apply(&item)).into(),
                None => record.json,
            });
        }
        Ok(shown)
    }
}
