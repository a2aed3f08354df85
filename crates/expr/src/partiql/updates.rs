//! SET and REMOVE, as an update of the expression language.

use graticule_model::{
    Error,
    error::{ExpressionError, PartiqlError},
};

use super::{
    syntax::{ActionSyntax, Expression, Kind},
    values::{Parameters, path, required_path},
};
use crate::{
    path::Path,
    update::{Action, Operand, SetValue, Update, Verb},
};

/// The update that does all of `actions`.
pub(super) fn update(actions: &[ActionSyntax], parameters: &Parameters<'_>) -> Result<Update, Error> {
    let action = |action: &ActionSyntax| {
        let path = required_path(&action.path)?;
        let verb = match &action.value {
            Some(value) => verb(&path, value, parameters)?,
            None => Verb::Remove,
        };
        Ok(Action { path, verb })
    };
    let actions = actions.iter().map(action).collect::<Result<Vec<Action>, Error>>()?;
    let wrap = |error: ExpressionError| Error::from(PartiqlError::Update(error));
    Update::from_actions(actions, false).map_err(wrap)
}

/// What an assignment does at `target`.
fn verb(target: &Path, value: &Expression, parameters: &Parameters<'_>) -> Result<Verb, Error> {
    let operand = |expression: &Expression| operand(expression, parameters);
    Ok(match &value.kind {
        Kind::Call(name, arguments) if matches!(&name[..], "set_add" | "set_delete") => {
            let [set, elements] = arguments.as_slice() else {
                return Err(PartiqlError::ArgumentCount { function: name.clone(), at: value.at }.into());
            };
            // The set is changed where it is.
            if required_path(set)? != *target {
                return Err(PartiqlError::ExpressionUnexpected(set.at).into());
            }
            let elements = parameters.value(elements)?;
            if name == "set_add" { Verb::Add(elements) } else { Verb::Delete(elements) }
        }
        Kind::Plus(left, right) => Verb::Set(SetValue::Plus(operand(left)?, operand(right)?)),
        Kind::Minus(left, right) => Verb::Set(SetValue::Minus(operand(left)?, operand(right)?)),
        _ => Verb::Set(SetValue::Operand(operand(value)?)),
    })
}

fn operand(expression: &Expression, parameters: &Parameters<'_>) -> Result<Operand, Error> {
    let at = expression.at;
    if let Some(path) = path(expression)? {
        return Ok(Operand::Path(path));
    }
    if let Some(value) = parameters.constant(expression)? {
        return Ok(Operand::Value(value));
    }
    let (name, arguments) = match &expression.kind {
        Kind::Call(name, arguments) => (name, arguments),
        Kind::Other(operator) => {
            return Err(PartiqlError::OperatorUnsupported { operator: operator.clone(), at }.into());
        }
        _ => return Err(PartiqlError::ExpressionUnexpected(at).into()),
    };
    let [first, second] = arguments.as_slice() else {
        return match &name[..] {
            "list_append" | "if_not_exists" => {
                Err(PartiqlError::ArgumentCount { function: name.clone(), at }.into())
            }
            _ => Err(PartiqlError::FunctionUnsupported { function: name.clone(), at }.into()),
        };
    };
    match &name[..] {
        "list_append" => {
            let first = Box::new(operand(first, parameters)?);
            Ok(Operand::ListAppend(first, Box::new(operand(second, parameters)?)))
        }
        "if_not_exists" => {
            Ok(Operand::IfNotExists(required_path(first)?, Box::new(operand(second, parameters)?)))
        }
        _ => Err(PartiqlError::FunctionUnsupported { function: name.clone(), at }.into()),
    }
}
