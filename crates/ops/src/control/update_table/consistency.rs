//! `MultiRegionConsistency` and `GlobalTableWitnessUpdates`: replicas here are eventually consistent, so strong
//! consistency and witnesses are refused. What is wrong with such a request anyway is said in the service's words first.

use graticule_model::{Error, TableName};
use serde::Deserialize;

use super::{
    super::{find_table, unsupported},
    invalid,
    replica_input::ReplicaUpdate,
};
use crate::Context;

/// One entry of `GlobalTableWitnessUpdates`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WitnessUpdate {
    create: Option<WitnessInput>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WitnessInput {
    region_name: String,
}

/// The members of a request that are about consistency.
#[derive(Debug, Clone, Copy)]
pub(super) struct Consistency<'a> {
    pub(super) mode: Option<&'a str>,
    pub(super) witnesses: Option<&'a [WitnessUpdate]>,
    pub(super) replicas: &'a [ReplicaUpdate],
}

impl Consistency<'_> {
    /// Whether it asks for what is not there.
    pub(super) fn is_strong(&self) -> bool {
        self.mode == Some("STRONG") || self.witnesses.is_some()
    }

    fn witness(&self) -> Option<&str> {
        let created = self.witnesses?.iter().find_map(|witness| witness.create.as_ref());
        created.map(|created| created.region_name.as_str())
    }

    /// Checks what can be checked without the table.
    ///
    /// # Errors
    /// If the members contradict each other.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.witness().is_some() && self.mode != Some("STRONG") {
            return invalid(
                "MultiRegionConsistency must be set as STRONG when GlobalTableWitnessUpdates parameter is present.",
            );
        }
        if self.mode.is_some() && self.replicas.iter().any(|update| update.created().is_none()) {
            return invalid(
                "Only Replica Create actions are supported when MultiRegionConsistency parameter is provided.",
            );
        }
        let witness = self.witness();
        if witness.is_some() && self.replicas.iter().any(|update| update.created() == witness) {
            return invalid("Cannot target multiple regions with the same action");
        }
        Ok(())
    }

    /// Says why a request for strong consistency or a witness is refused.
    ///
    /// # Errors
    /// Always.
    pub(super) async fn refuse<T>(&self, context: &Context, name: &TableName) -> Result<T, Error> {
        let table = find_table(context, name).await?;
        let here = context.region.name();
        if self.mode.is_none() {
            return Err(unsupported("GlobalTableWitnessUpdates"));
        }
        if table.replicas(here).next().is_some() {
            return invalid(EXISTING);
        }
        if self.witness() == Some(here.as_str()) {
            return invalid(
                "Cannot add a witness in the same region as an existing replica when creating a global table with MultiRegionConsistency set to STRONG.",
            );
        }
        let others = self.replicas.len() + usize::from(self.witness().is_some());
        if others != STRONG_OTHERS || self.replicas.is_empty() {
            return invalid(
                "Unsupported replica count for global tables with MultiRegionConsistency set to STRONG.",
            );
        }
        Err(unsupported("MultiRegionConsistency STRONG"))
    }
}

/// Replicas and witnesses that a strongly consistent table has besides the first one.
const STRONG_OTHERS: usize = 2;

/// The consistency of a global table is chosen with its first replica.
pub(super) const EXISTING: &str = "MultiRegionConsistency parameter is unsupported on existing global table";
