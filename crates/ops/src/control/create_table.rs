//! CreateTable: a new table in this Region, usable as soon as it is there.
//!
//! The answer says CREATING, as clients expect; the next DescribeTable says ACTIVE.

use std::collections::{BTreeMap, BTreeSet};

use graticule_model::{
    Error, IndexName, Version,
    limits::{GLOBAL_INDEXES_MAX, LOCAL_INDEXES_MAX, TABLES_MAX},
    version::HybridTime,
};
use graticule_tables::{
    Table,
    schema::{
        Billing, CapacityHistory, IndexDefinition, KeySchema, Membership, Register, ReplicaRecord, Settings,
        StreamView, TABLE_FORMAT, TableStatus,
    },
};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    capacity_input::{OnDemandInput, WarmInput},
    description::{Stage, describe},
    index_input::{IndexInput, check_projected},
    key_schema::{self, AttributeInput, Definitions, KeyElement, check_global_order, check_order},
    settings::{EncryptionInput, StreamInput, StreamWords, ThroughputInput, table_class},
    tags::{TagInput, read_tags},
    unsupported,
};
use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    table_name: String,
    attribute_definitions: Vec<AttributeInput>,
    key_schema: Vec<KeyElement>,
    local_secondary_indexes: Option<Vec<IndexInput>>,
    global_secondary_indexes: Option<Vec<IndexInput>>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<ThroughputInput>,
    stream_specification: Option<StreamInput>,
    #[serde(rename = "SSESpecification")]
    encryption: Option<EncryptionInput>,
    tags: Option<Vec<TagInput>>,
    table_class: Option<String>,
    deletion_protection_enabled: Option<bool>,
    on_demand_throughput: Option<OnDemandInput>,
    warm_throughput: Option<WarmInput>,
    resource_policy: Option<IgnoredAny>,
    vector_indexes: Option<Vec<IgnoredAny>>,
    global_table_source_arn: Option<IgnoredAny>,
    global_table_settings_replication_mode: Option<IgnoredAny>,
}

/// Answers the request.
///
/// # Errors
/// [`Error::TableExists`], or what is wrong with the request.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let name = context.table_name(&request.table_name)?;
    request.check_supported()?;
    let design = request.design()?;
    let tags = read_tags(request.tags.as_deref().unwrap_or_default())?;
    if context.region.table_names(None, TABLES_MAX).await?.len() >= TABLES_MAX {
        return Err(Error::LimitExceeded(format!(
            "Subscriber limit exceeded: There is a limit of {TABLES_MAX} tables per subscriber"
        )));
    }

    let now_ms = context.region.env().unix_ms();
    let settings = design.settings(&context.region.clock().version(HybridTime::ZERO));
    let mut table = Table {
        format: TABLE_FORMAT,
        id: 0,
        uuid: context.region.env().random_uuid(),
        name,
        revision: 0,
        created_ms: now_ms,
        status: TableStatus::Active,
        key: design.key,
        local_indexes: design.local,
        settings,
        group: None,
        indexes: BTreeMap::new(),
        next_index_id: 1,
        streams: Vec::new(),
        deletion_protection: request.deletion_protection_enabled.unwrap_or(false),
        tags,
        on_demand_since_ms: design.billing.on_demand.then_some(now_ms),
        capacity: CapacityHistory::default(),
        membership: Membership::default(),
        replica: ReplicaRecord::default(),
        detaching: None,
    };
    table.reconcile_indexes(true);
    if let Some(view) = design.stream {
        table.open_stream(view, 0, now_ms);
    }
    let table = context.region.create_table(table).await?;
    let description = describe(context, &table, Stage::Creating).await?;
    let mut reply = Reply::new();
    reply.value("TableDescription", &description);
    Ok(reply.finish())
}

/// The table that a request asks for.
struct Design {
    key: KeySchema,
    local: BTreeMap<IndexName, IndexDefinition>,
    global: BTreeMap<IndexName, IndexDefinition>,
    billing: Billing,
    stream: Option<StreamView>,
    infrequent_access: Option<bool>,
}

impl Design {
    fn settings(&self, version: &Version) -> Settings {
        let index = |definition: &IndexDefinition| Register::new(version.clone(), Some(definition.clone()));
        Settings {
            billing: Register::new(version.clone(), self.billing),
            indexes: self.global.iter().map(|(name, it)| (name.clone(), index(it))).collect(),
            ttl: Register::new(version.clone(), None),
            stream: Register::new(version.clone(), self.stream),
            infrequent_access: Register::new(version.clone(), self.infrequent_access),
            members: BTreeMap::new(),
            auto_scaling: BTreeMap::new(),
            overrides: BTreeMap::new(),
            sources: BTreeMap::new(),
        }
    }
}

const STREAM_WORDS: StreamWords = StreamWords {
    view_missing: "Table is being created with a stream enabled, UpdateViewType is required",
    view_unwanted: "Table is being created with a stream disabled, UpdateViewType should not be specified",
};

fn parameter<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error::Parameter(text.into()))
}

impl Request {
    fn local(&self) -> &[IndexInput] {
        self.local_secondary_indexes.as_deref().unwrap_or_default()
    }

    fn global(&self) -> &[IndexInput] {
        self.global_secondary_indexes.as_deref().unwrap_or_default()
    }

