//! `AttributeDefinitions` and `KeySchema`: read, checked against each other, made into keys.

use std::{collections::BTreeSet, fmt};

use graticule_model::{Error, KeyType};
use graticule_tables::schema::{KeyAttribute, KeySchema};
use serde::Deserialize;

/// An element of `AttributeDefinitions`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttributeInput {
    attribute_name: String,
    attribute_type: String,
}

/// An element of `KeySchema`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyElement {
    attribute_name: String,
    key_type: String,
}

impl KeyElement {
    pub(super) fn name(&self) -> &str {
        &self.attribute_name
    }

    fn is(&self, key_type: &str) -> bool {
        self.key_type == key_type
    }
}

/// A list as the service shows it.
pub(super) fn shown<T: fmt::Display>(elements: impl IntoIterator<Item = T>) -> String {
    let elements: Vec<String> = elements.into_iter().map(|element| element.to_string()).collect();
    format!("[{}]", elements.join(", "))
}

/// The types of attributes, in the order of the request.
#[derive(Debug, Clone, Default)]
pub(super) struct Definitions(Vec<(String, KeyType)>);

impl Definitions {
    /// Reads `AttributeDefinitions` whose constraints are checked.
    ///
    /// # Errors
    /// If an attribute is defined twice.
    pub(super) fn read(inputs: &[AttributeInput]) -> Result<Definitions, Error> {
        let mut definitions: Vec<(String, KeyType)> = Vec::new();
        for input in inputs {
            let AttributeInput { attribute_name: name, attribute_type: kind } = input;
            if definitions.iter().any(|(other, _)| other == name) {
                return Err(Error::Validation(format!("Attribute Name is duplicated: {name}")));
            }
            let kind = match kind.as_str() {
                "S" => KeyType::S,
                "N" => KeyType::N,
                _ => KeyType::B,
            };
            definitions.push((name.clone(), kind));
        }
        Ok(Definitions(definitions))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn kind(&self, name: &str) -> Option<KeyType> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, kind)| *kind)
    }

    /// Checks that an attribute which is defined elsewhere already has the same type here, if it is defined here.
    ///
    /// # Errors
    /// If it has another type.
    pub(super) fn check_same(&self, name: &str, kind: KeyType) -> Result<(), Error> {
        match self.kind(name) {
            Some(other) if other != kind => Err(Error::Parameter(format!(
                "The attribute {name} is a key of the table or of another index with type {kind}; it cannot have type {other}"
            ))),
            _ => Ok(()),
        }
    }

    /// Refuses a key that has more attributes than are defined.
    ///
    /// # Errors
    /// If it does.
    pub(super) fn check_enough(&self, key: &[KeyElement]) -> Result<(), Error> {
        let used: BTreeSet<&str> = key.iter().map(KeyElement::name).collect();
        if self.0.len() < used.len() { Err(definition_missing()) } else { Ok(()) }
    }

    fn shown(&self) -> String {
        shown(self.0.iter().map(|(name, _)| name))
    }

    /// Refuses keys whose attributes are not defined.
    ///
    /// # Errors
    /// If one is not.
    pub(super) fn check_defined(&self, key: &[KeyElement]) -> Result<(), Error> {
        if key.iter().all(|element| self.kind(element.name()).is_some()) {
            return Ok(());
        }
        Err(Error::Parameter(format!(
            "Some index key attributes are not defined in AttributeDefinitions. Keys: {}, AttributeDefinitions: {}",
            shown(key.iter().map(KeyElement::name)),
            self.shown()
        )))
    }

    /// Checks that these are the attributes of the keys of a new table and its indexes, no more and no fewer.
    ///
    /// # Errors
    /// If they are not.
    pub(super) fn check_exact(&self, table: &[KeyElement], indexes: &[&[KeyElement]]) -> Result<(), Error> {
        let used: BTreeSet<&str> =
            table.iter().chain(indexes.iter().copied().flatten()).map(KeyElement::name).collect();
        if indexes.is_empty() {
            if self.0.len() < used.len() {
                return Err(definition_missing());
            }
            if self.0.len() > used.len() {
                let text = "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions";
                return Err(Error::Parameter(text.to_owned()));
            }
        }
        for key in std::iter::once(&table).chain(indexes) {
            self.check_defined(key)?;
        }
        if self.0.iter().all(|(name, _)| used.contains(name.as_str())) {
            return Ok(());
        }
        Err(Error::Parameter(format!(
            "Some AttributeDefinitions are not used. AttributeDefinitions: {}, keys used: {}",
            self.shown(),
            shown(used)
        )))
    }
}

fn definition_missing() -> Error {
    Error::Validation("Invalid KeySchema: Some index key attribute have no definition".to_owned())
}

/// Checks the order of a key's elements: HASH, then perhaps RANGE.
///
/// # Errors
/// If it is another.
pub(super) fn check_order(key: &[KeyElement]) -> Result<(), Error> {
    let invalid = |text: &str| Err(Error::Validation(text.to_owned()));
    match key {
        [first, ..] if !first.is("HASH") => {
            invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
        }
        [_, second] if !second.is("RANGE") => {
            invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
        }
        [first, second] if first.name() == second.name() => {
            invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
        }
        _ => Ok(()),
    }
}

/// Most HASH elements, and most RANGE elements, in the key of a global secondary index.
const ELEMENTS_MAX: usize = 4;

/// Checks the order of the elements of a global secondary index's key, which may have several of each kind.
///
/// # Errors
/// If it is another, or there are too many of a kind.
pub(super) fn check_global_order(key: &[KeyElement]) -> Result<(), Error> {
    let parameter = |text: String| Err(Error::Parameter(text));
    if key.first().is_some_and(|first| !first.is("HASH")) {
        return check_order(key);
    }
    let hashes = key.iter().take_while(|element| element.is("HASH")).count();
    if key[hashes..].iter().any(|element| element.is("HASH")) {
        return parameter(
            "All HASH key attributes must precede RANGE key attributes in the KeySchema".to_owned(),
        );
    }
    for (kind, count) in [("HASH", hashes), ("RANGE", key.len() - hashes)] {
        if count > ELEMENTS_MAX {
            return parameter(format!(
                "The KeySchema exceeds the maximum allowed number of {kind} key attributes"
            ));
        }
    }
    let names: BTreeSet<&str> = key.iter().map(KeyElement::name).collect();
    if names.len() < key.len() {
        return Err(Error::Validation(
            "The KeySchema contains multiple key attributes with the same name".to_owned(),
        ));
    }
    Ok(())
}

/// The key that checked elements make.
///
/// # Errors
/// If an attribute is not defined.
pub(super) fn key(elements: &[KeyElement], definitions: &Definitions) -> Result<KeySchema, Error> {
    definitions.check_defined(elements)?;
    let part = |key_type: &str| -> Vec<KeyAttribute> {
        let attribute = |element: &KeyElement| {
            let kind = definitions.kind(element.name())?;
            Some(KeyAttribute { name: element.name().to_owned(), kind })
        };
        elements.iter().filter(|element| element.is(key_type)).filter_map(attribute).collect()
    };
    let (partition, sort) = (part("HASH"), part("RANGE"));
    if partition.is_empty() {
        let text = "Invalid KeySchema: The first KeySchemaElement is not a HASH key type";
        return Err(Error::Validation(text.to_owned()));
    }
    Ok(KeySchema { partition, sort })
}
