//! UpdateTable: one kind of change of a table per call.
//!
//! This file says which members may come together and who handles what; the kinds of change have a file each. A change
//! is decided against the table's record inside the transaction that commits it.

mod billing;
mod consistency;
mod disassociate;
mod indexes;
mod override_input;
mod replica_input;
mod replicas;
mod replication_mode;

use graticule_model::{Error, TableName, Version};
use graticule_tables::{
    Table,
    schema::{Register, StreamView},
};
use serde::{Deserialize, de::IgnoredAny};

use self::{
    consistency::{Consistency, WitnessUpdate},
    indexes::{IndexChange, IndexUpdate},
    replica_input::{ReplicaChange, ReplicaUpdate},
    replicas::{Changed, check_class_changes},
};
use super::{
    capacity_input::{OnDemandInput, WarmInput},
    check_idle,
    description::{Stage, describe},
    key_schema::AttributeInput,
    not_found,
    replica_description::replicas,
    settings::{EncryptionInput, StreamInput, StreamWords, ThroughputInput, table_class},
    unsupported,
};
use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    table_name: String,
    attribute_definitions: Option<Vec<AttributeInput>>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<ThroughputInput>,
    global_secondary_index_updates: Option<Vec<IndexUpdate>>,
    stream_specification: Option<StreamInput>,
    #[serde(rename = "SSESpecification")]
    encryption: Option<EncryptionInput>,
    replica_updates: Option<Vec<ReplicaUpdate>>,
    table_class: Option<String>,
    deletion_protection_enabled: Option<bool>,
    multi_region_consistency: Option<String>,
    global_table_witness_updates: Option<Vec<WitnessUpdate>>,
    on_demand_throughput: Option<OnDemandInput>,
    warm_throughput: Option<WarmInput>,
    global_table_settings_replication_mode: Option<String>,
    disassociation_protection_enabled: Option<bool>,
    vector_index_updates: Option<Vec<IgnoredAny>>,
}

/// Answers the request.
///
/// # Errors
/// [`Error::TableNotFound`], [`Error::ResourceInUse`], [`Error::LimitExceeded`], or what is wrong with the request.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let name = context.table_name(&request.table_name)?;
    request.check_combination()?;
    request.check_supported()?;
    let consistency = request.consistency();
    consistency.check()?;
    if consistency.is_strong() {
        return consistency.refuse(context, &name).await;
    }
    let description = match Change::read(&request)? {
        Change::Replicas(change) => {
            let chosen = request.multi_region_consistency.is_some();
            let Changed { table, before } = replicas::change(context, &name, &change, chosen).await?;
            let mut description = describe(context, &table, Stage::Updating).await?;
            if description.get("Replicas").is_some() {
                // As on the service, where replicas are changed a while after the answer.
                description["Replicas"] = replicas(context, &before);
            }
            description
        }
        Change::Settings(change) => {
            let table = change.apply(context, &name).await?;
            describe(context, &table, Stage::Updating).await?
        }
    };
    let mut reply = Reply::new();
    reply.value("TableDescription", &description);
    Ok(reply.finish())
}

const STREAM_WORDS: StreamWords = StreamWords {
    view_missing: "If stream is being enabled then UpdateViewType is required",
    view_unwanted: "If stream is being disabled, then UpdateViewType must not be specified",
};

fn parameter<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error::Parameter(text.into()))
}

fn invalid<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error::Validation(text.into()))
}

/// The members of which a request needs one, as the service lists them.
const CHANGES: &str = "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required";

impl Request {
    fn index_updates(&self) -> &[IndexUpdate] {
        self.global_secondary_index_updates.as_deref().unwrap_or_default()
    }

    fn changes_capacity(&self) -> bool {
        self.provisioned_throughput.is_some() || self.billing_mode.as_deref() == Some("PROVISIONED")
    }

    /// Refuses requests that change nothing, or more than can be changed at once.
    fn check_combination(&self) -> Result<(), Error> {
        let indexes = &self.global_secondary_index_updates;
        let witnesses = self.global_table_witness_updates.is_some();
        let consistency = self.multi_region_consistency.as_deref();
        let replicas = self.replica_updates.is_some() || witnesses || consistency == Some("STRONG");
        let alone = [
            ("Server-Side Encryption modification", self.encryption.is_some()),
            ("TableClass modification", self.table_class.is_some()),
            ("DeletionProtection modification", self.deletion_protection_enabled.is_some()),
            ("WarmThroughput", self.warm_throughput.is_some()),
            ("DisassociationProtection modification", self.disassociation_protection_enabled.is_some()),
            (
                "GlobalTableSettingsReplicationMode modification",
                self.global_table_settings_replication_mode.is_some(),
            ),
        ];
        let others = [
            self.billing_mode.is_some(),
            self.provisioned_throughput.is_some(),
            self.stream_specification.is_some(),
            self.on_demand_throughput.is_some(),
            self.vector_index_updates.is_some(),
        ];
        let given = alone.iter().map(|(_, given)| *given).chain(others).filter(|given| *given).count();
        let any_index = indexes.as_ref().is_some_and(|updates| !updates.is_empty());
        if given == 0 && !any_index && !replicas {
            return Err(Error::Validation(CHANGES.to_owned()));
        }
        let others = given > 0 || indexes.is_some() || self.attribute_definitions.is_some();
        if witnesses && self.replica_updates.is_none() && others {
            return invalid("Requests that modify replicas or witnesses must not also modify other fields");
        }
        if (replicas || consistency.is_some()) && others {
            return parameter("Replica modification must be the only operation in the request");
        }
        if let Some((what, _)) = alone.iter().find(|(_, given)| *given)
            && (given > 1 || any_index)
        {
            return parameter(format!("{what} must be the only operation in the request"));
        }
        if indexes.as_ref().is_some_and(Vec::is_empty) && given > 0 {
            return parameter("List of GlobalSecondaryIndexUpdates is empty");
        }
        let builds_index = self.index_updates().iter().any(IndexUpdate::builds);
        match (self.changes_capacity(), self.stream_specification.is_some(), builds_index) {
            (true, true, _) => parameter("You cannot modify stream status while updating table IOPS"),
            (true, _, true) => parameter("You cannot create or delete index while updating table IOPS"),
            (_, true, true) => parameter("You cannot create or delete index while changing stream status"),
            _ => Ok(()),
        }
    }

