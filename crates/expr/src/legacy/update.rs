//! `AttributeUpdates`: what happens to single attributes.
//!
//! `ADD` also appends to lists, which no update expression does.

use graticule_model::{AttributeValue, error::LegacyError};

use super::attribute;
use crate::update::{Action, Operand, SetValue, Update, Verb};

/// What happens to an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeChange {
    /// `PUT`
    Put(AttributeValue),
    /// `ADD`
    Add(AttributeValue),
    /// `DELETE`: elements of a set, or the whole attribute.
    Delete(Option<AttributeValue>),
}

impl AttributeChange {
    /// Refuses values of types that the action does not take.
    ///
    /// # Errors
    /// [`LegacyError::AddType`] or [`LegacyError::DeleteType`].
    pub fn check(&self) -> Result<(), LegacyError> {
        match self {
            AttributeChange::Add(value) => match value.type_name() {
                "N" | "SS" | "NS" | "BS" | "L" => Ok(()),
                other => Err(LegacyError::AddType(other)),
            },
            AttributeChange::Delete(Some(value)) => match value.type_name() {
                "SS" | "NS" | "BS" => Ok(()),
                other => Err(LegacyError::DeleteType(other)),
            },
            AttributeChange::Put(_) | AttributeChange::Delete(None) => Ok(()),
        }
    }

    fn into_verb(self) -> Verb {
        match self {
            AttributeChange::Put(value) => Verb::Set(SetValue::Operand(Operand::Value(value))),
            AttributeChange::Add(value) => Verb::Add(value),
            AttributeChange::Delete(Some(value)) => Verb::Delete(value),
            AttributeChange::Delete(None) => Verb::Remove,
        }
    }
}

impl Update {
    /// The update that makes `changes`, which have passed [`AttributeChange::check`], to different attributes.
    pub fn of_attributes(changes: Vec<(String, AttributeChange)>) -> Update {
        let action = |(name, change): (String, AttributeChange)| Action {
            path: attribute(name),
            verb: change.into_verb(),
        };
        let actions = changes.into_iter().map(action).collect();
        Update::from_actions(actions, true).expect("different attributes do not overlap")
    }
}
