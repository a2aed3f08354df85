//! `ReplicaUpdates` as a request has it, and the one change of one replica that it comes down to.

use graticule_model::Error;
use serde::Deserialize;

use super::{invalid, override_input::OverrideInput, parameter};

/// One entry of the list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReplicaUpdate {
    create: Option<ReplicaInput>,
    update: Option<ReplicaInput>,
    delete: Option<ReplicaInput>,
    disassociate: Option<DisassociateInput>,
}

/// `Create`, `Update` or `Delete`, which has a Region only.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicaInput {
    region_name: String,
    #[serde(rename = "KMSMasterKeyId")]
    key: Option<String>,
    #[serde(flatten)]
    overrides: OverrideInput,
}

/// `Disassociate`. There is one mode, to which the model holds requests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DisassociateInput {
    region_name: String,
}

impl ReplicaUpdate {
    /// The Region that it is to create a replica in, if it creates one and does nothing else.
    pub(super) fn created(&self) -> Option<&str> {
        let others = self.update.is_some() || self.delete.is_some() || self.disassociate.is_some();
        self.create.as_ref().filter(|_| !others).map(|create| create.region_name.as_str())
    }
}

/// What is to happen to which replica.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ReplicaChange {
    /// A new one, with what it has of its own.
    Create { region: String, overrides: OverrideInput },
    /// Other values of its own.
    Update { region: String, overrides: OverrideInput },
    /// Out.
    Delete { region: String },
    /// A table of its own.
    Disassociate { region: String },
}

/// An update of a replica that updates nothing.
pub(super) const NO_ACTIONS: &str =
    "There are no actions specified in the Replica Update Action of the request.";

impl ReplicaChange {
    /// Checks everything that can be checked without the table.
    ///
    /// # Errors
    /// If it is not one change of one replica.
    pub(super) fn read(updates: &[ReplicaUpdate]) -> Result<ReplicaChange, Error> {
        let mut changes: Vec<ReplicaChange> = Vec::new();
        for update in updates {
            for change in update.changes() {
                // The same twice is once.
                if !changes.contains(&change) {
                    changes.push(change);
                }
            }
        }
        let kind = |change: &ReplicaChange| std::mem::discriminant(change);
        if changes.iter().any(|change| kind(change) != kind(&changes[0])) {
            return invalid("Update table operation with more than one type of replica actions not allowed.");
        }
        if changes.len() > 1 {
            return invalid(
                "Update table operation with more than one create or delete replica actions not allowed",
            );
        }
        let Some(change) = changes.pop() else { return invalid(NO_ACTIONS) };
        if change.region().is_empty() {
            return Err(Error::AccessDenied("A replica needs the name of a Region".to_owned()));
        }
        let inputs = updates.iter().flat_map(|update| [&update.create, &update.update]).flatten();
        if inputs.clone().any(|input| input.key.is_some()) {
            return parameter("KMSMasterKeyId must be specified for each replica.");
        }
        for input in inputs {
            input.overrides.infrequent_access()?;
        }
        Ok(change)
    }

    /// The Region whose replica it is about.
    pub(super) fn region(&self) -> &str {
        match self {
            ReplicaChange::Create { region, .. }
            | ReplicaChange::Update { region, .. }
            | ReplicaChange::Delete { region }
            | ReplicaChange::Disassociate { region } => region,
        }
    }
}

impl ReplicaUpdate {
    fn changes(&self) -> impl Iterator<Item = ReplicaChange> {
        let create = self
            .create
            .clone()
            .map(|input| ReplicaChange::Create { region: input.region_name, overrides: input.overrides });
        let update = self
            .update
            .clone()
            .map(|input| ReplicaChange::Update { region: input.region_name, overrides: input.overrides });
        let delete = self.delete.clone().map(|input| ReplicaChange::Delete { region: input.region_name });
        let disassociate =
            self.disassociate.clone().map(|input| ReplicaChange::Disassociate { region: input.region_name });
        [create, update, delete, disassociate].into_iter().flatten()
    }
}
