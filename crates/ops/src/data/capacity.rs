//! Consumed capacity as answers show it; `tables` does the arithmetic.
//!
//! A failed request shows nothing.

use std::{collections::BTreeMap, fmt::Display};

pub(crate) use graticule_tables::{Consumed, HalfUnits, read_units};
use graticule_tables::{
    Table,
    schema::{IndexDefinition, Projection},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// `ReturnConsumedCapacity`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Detail {
    /// Nothing.
    #[default]
    None,
    /// The sum for each table.
    Total,
    /// What the table and each index had a part in.
    Indexes,
}

/// Which units transactions name beside the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    /// None: not a transaction.
    None,
    /// `ReadCapacityUnits`
    Read,
    /// `WriteCapacityUnits`
    Write,
}

/// What a table and its indexes have consumed, as an answer shows it. `table` is what the request calls it: its name or
/// its ARN.
pub(crate) fn consumed_json(
    consumed: &Consumed,
    table: &(impl Display + ?Sized),
    detail: Detail,
    split: Split,
) -> Value {
    let indexes: HalfUnits = consumed.local.values().chain(consumed.global.values()).sum();
    let mut shown = units_json(consumed.table + indexes, split);
    shown.insert("TableName".to_owned(), json!(table.to_string()));
    if detail == Detail::Indexes {
        shown.insert("Table".to_owned(), units_json(consumed.table, split).into());
        for (member, indexes) in
            [("LocalSecondaryIndexes", &consumed.local), ("GlobalSecondaryIndexes", &consumed.global)]
        {
            if !indexes.is_empty() {
                let each = |(name, units): (&String, &HalfUnits)| {
                    (name.clone(), Value::from(units_json(*units, split)))
                };
                shown.insert(member.to_owned(), Value::Object(indexes.iter().map(each).collect()));
            }
        }
    }
    Value::Object(shown)
}

/// What several tables have consumed, as an answer shows it; `None` if it is not asked for.
pub(crate) fn list_json(
    consumed: &BTreeMap<impl Display, Consumed>,
    detail: Detail,
    split: Split,
) -> Option<Value> {
    (detail != Detail::None).then(|| {
        consumed.iter().map(|(table, consumed)| consumed_json(consumed, table, detail, split)).collect()
    })
}

fn units_json(units: HalfUnits, split: Split) -> Map<String, Value> {
    let units = json!(units as f64 / 2.0);
    let mut shown = Map::new();
    match split {
        Split::None => None,
        Split::Read => shown.insert("ReadCapacityUnits".to_owned(), units.clone()),
        Split::Write => shown.insert("WriteCapacityUnits".to_owned(), units.clone()),
    };
    shown.insert("CapacityUnits".to_owned(), units);
    shown
}

/// Whether an index holds an attribute.
pub(crate) fn index_holds(table: &Table, definition: &IndexDefinition, name: &str) -> bool {
    match &definition.projection {
        Projection::All => true,
        Projection::KeysOnly => table.key.contains(name) || definition.key.contains(name),
        Projection::Include(names) => {
            table.key.contains(name)
                || definition.key.contains(name)
                || names.iter().any(|included| included == name)
        }
    }
}
