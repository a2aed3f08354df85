//! Secondary indexes as requests define them: read, checked, made into definitions.

use std::collections::BTreeSet;

use graticule_model::{Error, IndexName, limits::PROJECTED_ATTRIBUTES_MAX};
use graticule_tables::schema::{IndexDefinition, Projection, Throughput};
use serde::Deserialize;

use super::{
    key_schema::{self, Definitions, KeyElement, constrain_key, shown},
    settings::{OnDemandInput, ThroughputInput, WarmInput},
};
use crate::constraints::Constraints;

/// Most attributes that one index may name in its projection.
const NON_KEY_ATTRIBUTES_MAX: usize = 20;
/// Most elements in the key of an index as the service model has it: local indexes have the table's limit.
const GLOBAL_KEY_LENGTH_MAX: usize = 8;
const LOCAL_KEY_LENGTH_MAX: usize = 2;

/// `Projection`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProjectionInput {
    projection_type: Option<String>,
    non_key_attributes: Option<Vec<String>>,
}

/// A global or local secondary index to be created.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct IndexInput {
    index_name: Option<String>,
    key_schema: Option<Vec<KeyElement>>,
    projection: Option<ProjectionInput>,
    pub(super) provisioned_throughput: Option<ThroughputInput>,
    on_demand_throughput: Option<OnDemandInput>,
    warm_throughput: Option<WarmInput>,
}

impl IndexInput {
    pub(super) fn name(&self) -> &str {
        self.index_name.as_deref().unwrap_or_default()
    }

    pub(super) fn key(&self) -> &[KeyElement] {
        self.key_schema.as_deref().unwrap_or_default()
    }

    pub(super) fn constrain(&self, member: &str, local: bool, constraints: &mut Constraints) {
        let name_member = format!("{member}.indexName");
        if let Some(name) = constraints.required(self.index_name.as_deref(), &name_member) {
            constraints.name(name, &name_member);
        }
        let length_max = if local { LOCAL_KEY_LENGTH_MAX } else { GLOBAL_KEY_LENGTH_MAX };
        constrain_key(self.key_schema.as_ref(), &format!("{member}.keySchema"), length_max, constraints);
        let projection_member = format!("{member}.projection");
        if let Some(projection) = constraints.required(self.projection.as_ref(), &projection_member) {
            projection.constrain(&projection_member, constraints);
        }
        if let Some(throughput) = &self.provisioned_throughput {
            throughput.constrain(&format!("{member}.provisionedThroughput"), constraints);
        }
    }

    /// Refuses what a global secondary index cannot have here.
    ///
    /// # Errors
    /// If it asks for it.
    pub(super) fn check_supported(&self) -> Result<(), Error> {
        self.on_demand_throughput.as_ref().map_or(Ok(()), OnDemandInput::check)?;
        self.warm_throughput.as_ref().map_or(Ok(()), WarmInput::check)
    }

    /// The definition, with no capacity yet.
    ///
    /// # Errors
    /// If the projection contradicts itself or a key attribute is not defined.
    pub(super) fn definition(&self, definitions: &Definitions) -> Result<IndexDefinition, Error> {
        let projection = self.projection.as_ref().map_or(Ok(Projection::All), ProjectionInput::read)?;
        let key = key_schema::key(self.key(), definitions)?;
        Ok(IndexDefinition { key, projection, throughput: Throughput::default() })
    }

    /// The name, checked.
    ///
    /// # Errors
    /// If it cannot be one.
    pub(super) fn index_name(&self) -> Result<IndexName, Error> {
        self.name().parse()
    }
}

impl ProjectionInput {
    fn constrain(&self, member: &str, constraints: &mut Constraints) {
        let kinds = ["ALL", "INCLUDE", "KEYS_ONLY"];
        constraints.one_of(self.projection_type.as_deref(), &format!("{member}.projectionType"), &kinds);
        let Some(names) = &self.non_key_attributes else { return };
        let member = format!("{member}.nonKeyAttributes");
        constraints.length(names.len(), shown(names), &member, 1..=NON_KEY_ATTRIBUTES_MAX);
        for (index, name) in names.iter().enumerate() {
            constraints.text(name, &format!("{member}.{}.member", index + 1), 1..=255);
        }
    }

    fn read(&self) -> Result<Projection, Error> {
        let refuse = |text: String| Err(Error::Parameter(text));
        let kind = self.projection_type.as_deref();
        match (kind, &self.non_key_attributes) {
            (None, _) => refuse("Unknown ProjectionType: null".to_owned()),
            (Some("INCLUDE"), None) => {
                refuse("ProjectionType is INCLUDE, but NonKeyAttributes is not specified".to_owned())
            }
            (Some("INCLUDE"), Some(names)) => {
                let mut seen = BTreeSet::new();
                match names.iter().find(|name| !seen.insert(name.as_str())) {
                    Some(name) => refuse(format!("Duplicate element in NonKeyAttributes: {name}")),
                    None => Ok(Projection::Include(names.clone())),
                }
            }
            (Some(kind), Some(_)) => {
                refuse(format!("ProjectionType is {kind}, but NonKeyAttributes is specified"))
            }
            (Some("KEYS_ONLY"), None) => Ok(Projection::KeysOnly),
            (Some(_), None) => Ok(Projection::All),
        }
    }
}

/// Refuses a table whose indexes project more attributes by name than they may together.
///
/// # Errors
/// If they do.
pub(super) fn check_projected<'a>(
    definitions: impl IntoIterator<Item = &'a IndexDefinition>,
) -> Result<(), Error> {
    let count: usize = definitions
        .into_iter()
        .map(|definition| match &definition.projection {
            Projection::Include(names) => names.len(),
            _ => 0,
        })
        .sum();
    if count > PROJECTED_ATTRIBUTES_MAX {
        return Err(Error::Parameter(format!(
            "The indexes of a table project at most {PROJECTED_ATTRIBUTES_MAX} attributes by name together, not {count}"
        )));
    }
    Ok(())
}
