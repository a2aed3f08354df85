//! Secondary indexes as requests define them: read, checked, made into definitions.

use std::collections::BTreeSet;

use graticule_model::{Error, IndexName, limits::PROJECTED_ATTRIBUTES_MAX};
use graticule_tables::schema::{IndexDefinition, Projection};
use serde::Deserialize;

use super::{
    capacity_input::{OnDemandInput, WarmInput},
    key_schema::{self, Definitions, KeyElement},
    settings::ThroughputInput,
};

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
    index_name: String,
    key_schema: Vec<KeyElement>,
    projection: ProjectionInput,
    pub(super) provisioned_throughput: Option<ThroughputInput>,
    on_demand_throughput: Option<OnDemandInput>,
    warm_throughput: Option<WarmInput>,
}

impl IndexInput {
    pub(super) fn name(&self) -> &str {
        &self.index_name
    }

    pub(super) fn key(&self) -> &[KeyElement] {
        &self.key_schema
    }

    /// Gives a global secondary index, whose provisioned throughput is set, the rest of its capacity.
    ///
    /// # Errors
    /// If it cannot have it.
    pub(super) fn set_capacity(
        &self,
        on_demand: bool,
        definition: &mut IndexDefinition,
    ) -> Result<(), Error> {
        let owner = format!("index: {}", self.name());
        if let Some(input) = &self.on_demand_throughput {
            definition.maximum = input.apply(&owner, on_demand, definition.maximum)?;
        }
        if let Some(input) = &self.warm_throughput {
            definition.warm = Some(input.apply(&owner, definition.warm_units(on_demand))?);
        }
        Ok(())
    }

    /// The definition, with no capacity yet.
    ///
    /// # Errors
    /// If the projection contradicts itself or a key attribute is not defined.
    pub(super) fn definition(&self, definitions: &Definitions) -> Result<IndexDefinition, Error> {
        let projection = self.projection.read()?;
        let key = key_schema::key(self.key(), definitions)?;
        Ok(IndexDefinition::new(key, projection))
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
