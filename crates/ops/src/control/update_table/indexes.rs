//! GlobalSecondaryIndexUpdates: indexes created, deleted, given other capacity.
//!
//! At most one index is being created or deleted at a time.

use std::collections::BTreeSet;

use graticule_model::{Error, IndexName, RegionName, Version, limits::GLOBAL_INDEXES_MAX};
use graticule_tables::{
    Table,
    schema::{IndexDefinition, IndexState, Register},
};
use serde::Deserialize;

use super::{
    super::{
        capacity_input::{OnDemandInput, WarmInput},
        description::is_on_its_way,
        in_use,
        index_input::{IndexInput, check_projected},
        key_schema::{AttributeInput, Definitions, check_global_order},
        settings::ThroughputInput,
    },
    billing::{check_decrease, unchanged},
    parameter,
};

/// One entry of the list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct IndexUpdate {
    create: Option<IndexInput>,
    update: Option<CapacityInput>,
    delete: Option<DeleteInput>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CapacityInput {
    index_name: String,
    provisioned_throughput: Option<ThroughputInput>,
    on_demand_throughput: Option<OnDemandInput>,
    warm_throughput: Option<WarmInput>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteInput {
    index_name: String,
}

impl IndexUpdate {
    /// Whether it creates or deletes an index.
    pub(super) fn builds(&self) -> bool {
        self.create.is_some() || self.delete.is_some()
    }

    /// The index that it gives other capacity.
    pub(super) fn updated(&self) -> Option<&str> {
        self.update.as_ref().map(|update| &update.index_name[..])
    }

    fn name(&self) -> &str {
        let created = self.create.as_ref().map(IndexInput::name);
        let deleted = self.delete.as_ref().map(|delete| &delete.index_name[..]);
        created.or(deleted).or(self.updated()).unwrap_or_default()
    }
}

impl CapacityInput {
    /// The index with its new capacity.
    fn apply(
        &self,
        table: &Table,
        here: &RegionName,
        name: &IndexName,
        now_ms: u64,
    ) -> Result<IndexDefinition, Error> {
        let current = check_changeable(table, name, "update")?;
        let on_demand = table.settings.billing.value.on_demand;
        let owner = format!("index: {name}");
        let mut definition = current.clone();
        if let Some(throughput) = self.provisioned_throughput.map(|input| input.units()) {
            if on_demand {
                return parameter(format!(
                    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
                ));
            }
            if table.index_capacity_in(here, name.as_str(), &current).0 == throughput {
                return Err(unchanged(&format!("index {name}"), &format!("index {name}"), throughput));
            }
            let history = table.capacity.indexes.get(name).cloned().unwrap_or_default();
            check_decrease(&history, current.throughput, throughput, now_ms)?;
            definition.throughput = throughput;
            definition.warm = Some(current.warm_units(on_demand));
        }
        if let Some(input) = &self.on_demand_throughput {
            definition.maximum = input.apply(&owner, on_demand, definition.maximum)?;
        }
        if let Some(input) = &self.warm_throughput {
            definition.warm = Some(input.apply(&owner, definition.warm_units(on_demand))?);
        }
        Ok(definition)
    }
}

/// A change of one index, checked as far as it can be without the table.
#[derive(Debug)]
pub(super) enum IndexChange {
    Create { name: IndexName, input: Box<IndexInput>, definitions: Definitions },
    Capacity { name: IndexName, input: CapacityInput },
    Delete { name: IndexName },
}

/// Reads the list.
///
/// # Errors
/// If it contradicts itself.
pub(super) fn read(
    updates: &[IndexUpdate],
    definitions: &[AttributeInput],
) -> Result<Vec<IndexChange>, Error> {
    let mut names = BTreeSet::new();
    let mut changes = Vec::new();
    for update in updates {
        let actions = [update.create.is_some(), update.update.is_some(), update.delete.is_some()];
        match actions.into_iter().filter(|given| *given).count() {
            0 => {
                return parameter(
                    "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null",
                );
            }
            1 => {}
            _ => {
                return parameter(
                    "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
                );
            }
        }
        if !names.insert(update.name()) {
            return parameter(format!(
                "Only one global secondary index update per index is allowed simultaneously. Index: {}",
                update.name()
            ));
        }
        changes.push(IndexChange::read(update, definitions)?);
    }
    if updates.iter().filter(|update| update.builds()).count() > 1 {
        return Err(one_at_a_time());
    }
    Ok(changes)
}

fn one_at_a_time() -> Error {
    let text =
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table";
    Error::LimitExceeded(text.to_owned())
}

impl IndexChange {
    fn read(update: &IndexUpdate, definitions: &[AttributeInput]) -> Result<IndexChange, Error> {
        let name: IndexName = update.name().parse()?;
        if let Some(input) = &update.create {
            let definitions = Definitions::read(definitions)?;
            if definitions.is_empty() {
                return parameter(format!("AttributeDefinitions is not specified for index: {name}"));
            }
            return Ok(IndexChange::Create { name, input: Box::new(input.clone()), definitions });
        }
        let Some(capacity) = &update.update else { return Ok(IndexChange::Delete { name }) };
        if capacity.provisioned_throughput.is_none()
            && capacity.on_demand_throughput.is_none()
            && capacity.warm_throughput.is_none()
        {
            return parameter(both_missing(&name));
        }
        Ok(IndexChange::Capacity { name, input: capacity.clone() })
    }

    /// Changes the settings that all replicas share, seen from the one in `here`.
    ///
    /// # Errors
    /// If the table's indexes do not allow it.
    pub(super) fn apply(
        &self,
        table: &mut Table,
        here: &RegionName,
        version: &Version,
        now_ms: u64,
    ) -> Result<(), Error> {
        match self {
            IndexChange::Create { name, input, definitions } => {
                let definition = created(table, name, input, definitions)?;
                table.settings.reset_overrides(|own| own.index(name).reset(version));
                table.settings.indexes.insert(name.clone(), Register::new(version.clone(), Some(definition)));
            }
            IndexChange::Delete { name } => {
                check_changeable(table, name, "delete")?;
                let other_on_its_way =
                    |(other, index): (&String, _)| other != name.as_str() && is_on_its_way(index);
                if table.indexes.iter().any(other_on_its_way) {
                    return Err(one_at_a_time());
                }
                table.settings.reset_overrides(|own| own.index(name).reset(version));
                table.settings.indexes.insert(name.clone(), Register::new(version.clone(), None));
            }
            IndexChange::Capacity { name, input } => {
                let definition = input.apply(table, here, name, now_ms)?;
                if input.provisioned_throughput.is_some() {
                    table.settings.reset_overrides(|own| own.index(name).read.set(version, None));
                }
                if input.on_demand_throughput.is_some_and(|input| input.sets_reads()) {
                    table.settings.reset_overrides(|own| own.index(name).read_max.set(version, None));
                }
                table.settings.indexes.insert(name.clone(), Register::new(version.clone(), Some(definition)));
            }
        }
        Ok(())
    }
}

/// The definition of a global secondary index that can be changed now.
fn check_changeable(table: &Table, name: &IndexName, what: &str) -> Result<IndexDefinition, Error> {
    if table.local_indexes.contains_key(name) {
        return Err(Error::Validation(format!(
            "Cannot {what} an index that is not a GlobalSecondaryIndex: {name}"
        )));
    }
    check_not_deleting(table, name)?;
    match table.settings.indexes.get(name) {
        Some(Register { value: Some(definition), .. }) => Ok(definition.clone()),
        _ => Err(Error::OtherNotFound(format!(
            "Requested resource not found: Index {name} for table {}",
            table.name
        ))),
    }
}

fn check_not_deleting(table: &Table, name: &IndexName) -> Result<(), Error> {
    let kept = table.indexes.get(name.as_str());
    if kept.is_some_and(|index| index.state == IndexState::Deleting) {
        return Err(index_in_use(table, name, "deleted"));
    }
    Ok(())
}

/// The index is busy being `what`.
fn index_in_use(table: &Table, name: &IndexName, what: &str) -> Error {
    in_use(table, &format!("Index is being {what}.  Table: {} Index: {name}", table.name))
}

fn both_missing(name: &IndexName) -> String {
    format!("Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: {name}")
}

/// The definition of an index that the table can get now.
fn created(
    table: &Table,
    name: &IndexName,
    input: &IndexInput,
    definitions: &Definitions,
) -> Result<IndexDefinition, Error> {
    let exists = table.local_indexes.contains_key(name)
        || table.settings.indexes.get(name).is_some_and(|register| register.value.is_some());
    if exists {
        return Err(match table.indexes.get(name.as_str()) {
            Some(index) if index.state == IndexState::Backfilling => index_in_use(table, name, "created"),
            _ => Error::Validation("Attempting to create an index which already exists".to_owned()),
        });
    }
    check_global_order(input.key())?;
    // What the table knows already is defined again; attributes of no key of the index play no part.
    definitions.check_enough(input.key())?;
    for (attribute, kind) in table.attribute_definitions() {
        if input.key().iter().any(|element| element.name() == attribute) {
            definitions.check_same(attribute, kind)?;
        }
    }
    let mut definition = input.definition(definitions)?;
    match (table.settings.billing.value.on_demand, &input.provisioned_throughput) {
        (true, Some(_)) => {
            return parameter(format!(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
            ));
        }
        (false, None) => {
            return parameter(both_missing(name));
        }
        (true, None) => {}
        (false, Some(throughput)) => definition.throughput = throughput.units(),
    }
    input.set_capacity(table.settings.billing.value.on_demand, &mut definition)?;
    check_not_deleting(table, name)?;
    if table.indexes.values().any(is_on_its_way) {
        return Err(one_at_a_time());
    }
    if table.global_indexes().count() >= GLOBAL_INDEXES_MAX {
        return Err(Error::LimitExceeded(format!(
            "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of {GLOBAL_INDEXES_MAX}"
        )));
    }
    let others = table.global_indexes().map(|(_, definition)| definition);
    check_projected(table.local_indexes.values().chain(others).chain([&definition]))?;
    Ok(definition)
}
