//! Constants: literals and parameters as attribute values, and paths to attributes.

use std::cell::Cell;

use graticule_model::{AttributeValue, Error, Item, error::PartiqlError, limits::NESTING_DEPTH_MAX};

use super::syntax::{Expression, Kind, PathExpression, PathStep};
use crate::path::{Path, Step};

/// The values that stand in for `?`.
#[derive(Debug)]
pub(super) struct Parameters<'p> {
    values: &'p [AttributeValue],
}

impl<'p> Parameters<'p> {
    /// The parameters of a statement with so many places for them.
    ///
    /// # Errors
    /// If there are more or fewer.
    pub(super) fn new(places: usize, values: &'p [AttributeValue]) -> Result<Parameters<'p>, PartiqlError> {
        if places == values.len() { Ok(Parameters { values }) } else { Err(PartiqlError::ParameterCount) }
    }

    /// The value of a constant; `None` for an expression that is none.
    pub(super) fn constant(&self, expression: &Expression) -> Result<Option<AttributeValue>, Error> {
        let level = Cell::new(0);
        self.constant_at(expression, &level)
    }

    /// The value of what must be a constant.
    pub(super) fn value(&self, expression: &Expression) -> Result<AttributeValue, Error> {
        let value = self.constant(expression)?;
        value.ok_or_else(|| PartiqlError::ValueUnsupported(expression.at).into())
    }

    /// `level` counts the lists and maps around the expression.
    fn constant_at(
        &self,
        expression: &Expression,
        level: &Cell<usize>,
    ) -> Result<Option<AttributeValue>, Error> {
        let inside = |expression: &Expression| {
            let value = self.constant_at(expression, level)?;
            value.ok_or_else(|| Error::from(PartiqlError::ValueUnsupported(expression.at)))
        };
        let enter = || {
            level.set(level.get() + 1);
            if level.get() > NESTING_DEPTH_MAX { Err(Error::NestingTooDeep) } else { Ok(()) }
        };
        Ok(Some(match &expression.kind {
            Kind::Text(text) => AttributeValue::S(text.clone()),
            Kind::Number(digits) => AttributeValue::N(digits.parse()?),
            Kind::Boolean(value) => AttributeValue::Bool(*value),
            Kind::Null => AttributeValue::Null,
            Kind::Parameter(index) => {
                let value = self.values.get(*index);
                value.cloned().ok_or(PartiqlError::ParameterCount)?
            }
            Kind::List(elements) => {
                enter()?;
                let list = elements.iter().map(inside).collect::<Result<Vec<AttributeValue>, Error>>()?;
                level.set(level.get() - 1);
                AttributeValue::L(list)
            }
            Kind::Struct(members) => {
                enter()?;
                let mut map = Item::new();
                for (name, value) in members {
                    let Kind::Text(name) = &name.kind else {
                        return Err(PartiqlError::ExpressionUnexpected(name.at).into());
                    };
                    map.insert(name.clone(), inside(value)?);
                }
                level.set(level.get() - 1);
                AttributeValue::M(map)
            }
            Kind::Bag(elements) => {
                let values = elements.iter().map(inside).collect::<Result<Vec<AttributeValue>, Error>>()?;
                set(values, expression)?
            }
            _ => return Ok(None),
        }))
    }
}

/// A set of values of one type.
fn set(values: Vec<AttributeValue>, expression: &Expression) -> Result<AttributeValue, Error> {
    let mixed = || PartiqlError::SetElements(expression.at);
    let (mut texts, mut numbers, mut binaries) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        match value {
            AttributeValue::S(text) => texts.push(text),
            AttributeValue::N(number) => numbers.push(number),
            AttributeValue::B(bytes) => binaries.push(bytes),
            _ => return Err(mixed().into()),
        }
    }
    match (texts.is_empty(), numbers.is_empty(), binaries.is_empty()) {
        (_, true, true) => AttributeValue::string_set(texts),
        (true, false, true) => AttributeValue::number_set(numbers),
        (true, true, false) => AttributeValue::binary_set(binaries),
        _ => Err(mixed().into()),
    }
}

/// The document path of an expression that is one.
pub(super) fn path(expression: &Expression) -> Result<Option<Path>, PartiqlError> {
    let Kind::Path(PathExpression { root, steps }) = &expression.kind else { return Ok(None) };
    let step = |step: &PathStep| match step {
        PathStep::Name(name) => Ok(Step::Name(name.clone())),
        PathStep::Element(Expression { kind: Kind::Text(name), .. }) => Ok(Step::Name(name.clone())),
        PathStep::Element(Expression { kind: Kind::Number(digits), at }) => {
            digits.parse().map(Step::Index).map_err(|_| PartiqlError::PathUnexpected(*at))
        }
        PathStep::Element(Expression { at, .. }) => Err(PartiqlError::PathUnexpected(*at)),
        PathStep::All => Err(PartiqlError::PathUnexpected(expression.at)),
    };
    if steps.len() >= NESTING_DEPTH_MAX {
        return Err(PartiqlError::PathUnexpected(expression.at));
    }
    let steps = steps.iter().map(step).collect::<Result<Vec<Step>, PartiqlError>>()?;
    Ok(Some(Path { top: root.clone(), steps }))
}

/// The document path of an expression that must be one.
pub(super) fn required_path(expression: &Expression) -> Result<Path, PartiqlError> {
    path(expression)?.ok_or(PartiqlError::ExpressionUnexpected(expression.at))
}
