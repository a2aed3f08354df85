//! The functions of the language: names and numbers of operands.

use graticule_model::error::ExpressionError;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    AttributeExists,
    AttributeNotExists,
    AttributeType,
    BeginsWith,
    Contains,
    Size,
    IfNotExists,
    ListAppend,
}

const ALL: [Function; 8] = [
    Function::AttributeExists,
    Function::AttributeNotExists,
    Function::AttributeType,
    Function::BeginsWith,
    Function::Contains,
    Function::Size,
    Function::IfNotExists,
    Function::ListAppend,
];

impl Function {
    /// The function of this name, whose case matters.
    pub(crate) fn named(name: &str) -> Result<Function, ExpressionError> {
        let found = ALL.into_iter().find(|function| function.name() == name);
        found.ok_or_else(|| ExpressionError::FunctionUnknown(name.to_owned()))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Function::AttributeExists => "attribute_exists",
            Function::AttributeNotExists => "attribute_not_exists",
            Function::AttributeType => "attribute_type",
            Function::BeginsWith => "begins_with",
            Function::Contains => "contains",
            Function::Size => "size",
            Function::IfNotExists => "if_not_exists",
            Function::ListAppend => "list_append",
        }
    }

    /// Whether it belongs in update expressions; the others belong in conditions.
    pub(crate) fn is_for_updates(self) -> bool {
        matches!(self, Function::IfNotExists | Function::ListAppend)
    }

    /// Refuses any other number of operands than it takes.
    pub(crate) fn check_operand_count(self, count: usize) -> Result<(), ExpressionError> {
        let taken = match self {
            Function::AttributeExists | Function::AttributeNotExists | Function::Size => 1,
            _ => 2,
        };
        if count == taken {
            Ok(())
        } else {
            Err(ExpressionError::OperandCount { operator: self.name(), count })
        }
    }
}
