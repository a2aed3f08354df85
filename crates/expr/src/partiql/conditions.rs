//! What stands behind WHERE, as a condition of the expression language.

use graticule_model::{
    AttributeValue, Error,
    error::{ExpressionError, ExpressionKind, Location, PartiqlError},
    limits::IN_OPERANDS_MAX,
};

use super::{
    syntax::{Expression, Kind},
    values::{Parameters, path, required_path},
};
use crate::condition::{Node, Operand};

/// The condition that `expression` is, checked like one that came in the parameter `kind`.
pub(super) fn condition(
    expression: &Expression,
    parameters: &Parameters<'_>,
    kind: ExpressionKind,
) -> Result<Node, Error> {
    let node = node(expression, parameters)?;
    crate::condition::check_types(&node).map_err(|error| Error::Expression(kind, error))?;
    Ok(node)
}

fn node(expression: &Expression, parameters: &Parameters<'_>) -> Result<Node, Error> {
    let operand = |expression: &Expression| operand(expression, parameters);
    let all = |expressions: &[Expression]| {
        expressions
            .iter()
            .map(|expression| node(expression, parameters))
            .collect::<Result<Vec<Node>, Error>>()
    };
    Ok(match &expression.kind {
        Kind::Comparison(comparator, left, right) => {
            let left = operand(left)?;
            Node::Comparison(*comparator, left, operand(right)?)
        }
        Kind::Between(between, lower, upper) => {
            let between = operand(between)?;
            let lower = operand(lower)?;
            Node::Between(between, lower, operand(upper)?)
        }
        Kind::In(wanted, candidates) => {
            let wanted = operand(wanted)?;
            Node::In(wanted, in_operands(candidates, parameters)?)
        }
        Kind::Is(operand, type_name) => is_type(operand, type_name, expression.at)?,
        Kind::Not(inner) => match node(inner, parameters)? {
            Node::NotExists(path) => Node::Exists(path),
            Node::Not(inner) => *inner,
            inner => Node::Not(Box::new(inner)),
        },
        Kind::And(terms) => Node::And(all(terms)?),
        Kind::Or(alternatives) => Node::Or(all(alternatives)?),
        Kind::Call(name, arguments) => call(name, arguments, expression.at, parameters)?,
        Kind::Other(operator) => {
            let operator = operator.clone();
            return Err(PartiqlError::OperatorUnsupported { operator, at: expression.at }.into());
        }
        _ => return Err(PartiqlError::ExpressionUnexpected(expression.at).into()),
    })
}

fn in_operands(candidates: &Expression, parameters: &Parameters<'_>) -> Result<Vec<Operand>, Error> {
    let operands = match &candidates.kind {
        Kind::List(elements) | Kind::Bag(elements) => {
            elements.iter().map(|element| operand(element, parameters)).collect::<Result<Vec<_>, Error>>()?
        }
        _ => match parameters.constant(candidates)? {
            Some(AttributeValue::L(list)) => list.into_iter().map(Operand::Value).collect(),
            _ => return Err(PartiqlError::ExpressionUnexpected(candidates.at).into()),
        },
    };
    if operands.len() > IN_OPERANDS_MAX {
        return Err(Error::Validation(ExpressionError::TooManyInOperands(operands.len()).to_string()));
    }
    Ok(operands)
}

fn is_type(operand: &Expression, name: &str, at: Location) -> Result<Node, Error> {
    let operand = Operand::Path(required_path(operand)?);
    let wire_name = match name {
        "missing" => return Ok(Node::NotExists(operand)),
        "null" => "NULL",
        "bool" | "boolean" => "BOOL",
        "string" | "symbol" | "char" | "character" | "varchar" => "S",
        "blob" | "clob" => "B",
        "list" => "L",
        "struct" | "tuple" => "M",
        "bigint" | "dec" | "decimal" | "float" | "int" | "int2" | "int4" | "int8" | "integer"
        | "integer2" | "integer4" | "integer8" | "numeric" | "real" | "smallint" => "N",
        _ => {
            let operator = format!("IS {}", name.to_ascii_uppercase());
            return Err(PartiqlError::OperatorUnsupported { operator, at }.into());
        }
    };
    Ok(Node::HasType(operand, Operand::Value(AttributeValue::S(wire_name.to_owned()))))
}

fn call(
    name: &str,
    arguments: &[Expression],
    at: Location,
    parameters: &Parameters<'_>,
) -> Result<Node, Error> {
    let make: fn(Operand, Operand) -> Node = match name {
        "begins_with" => Node::BeginsWith,
        "contains" => Node::Contains,
        "attribute_type" => Node::HasType,
        "exists" => return Err(PartiqlError::ExistsOutsideTransaction.into()),
        _ => return Err(PartiqlError::FunctionUnsupported { function: name.to_owned(), at }.into()),
    };
    let [first, second] = arguments else {
        return Err(PartiqlError::ArgumentCount { function: name.to_owned(), at }.into());
    };
    let first = operand(first, parameters)?;
    Ok(make(first, operand(second, parameters)?))
}

fn operand(expression: &Expression, parameters: &Parameters<'_>) -> Result<Operand, Error> {
    let at = expression.at;
    if let Some(path) = path(expression)? {
        return Ok(Operand::Path(path));
    }
    if let Some(value) = parameters.constant(expression)? {
        return Ok(Operand::Value(value));
    }
    match &expression.kind {
        Kind::Call(name, arguments) if name == "size" => match arguments.as_slice() {
            [measured] => Ok(Operand::Size(Box::new(operand(measured, parameters)?))),
            _ => Err(PartiqlError::ArgumentCount { function: name.clone(), at }.into()),
        },
        Kind::Call(name, _) => Err(PartiqlError::FunctionUnsupported { function: name.clone(), at }.into()),
        Kind::Plus(..) => Err(PartiqlError::OperatorUnsupported { operator: "+".to_owned(), at }.into()),
        Kind::Minus(..) => Err(PartiqlError::OperatorUnsupported { operator: "-".to_owned(), at }.into()),
        Kind::Other(operator) => {
            Err(PartiqlError::OperatorUnsupported { operator: operator.clone(), at }.into())
        }
        _ => Err(PartiqlError::ExpressionUnexpected(at).into()),
    }
}