    fn check_supported(&self) -> Result<(), Error> {
        let refused = [
            ("GlobalTableSourceArn", self.global_table_source_arn.is_some()),
            ("GlobalTableSettingsReplicationMode", self.global_table_settings_replication_mode.is_some()),
            ("ResourcePolicy", self.resource_policy.is_some()),
            ("VectorIndexes", self.vector_indexes.as_ref().is_some_and(|indexes| !indexes.is_empty())),
        ];
        if let Some((member, _)) = refused.iter().find(|(_, given)| *given) {
            return Err(unsupported(member));
        }
        self.encryption.as_ref().map_or(Ok(()), EncryptionInput::check)?;
        Ok(())
    }

    /// Checks what the members say together, in the service's order.
    fn design(&self) -> Result<Design, Error> {
        let billing = self.billing()?;
        let stream = self.stream_specification.as_ref().map_or(Ok(None), |it| it.view(&STREAM_WORDS))?;
        let infrequent_access = self.table_class.as_deref().map(table_class).transpose()?;

        let definitions = Definitions::read(&self.attribute_definitions)?;
        let elements = &self.key_schema;
        check_order(elements)?;
        if self.local_secondary_indexes.as_ref().is_some_and(Vec::is_empty) {
            return parameter("List of LocalSecondaryIndexes is empty");
        }
        if self.global_secondary_indexes.as_ref().is_some_and(Vec::is_empty) {
            return parameter("List of GlobalSecondaryIndexes is empty");
        }
        let index_keys: Vec<&[KeyElement]> =
            self.local().iter().chain(self.global()).map(IndexInput::key).collect();
        definitions.check_exact(elements, &index_keys)?;
        let key = key_schema::key(elements, &definitions)?;

        let mut names = BTreeSet::new();
        let local = self.local_indexes(&key, &definitions, &mut names)?;
        let global = self.global_indexes(billing.on_demand, &definitions, &mut names)?;
        check_projected(local.values().chain(global.values()))?;
        Ok(Design { key, local, global, billing, stream, infrequent_access })
    }

    fn billing(&self) -> Result<Billing, Error> {
        let on_demand = self.billing_mode.as_deref() == Some("PAY_PER_REQUEST");
        match (on_demand, &self.provisioned_throughput) {
            (true, Some(_)) => parameter(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
            ),
            (false, None) => parameter(
                "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
            ),
            (_, throughput) => {
                let throughput = throughput.map(|throughput| throughput.units()).unwrap_or_default();
                let mut billing = Billing { on_demand, throughput, ..Billing::default() };
                if let Some(input) = &self.on_demand_throughput {
                    billing.maximum = input.apply("table", on_demand, billing.maximum)?;
                }
                if let Some(input) = &self.warm_throughput {
                    billing.warm = Some(input.apply("table", billing.warm_units())?);
                }
                Ok(billing)
            }
        }
    }

    fn local_indexes<'a>(
        &'a self,
        table: &KeySchema,
        definitions: &Definitions,
        names: &mut BTreeSet<&'a str>,
    ) -> Result<BTreeMap<IndexName, IndexDefinition>, Error> {
        let mut indexes = BTreeMap::new();
        for input in self.local() {
            let name = input.name();
            check_order(input.key())?;
            if table.sort.is_empty() {
                return parameter(
                    "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
                );
            }
            let definition = input.definition(definitions)?;
            if definition.key.sort.is_empty() {
                return parameter(format!("Index KeySchema does not have a range key for index: {name}"));
            }
            if definition.key.partition != table.partition {
                return parameter(format!(
                    "Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. index hash key: {}, table hash key: {}",
                    definition.key.partition_key().name,
                    table.partition_key().name
                ));
            }
            if !names.insert(name) {
                return parameter(format!("Duplicate index name: {name}"));
            }
            indexes.insert(input.index_name()?, definition);
        }
        if indexes.len() > LOCAL_INDEXES_MAX {
            return parameter(format!(
                "Number of LocalSecondaryIndexes exceeds per-table limit of {LOCAL_INDEXES_MAX}"
            ));
        }
        Ok(indexes)
    }

    fn global_indexes<'a>(
        &'a self,
        on_demand: bool,
        definitions: &Definitions,
        names: &mut BTreeSet<&'a str>,
    ) -> Result<BTreeMap<IndexName, IndexDefinition>, Error> {
        let mut indexes = BTreeMap::new();
        for input in self.global() {
            let name = input.name();
            check_global_order(input.key())?;
            let mut definition = input.definition(definitions)?;
            match (on_demand, &input.provisioned_throughput) {
                (true, Some(_)) => {
                    return parameter(format!(
                        "ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
                    ));
                }
                (false, None) => {
                    return parameter(format!("ProvisionedThroughput is not specified for index: {name}"));
                }
                (true, None) => {}
                (false, Some(throughput)) => definition.throughput = throughput.units(),
            }
            input.set_capacity(on_demand, &mut definition)?;
            if !names.insert(name) {
                return parameter(format!("Duplicate index name: {name}"));
            }
            indexes.insert(input.index_name()?, definition);
        }
        if indexes.len() > GLOBAL_INDEXES_MAX {
            return parameter(format!(
                "GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES_MAX}"
            ));
        }
        Ok(indexes)
    }
}
