//! UpdateTableReplicaAutoScaling: changes settings of several dimensions at once. The answer shows them as they were.

use std::collections::BTreeSet;

use graticule_model::{Error, RegionName, TableName};
use graticule_tables::{Table, auto_scaling::Dimension, schema::Register};
use serde::Deserialize;

use super::{
    super::check_idle,
    check_global,
    describe::{answer, description},
    input::SettingsInput,
    not_found,
};
use crate::{Context, parameters::parse};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    table_name: String,
    provisioned_write_capacity_auto_scaling_update: Option<SettingsInput>,
    global_secondary_index_updates: Option<Vec<IndexWrites>>,
    replica_updates: Option<Vec<ReplicaReads>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexWrites {
    index_name: Option<String>,
    provisioned_write_capacity_auto_scaling_update: Option<SettingsInput>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicaReads {
    region_name: String,
    replica_global_secondary_index_updates: Option<Vec<IndexReads>>,
    replica_provisioned_read_capacity_auto_scaling_update: Option<SettingsInput>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexReads {
    index_name: Option<String>,
    provisioned_read_capacity_auto_scaling_update: Option<SettingsInput>,
}

/// Answers the request.
///
/// # Errors
/// [`Error::OtherNotFound`] if there is no such global table, [`Error::ResourceInUse`], or what is wrong with the request.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let name = context.table_name(&request.table_name)?;
    let changes = request.changes(&name)?;
    let region = &context.region;
    let update = region.update_settings(&name, |table| {
        check_global(context, table)?;
        check_idle(context, table)?;
        request.check_billing(table)?;
        let before = description(table, region.name());
        let version = region.clock().register_version(table.settings.version().time);
        for change in &changes {
            let dimension = change.dimension(table)?;
            let setting =
                change.input.apply(table.settings.auto_scaling(&dimension), &table.name, &dimension)?;
            table.settings.auto_scaling.insert(dimension, Register::new(version.clone(), setting));
        }
        Ok(before)
    });
    let (_, before) = update.await.map_err(|error| not_found(&name, error))?;
    Ok(answer(&before))
}

/// A change of one setting: of writes, or of the reads of one Region; of the table, or of an index.
struct Change<'a> {
    region: Option<&'a str>,
    index: Option<&'a str>,
    input: &'a SettingsInput,
}

impl Change<'_> {
    /// What it changes, in a table that has it.
    fn dimension(&self, table: &Table) -> Result<Dimension, Error> {
        let index = match self.index {
            None => None,
            Some(index) => match table.global_indexes().find(|(name, _)| name.as_str() == index) {
                Some((name, _)) => Some(name.clone()),
                None => return Err(Error::IndexMissing(index.to_owned())),
            },
        };
        let Some(region) = self.region else { return Ok(Dimension::Writes(index)) };
        let mut members =
            table.settings.members.keys().filter(|member| table.replica_status(member).is_some());
        match members.find(|member| member.as_str() == region) {
            Some(member) => Ok(Dimension::Reads(member.clone(), index)),
            None => Err(Error::Validation(format!(
                "Update global table operation failed because one or more replicas were not part of the global table. Please retry the request without these replicas: [{region}]."
            ))),
        }
    }
}

impl Request {
    /// What is to be changed, checked as far as it can be without the table.
    fn changes(&self, name: &TableName) -> Result<Vec<Change<'_>>, Error> {
        let failed = |why: String| {
            Error::Validation(format!(
                "Failed to update settings for global table with name: ‘{name}’ because {why}."
            ))
        };
        let nothing = || failed("at least one update parameter must be specified".to_owned());
        let replicas = self.replica_updates.as_deref().unwrap_or_default();
        if let Some(region) = repeated(replicas.iter().map(|replica| replica.region_name.as_str())) {
            return Err(failed(format!("the regions: ‘[{region}]’ were specified more than once")));
        }
        let mut changes = Vec::new();
        changes.extend(change(None, None, self.provisioned_write_capacity_auto_scaling_update.as_ref()));
        for update in self.global_secondary_index_updates.iter().flatten() {
            let input = update.provisioned_write_capacity_auto_scaling_update.as_ref();
            changes.push(change(None, Some(named(update.index_name.as_ref())?), input).ok_or_else(nothing)?);
        }
        for replica in replicas {
            let region = replica.region_name.as_str();
            let nothing =
                || failed(format!("at least one update parameter must be specified for region: ‘{region}’"));
            let of_table = replica.replica_provisioned_read_capacity_auto_scaling_update.as_ref();
            let of_table = change(Some(region), None, of_table);
            let indexes = replica.replica_global_secondary_index_updates.as_deref().unwrap_or_default();
            if of_table.is_none() && indexes.is_empty() {
                return Err(nothing());
            }
            changes.extend(of_table);
            for update in indexes {
                let input = update.provisioned_read_capacity_auto_scaling_update.as_ref();
                let index = named(update.index_name.as_ref())?;
                changes.push(change(Some(region), Some(index), input).ok_or_else(nothing)?);
            }
        }
        if changes.is_empty() {
            return Err(nothing());
        }
        let indexes = changes.iter().filter_map(|change| Some((change.region, change.index?)));
        if let Some((_, index)) = repeated(indexes) {
            return Err(failed(format!("the indexes: ‘[{index}]’ were specified more than once")));
        }
        changes.iter().try_for_each(|change| change.input.check())?;
        Ok(changes)
    }

    /// Refuses settings of a table that has no capacity to scale.
    fn check_billing(&self, table: &Table) -> Result<(), Error> {
        if !table.settings.billing.value.on_demand {
            return Ok(());
        }
        let members = table.settings.members.keys().filter(|region| table.replica_status(region).is_some());
        let members: Vec<&str> = members.map(RegionName::as_str).collect();
        let given = [
            (
                "ProvisionedWriteCapacityAutoScalingUpdate",
                self.provisioned_write_capacity_auto_scaling_update.is_some(),
            ),
            ("GlobalSecondaryIndexUpdates", self.global_secondary_index_updates.is_some()),
            ("ReplicaUpdates", self.replica_updates.is_some()),
        ];
        let given: Vec<&str> =
            given.into_iter().filter_map(|(member, given)| given.then_some(member)).collect();
        Err(Error::Validation(format!(
            "Failed to update global table with name ‘{}‘. Replicas [{}] BillingMode is PayPerRequest. You must convert table's BillingMode to PROVISIONED to set parameters: [{}].",
            table.name,
            members.join(", "),
            given.join(", ")
        )))
    }
}

/// A change, if there is anything in it.
fn change<'a>(
    region: Option<&'a str>,
    index: Option<&'a str>,
    input: Option<&'a SettingsInput>,
) -> Option<Change<'a>> {
    input.filter(|input| !input.is_empty()).map(|input| Change { region, index, input })
}

/// The name of the index that an entry is about. The model lets it be absent.
fn named(index: Option<&String>) -> Result<&str, Error> {
    index.map(String::as_str).ok_or_else(|| Error::Parameter("IndexName must be specified".to_owned()))
}

/// The first that comes a second time.
fn repeated<T: Ord + Copy>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    all.find(|one| !seen.insert(*one))
}
