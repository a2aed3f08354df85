//! INSERT, UPDATE and DELETE: which item, what to do with it, and what must hold.

use graticule_model::{
    AttributeValue, Error, Item, KeyAttribute,
    error::{ExpressionKind, PartiqlError},
    limits::NESTING_DEPTH_MAX,
};

use super::{
    conditions::condition,
    keys::{attributes, joined, take_equality, terms},
    refuse_clause,
    syntax::{ChangeSyntax, InsertSyntax, ReturningSyntax},
    target,
    updates::update,
    values::Parameters,
};
use crate::{
    condition::{Condition, Node, Operand},
    key_condition::KeySchemaRef,
    path::Path,
    update::Update,
};

/// What a write returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// The item before.
    AllOld,
    /// The item after.
    AllNew,
    /// What was changed, as it was before.
    ModifiedOld,
    /// What was changed, as it is now.
    ModifiedNew,
}

/// An INSERT with its parameters in place.
#[derive(Debug, Clone)]
pub struct Insert {
    /// The table, as written.
    pub table: String,
    /// The item.
    pub item: Item,
}

impl Insert {
    pub(super) fn resolve(syntax: InsertSyntax, parameters: &Parameters<'_>) -> Result<Insert, Error> {
        refuse_clause(syntax.other)?;
        let table = target(&syntax.target)?;
        if let Some(returning) = syntax.returning {
            return Err(PartiqlError::ReturningUnsupported(returning.at).into());
        }
        match parameters.value(&syntax.value)? {
            // A parameter may be as deep as the literal around it.
            AttributeValue::M(item) if item.values().any(|value| value.levels() > NESTING_DEPTH_MAX) => {
                Err(Error::NestingTooDeep)
            }
            AttributeValue::M(item) => Ok(Insert { table, item }),
            _ => Err(PartiqlError::ValueUnsupported(syntax.value.at).into()),
        }
    }

    /// Holds while there is no item with the same key.
    pub fn condition(&self, schema: KeySchemaRef<'_>) -> Condition {
        Condition::from_node(Node::NotExists(partition(schema)))
    }
}

/// An UPDATE or a DELETE with its parameters in place.
#[derive(Debug, Clone)]
pub struct Change {
    /// The table, as written.
    pub table: String,
    /// What to do; a DELETE has none.
    pub update: Option<Update>,
    /// What to answer with.
    pub returned: Option<Returned>,
    filter: Option<Node>,
}

impl Change {
    pub(super) fn resolve(syntax: ChangeSyntax, parameters: &Parameters<'_>) -> Result<Change, Error> {
        refuse_clause(syntax.other)?;
        let table = target(&syntax.target)?;
        let update = syntax.actions.map(|actions| update(&actions, parameters)).transpose()?;
        let filter = syntax.filter.map(|filter| condition(&filter, parameters, ExpressionKind::Condition));
        let filter = filter.transpose()?;
        let returned =
            syntax.returning.map(|returning| returned(&returning, update.is_some())).transpose()?;
        Ok(Change { table, update, returned, filter })
    }

    /// The key of the item, and what must hold of it. An UPDATE wants the item to be there, a DELETE is content if it
    /// is not.
    ///
    /// # Errors
    /// [`PartiqlError::KeyNotGiven`].
    pub fn key(&self, schema: KeySchemaRef<'_>) -> Result<(Item, Option<Condition>), Error> {
        let mut terms = terms(self.filter.clone());
        let mut key = Item::new();
        for KeyAttribute { name, .. } in attributes(schema) {
            let value = take_equality(&mut terms, name).ok_or(PartiqlError::KeyNotGiven)?;
            key.insert(name.clone(), value);
        }
        let partition = partition(schema);
        let node = if self.update.is_some() {
            terms.insert(0, Node::Exists(partition));
            joined(terms)
        } else {
            joined(terms).map(|rest| Node::Or(vec![Node::NotExists(partition), rest]))
        };
        Ok((key, node.map(Condition::from_node)))
    }
}

/// Holds if the item is there.
pub fn is_there(schema: KeySchemaRef<'_>) -> Condition {
    Condition::from_node(Node::Exists(partition(schema)))
}

/// The partition key, which every item has.
fn partition(schema: KeySchemaRef<'_>) -> Operand {
    let name = schema.partition.first().map(|attribute| attribute.name.clone());
    Operand::Path(Path { top: name.unwrap_or_default(), steps: Vec::new() })
}

fn returned(syntax: &ReturningSyntax, is_update: bool) -> Result<Returned, PartiqlError> {
    let returned = match syntax.mapping {
        "all_old" => Returned::AllOld,
        "all_new" => Returned::AllNew,
        "modified_old" => Returned::ModifiedOld,
        _ => Returned::ModifiedNew,
    };
    if !syntax.is_plain || (!is_update && returned != Returned::AllOld) {
        return Err(PartiqlError::ReturningUnsupported(syntax.at));
    }
    Ok(returned)
}