    fn check_supported(&self) -> Result<(), Error> {
        if let Some(encryption) = &self.encryption {
            encryption.check()?;
            return parameter("Table is already encrypted by default");
        }
        if self.vector_index_updates.is_some() {
            return Err(unsupported("VectorIndexUpdates"));
        }
        Ok(())
    }

    fn consistency(&self) -> Consistency<'_> {
        Consistency {
            mode: self.multi_region_consistency.as_deref(),
            witnesses: self.global_table_witness_updates.as_deref(),
            replicas: self.replica_updates.as_deref().unwrap_or_default(),
        }
    }
}

/// What is to be changed.
enum Change<'a> {
    Replicas(ReplicaChange),
    Settings(SettingsChange<'a>),
}

/// Changes that can come together.
struct SettingsChange<'a> {
    billing: billing::BillingChange,
    indexes: Vec<IndexChange>,
    stream: Option<Option<StreamView>>,
    infrequent_access: Option<bool>,
    request: &'a Request,
}

impl<'a> Change<'a> {
    /// Checks everything that can be checked without the table.
    fn read(request: &'a Request) -> Result<Change<'a>, Error> {
        if let Some(updates) = &request.replica_updates {
            return Ok(Change::Replicas(ReplicaChange::read(updates)?));
        }
        Ok(Change::Settings(SettingsChange {
            billing: billing::BillingChange::read(
                request.billing_mode.as_deref(),
                request.provisioned_throughput.as_ref(),
                request.index_updates(),
            )?
            .with(request.on_demand_throughput, request.warm_throughput),
            indexes: indexes::read(
                request.index_updates(),
                request.attribute_definitions.as_deref().unwrap_or_default(),
            )?,
            stream: request.stream_specification.as_ref().map(|it| it.view(&STREAM_WORDS)).transpose()?,
            infrequent_access: request.table_class.as_deref().map(table_class).transpose()?,
            request,
        }))
    }
}

impl SettingsChange<'_> {
    async fn apply(&self, context: &Context, name: &TableName) -> Result<std::sync::Arc<Table>, Error> {
        let region = &context.region;
        let changed = region.update_settings(name, |table| {
            check_idle(context, table)?;
            let version = region.clock().register_version(table.settings.version().time);
            let now_ms = region.env().unix_ms();
            self.billing.apply(table, region.name(), &version, now_ms)?;
            for change in &self.indexes {
                change.apply(table, region.name(), &version, now_ms)?;
            }
            self.apply_stream(table, &version)?;
            self.apply_class(context, table, &version)?;
            if let Some(mode) = &self.request.global_table_settings_replication_mode {
                replication_mode::check(table, region.name(), mode)?;
            }
            if let Some(protected) = self.request.disassociation_protection_enabled {
                table.replica.disassociation_protection = Some(protected);
            }
            if let Some(protected) = self.request.deletion_protection_enabled {
                table.deletion_protection = protected;
            }
            Ok(())
        });
        changed.await.map(|(table, ())| table).map_err(|error| not_found(name, error))
    }

    /// The class of all replicas, whatever they had of their own.
    fn apply_class(&self, context: &Context, table: &mut Table, version: &Version) -> Result<(), Error> {
        let Some(wanted) = self.infrequent_access else { return Ok(()) };
        let here = context.region.name();
        if table.replicas(here).next().is_some() {
            let others = table.replicas(here).map(|(region, _)| region);
            let changing = std::iter::once(here)
                .chain(others)
                .filter(|region| table.infrequent_access_in(region).unwrap_or(false) != wanted);
            check_class_changes(context, table, changing)?;
        }
        table.settings.infrequent_access = Register::new(version.clone(), Some(wanted));
        table.settings.reset_overrides(|own| own.infrequent_access.set(version, None));
        Ok(())
    }

    fn apply_stream(&self, table: &mut Table, version: &Version) -> Result<(), Error> {
        let Some(wanted) = self.stream else { return Ok(()) };
        let enabled = table.settings.stream.value.is_some();
        let name = &table.name;
        match wanted {
            Some(_) if enabled => {
                return Err(Error::Validation(format!(
                    "Table already has an enabled stream: TableName: {name}"
                )));
            }
            None if !enabled => {
                return Err(Error::Validation(format!("Table has no stream to disable: TableName: {name}")));
            }
            None if table.is_global() => {
                return parameter("Disabling Stream is not allowed for a Global Table replica.");
            }
            _ => {}
        }
        table.settings.stream = Register::new(version.clone(), wanted);
        Ok(())
    }
}
