//! Statements that write, as actions of the one write path, and what they return.

use bytes::Bytes;
use graticule_expr::{
    Update,
    partiql::{Returned, Select, Statement},
};
use graticule_model::{Error, Item, codec::item_to_json, error::PartiqlError};
use graticule_tables::{Action, ActionKind, StoredItem, Written};

use super::request::{schema_ref, table_name};
use crate::{
    Context,
    data::{return_values::OnFailure, stored_item},
};

/// A write that is ready to be done.
#[derive(Debug)]
pub(super) struct Write {
    /// What to do.
    pub(super) action: Action,
    is_insert: bool,
    returned: Option<Returned>,
    /// Says what `MODIFIED` shows.
    update: Option<Update>,
}

impl Write {
    /// The write that `statement` is; a check where `in_transaction` allows one.
    ///
    /// # Errors
    /// If the table is missing, or the statement does not name one item of it.
    pub(super) async fn prepare(
        context: &Context,
        statement: Statement,
        on_failure: OnFailure,
        in_transaction: bool,
    ) -> Result<Write, Error> {
        if matches!(statement, Statement::Exists(_)) && !in_transaction {
            return Err(PartiqlError::ExistsOutsideTransaction.into());
        }
        let name = table_name(context, &statement)?;
        let table = context.region.active_table(&name).await?;
        let schema = schema_ref(&table.key);
        let is_insert = matches!(statement, Statement::Insert(_));
        let (kind, condition, returned, update) = match statement {
            Statement::Insert(insert) => {
                let condition = insert.condition(schema);
                (ActionKind::Put(insert.item), Some(condition), None, None)
            }
            Statement::Update(change) | Statement::Delete(change) => {
                let (key, condition) = change.key(schema)?;
                // Only what was changed has to be found again in the images.
                let shown = matches!(change.returned, Some(Returned::ModifiedOld | Returned::ModifiedNew));
                let update = change.update.clone().filter(|_| shown);
                let kind = match change.update {
                    Some(update) => ActionKind::Update(key, Some(update)),
                    None => ActionKind::Delete(key),
                };
                (kind, condition, change.returned, update)
            }
            Statement::Exists(select) | Statement::Select(select) => {
                let (key, condition) = checked_key(&select, schema)?;
                (ActionKind::Check(key), Some(condition), None, None)
            }
        };
        if in_transaction && returned.is_some() {
            return Err(PartiqlError::ReturningInTransaction.into());
        }
        let return_old_on_failure = on_failure == OnFailure::AllOld;
        let action = Action { condition, return_old_on_failure, ..Action::new(name, kind) };
        Ok(Write { action, is_insert, returned, update })
    }

    /// The error as PartiQL has it: an item that is there already is no failed condition.
    pub(super) fn error(is_insert: bool, error: Error) -> Error {
        match error {
            Error::ConditionalCheckFailed(_) if is_insert => Error::DuplicateItem,
            error => error,
        }
    }

    /// Whether it is an INSERT.
    pub(super) fn is_insert(&self) -> bool {
        self.is_insert
    }

    /// Takes the action, and leaves what is needed to answer.
    pub(super) fn split(self) -> (Action, Answering) {
        let Write { action, is_insert, returned, update } = self;
        (action, Answering { is_insert, returned, update })
    }
}

/// How a write that was done is answered.
#[derive(Debug)]
pub(super) struct Answering {
    /// Whether it was an INSERT.
    pub(super) is_insert: bool,
    returned: Option<Returned>,
    update: Option<Update>,
}

impl Answering {
    /// The item that `RETURNING` asks for, if there is one.
    ///
    /// # Errors
    /// If a stored item is damaged.
    pub(super) fn item(&self, written: &Written) -> Result<Option<Bytes>, Error> {
        let whole = |record: &Option<StoredItem>| record.as_ref().map(|record| record.json.clone());
        let modified = |record: &Option<StoredItem>, parts: fn(&Update, &Item) -> Item| {
            let (Some(record), Some(update)) = (record, &self.update) else { return Ok(None) };
            let attributes = parts(update, &stored_item(record)?);
            Ok((!attributes.is_empty()).then(|| Bytes::from(item_to_json(&attributes))))
        };
        match self.returned {
            None => Ok(None),
            Some(Returned::AllOld) => Ok(whole(&written.old)),
            Some(Returned::AllNew) => Ok(whole(&written.new)),
            Some(Returned::ModifiedOld) => modified(&written.old, Update::updated_attributes),
            Some(Returned::ModifiedNew) => modified(&written.new, Update::new_attributes),
        }
    }
}

/// The key of the item that a check looks at, and what must hold of it: at least that it is there.
fn checked_key(
    select: &Select,
    schema: graticule_expr::KeySchemaRef<'_>,
) -> Result<(Item, graticule_expr::Condition), Error> {
    if select.index.is_some() {
        return Err(PartiqlError::SelectOnIndex("EXISTS").into());
    }
    let found = select.key(schema)?.ok_or(PartiqlError::KeyNotGiven)?;
    let (key, condition) = found;
    Ok((key, condition.unwrap_or_else(|| graticule_expr::partiql::is_there(schema))))
}
