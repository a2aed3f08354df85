//! What an update may not say: reserved words, misplaced functions, and operands of types that cannot fit any item.
//!
//! `list_append` stands alone on the right of `=`; `if_not_exists` may also be an operand of anything there.

use graticule_model::{AttributeValue, error::ExpressionError};

use super::{Action, Operand, SetValue, Verb};
use crate::{
    function::Function,
    path,
    syntax::{ActionSyntax, CallSyntax, OperandSyntax, SetValueSyntax, VerbSyntax},
};

/// A function of updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UpdateFunction {
    IfNotExists,
    ListAppend,
}

impl UpdateFunction {
    pub(super) fn name(self) -> &'static str {
        match self {
            UpdateFunction::IfNotExists => Function::IfNotExists.name(),
            UpdateFunction::ListAppend => Function::ListAppend.name(),
        }
    }
}

/// The function of a call and its two operands.
pub(super) fn function_and_operands<'s, 't>(
    call: &'s CallSyntax<'t>,
) -> Result<(UpdateFunction, &'s OperandSyntax<'t>, &'s OperandSyntax<'t>), ExpressionError> {
    let named = Function::named(call.name)?;
    let function = match named {
        Function::IfNotExists => UpdateFunction::IfNotExists,
        Function::ListAppend => UpdateFunction::ListAppend,
        _ => return Err(ExpressionError::FunctionNotInUpdate(named.name())),
    };
    match call.operands.as_slice() {
        [first, second] => Ok((function, first, second)),
        operands => Err(ExpressionError::OperandCount { operator: function.name(), count: operands.len() }),
    }
}

/// Checks one action as written; the first offence in reading order counts.
pub(super) fn check_words(action: &ActionSyntax<'_>) -> Result<(), ExpressionError> {
    path::check_words(&action.path)?;
    match &action.verb {
        VerbSyntax::Set(SetValueSyntax::Operand(operand)) => check_operand(operand, false),
        VerbSyntax::Set(SetValueSyntax::Plus(left, right) | SetValueSyntax::Minus(left, right)) => {
            check_operand(left, true)?;
            check_operand(right, true)
        }
        VerbSyntax::Remove | VerbSyntax::Add(_) | VerbSyntax::Delete(_) => Ok(()),
    }
}

fn check_operand(operand: &OperandSyntax<'_>, is_nested: bool) -> Result<(), ExpressionError> {
    let call = match operand {
        OperandSyntax::Path(path) => return path::check_words(path),
        OperandSyntax::Value(_) => return Ok(()),
        OperandSyntax::Call(call) => call,
    };
    let (function, first, second) = function_and_operands(call)?;
    if function == UpdateFunction::ListAppend && is_nested {
        return Err(ExpressionError::FunctionMisplaced(function.name()));
    }
    check_operand(first, true)?;
    check_operand(second, true)?;
    if function == UpdateFunction::IfNotExists && !matches!(first, OperandSyntax::Path(_)) {
        return Err(ExpressionError::PathRequired(function.name()));
    }
    Ok(())
}

/// Checks the types of one action's values.
pub(super) fn check_types(action: &Action) -> Result<(), ExpressionError> {
    match &action.verb {
        Verb::Set(SetValue::Operand(operand)) => check_lists(operand),
        Verb::Set(SetValue::Plus(left, right)) => {
            check_type("+", left, "N")?;
            check_type("+", right, "N")
        }
        Verb::Set(SetValue::Minus(left, right)) => {
            check_type("-", left, "N")?;
            check_type("-", right, "N")
        }
        Verb::Remove => Ok(()),
        Verb::Add(value) => match value {
            AttributeValue::N(_) | AttributeValue::Ss(_) | AttributeValue::Ns(_) | AttributeValue::Bs(_) => {
                Ok(())
            }
            _ => Err(ExpressionError::ActionOperandType { action: "ADD", actual: value.type_name() }),
        },
        Verb::Delete(value) => match value {
            AttributeValue::Ss(_) | AttributeValue::Ns(_) | AttributeValue::Bs(_) => Ok(()),
            _ => Err(ExpressionError::ActionOperandType { action: "DELETE", actual: value.type_name() }),
        },
    }
}

fn check_lists(operand: &Operand) -> Result<(), ExpressionError> {
    let Operand::ListAppend(first, second) = operand else { return Ok(()) };
    check_type(UpdateFunction::ListAppend.name(), first, "L")?;
    check_type(UpdateFunction::ListAppend.name(), second, "L")
}

fn check_type(operator: &'static str, operand: &Operand, allowed: &str) -> Result<(), ExpressionError> {
    match operand {
        Operand::Value(value) if value.type_name() != allowed => {
            Err(ExpressionError::OperandType { operator, actual: value.type_name() })
        }
        _ => Ok(()),
    }
}
