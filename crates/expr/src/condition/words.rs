//! What a well-formed condition may not say, whatever its placeholders stand for: reserved words, functions in the
//! wrong place or with the wrong number of operands. The first offence in reading order counts.

use graticule_model::{error::ExpressionError, limits::IN_OPERANDS_MAX};

use crate::{
    function::Function,
    path::check_words,
    syntax::{CallSyntax, ConditionSyntax, OperandSyntax},
};

pub(super) fn check(condition: &ConditionSyntax<'_>) -> Result<(), ExpressionError> {
    match condition {
        ConditionSyntax::Comparison(_, left, right) => {
            check_operand(left)?;
            check_operand(right)
        }
        ConditionSyntax::Between(operand, lower, upper) => {
            check_operand(operand)?;
            check_operand(lower)?;
            check_operand(upper)
        }
        ConditionSyntax::In(operand, candidates) => {
            check_operand(operand)?;
            candidates.iter().try_for_each(check_operand)?;
            if candidates.len() > IN_OPERANDS_MAX {
                return Err(ExpressionError::TooManyInOperands(candidates.len()));
            }
            Ok(())
        }
        ConditionSyntax::Call(call) => check_call(call, false),
        ConditionSyntax::Not(inner) => check(inner),
        ConditionSyntax::And(conditions) | ConditionSyntax::Or(conditions) => {
            conditions.iter().try_for_each(check)
        }
    }
}

fn check_operand(operand: &OperandSyntax<'_>) -> Result<(), ExpressionError> {
    match operand {
        OperandSyntax::Path(path) => check_words(path),
        OperandSyntax::Value(_) => Ok(()),
        OperandSyntax::Call(call) => check_call(call, true),
    }
}

/// `size` is the one function that is an operand, and never a condition.
fn check_call(call: &CallSyntax<'_>, is_operand: bool) -> Result<(), ExpressionError> {
    let function = Function::named(call.name)?;
    if function.is_for_updates() {
        return Err(ExpressionError::FunctionNotInCondition(function.name()));
    }
    if (function == Function::Size) != is_operand {
        return Err(ExpressionError::FunctionMisplaced(function.name()));
    }
    call.operands.iter().try_for_each(check_operand)?;
    function.check_operand_count(call.operands.len())?;
    let needs_path = matches!(function, Function::AttributeExists | Function::AttributeNotExists);
    if needs_path && !matches!(call.operands[0], OperandSyntax::Path(_)) {
        return Err(ExpressionError::PathRequired(function.name()));
    }
    Ok(())
}
