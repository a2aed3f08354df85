//! The parameters from before there were expressions, as requests give them, and what `graticule_expr` makes of them.
//!
//! Of several faults in one parameter, that of the attribute whose name comes first is reported.

use std::collections::BTreeMap;

use graticule_expr::{
    AttributeChange, Comparison, ComparisonOperator, Condition, KeyTerm, Projection, Update,
};
use graticule_model::{
    AttributeValue, Error,
    codec::value_from_json,
    error::{ExpressionError, ExpressionKind, LegacyError},
    limits::ATTRIBUTE_NAME_BYTES_MAX,
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// `QueryFilter`, `ScanFilter` or `KeyConditions`.
pub(crate) type Conditions<'a> = BTreeMap<String, AttributeCondition<'a>>;

/// A condition on one attribute.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttributeCondition<'a> {
    comparison_operator: Option<String>,
    #[serde(borrow)]
    attribute_value_list: Option<Vec<&'a RawValue>>,
}

/// `Expected`.
pub(crate) type Expected<'a> = BTreeMap<String, Expectation<'a>>;

/// What is expected of one attribute, in one form or the other.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Expectation<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    exists: Option<bool>,
    comparison_operator: Option<String>,
    #[serde(borrow)]
    attribute_value_list: Option<Vec<&'a RawValue>>,
}

/// `AttributeUpdates`.
pub(crate) type Updates<'a> = BTreeMap<String, AttributeUpdate<'a>>;

/// What is to happen to one attribute.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttributeUpdate<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    action: Option<String>,
}

/// Most conditions in `KeyConditions`: one per part of a key.
const KEY_CONDITIONS_MAX: usize = 8;

/// `AttributesToGet`.
///
/// # Errors
/// If a name comes twice.
pub(crate) fn projection(names: Option<&[String]>) -> Result<Option<Projection>, Error> {
    names.map(Projection::of_attributes).transpose()
}

/// `QueryFilter` or `ScanFilter`.
///
/// # Errors
/// If a condition cannot be, or `operator` (`ConditionalOperator`) has nothing to combine.
pub(crate) fn filter(
    conditions: Option<Conditions<'_>>,
    operator: Option<&str>,
) -> Result<Option<Condition>, Error> {
    let conditions = conditions.unwrap_or_default();
    let any = any_is_enough(operator, conditions.len())?;
    Ok(joined(comparisons(conditions)?, any))
}

/// `Expected`.
///
/// # Errors
/// As [`filter`].
pub(crate) fn expected(
    expected: Option<Expected<'_>>,
    operator: Option<&str>,
) -> Result<Option<Condition>, Error> {
    let expected = expected.unwrap_or_default();
    let any = any_is_enough(operator, expected.len())?;
    let read = |(name, expectation): (String, Expectation<'_>)| {
        let comparison = expectation.read(&name)?;
        Ok((name, comparison))
    };
    Ok(joined(expected.into_iter().map(read).collect::<Result<_, Error>>()?, any))
}

/// `KeyConditions`.
///
/// # Errors
/// If there are too many or too few, or one of them is none for a key.
pub(crate) fn key_terms(conditions: Conditions<'_>) -> Result<Vec<KeyTerm>, Error> {
    let comparisons = comparisons(conditions)?;
    if comparisons.is_empty() || comparisons.len() > KEY_CONDITIONS_MAX {
        let error = ExpressionError::KeyConditionsTooMany;
        return Err(Error::Expression(ExpressionKind::KeyCondition, error));
    }
    let term = |(name, comparison): (String, Comparison)| Ok(comparison.into_key_term(name)?);
    comparisons.into_iter().map(term).collect()
}

/// `AttributeUpdates`; `None` if nothing is to happen.
///
/// # Errors
/// If an action does not go with its value.
pub(crate) fn updates(updates: Option<Updates<'_>>) -> Result<Option<Update>, Error> {
    let updates = updates.unwrap_or_default();
    if updates.is_empty() {
        return Ok(None);
    }
    let read = |(name, update): (String, AttributeUpdate<'_>)| match name.len() {
        0 => Err(Error::AttributeNameEmpty),
        1..=ATTRIBUTE_NAME_BYTES_MAX => Ok((name, update.read()?)),
        _ => Err(Error::AttributeNameTooLong),
    };
    Ok(Some(Update::of_attributes(updates.into_iter().map(read).collect::<Result<_, Error>>()?)))
}

/// `ConditionalOperator`: whether it is enough that one of the conditions holds.
fn any_is_enough(operator: Option<&str>, conditions: usize) -> Result<bool, Error> {
    match (operator, conditions) {
        (None, _) => Ok(false),
        (Some(_), 0) => Err(Error::Legacy(LegacyError::OperatorWithoutConditions)),
        (Some(_), 1) => Err(Error::Legacy(LegacyError::OperatorForOneCondition)),
        (Some(operator), _) => Ok(operator == "OR"),
    }
}

fn joined(comparisons: Vec<(String, Comparison)>, any: bool) -> Option<Condition> {
    (!comparisons.is_empty()).then(|| Condition::of_attributes(comparisons, any))
}

fn comparisons(conditions: Conditions<'_>) -> Result<Vec<(String, Comparison)>, Error> {
    let read = |(name, condition): (String, AttributeCondition<'_>)| {
        let values = values(condition.attribute_value_list.unwrap_or_default())?;
        let operator = operator(condition.comparison_operator.as_deref().unwrap_or_default())?;
        Ok((name, Comparison::new(operator, values)?))
    };
    conditions.into_iter().map(read).collect()
}

fn values(values: Vec<&RawValue>) -> Result<Vec<AttributeValue>, Error> {
    values.into_iter().map(|value| value_from_json(value.get())).collect()
}

/// The operator of this name. Others have been refused with the shape of the request.
fn operator(name: &str) -> Result<ComparisonOperator, Error> {
    let found = ComparisonOperator::ALL.iter().find(|(known, _)| *known == name);
    let unknown = || Error::Validation(format!("'{name}' is no ComparisonOperator"));
    found.map(|(_, operator)| *operator).ok_or_else(unknown)
}

impl Expectation<'_> {
    fn read(self, attribute: &str) -> Result<Comparison, Error> {
        let attribute = || attribute.to_owned();
        if self.value.is_some() && self.attribute_value_list.is_some() {
            return Err(Error::Legacy(LegacyError::ValueAndList(attribute())));
        }
        if let Some(name) = &self.comparison_operator {
            let operator = operator(name)?;
            if self.exists.is_some() {
                return Err(Error::Legacy(LegacyError::ExistsAndOperator(attribute())));
            }
            let Some(given) = self.attribute_value_list.or(self.value.map(|value| vec![value])) else {
                if operator.takes_values() {
                    let operator = operator.name();
                    let error = LegacyError::OperatorWithoutValue { operator, attribute: attribute() };
                    return Err(Error::Legacy(error));
                }
                return Ok(Comparison::new(operator, Vec::new())?);
            };
            return Ok(Comparison::new(operator, values(given)?)?);
        }
        if self.attribute_value_list.is_some() {
            return Err(Error::Legacy(LegacyError::ListWithoutOperator(attribute())));
        }
        match (self.exists, self.value) {
            (Some(false), None) => Ok(Comparison::new(ComparisonOperator::Null, Vec::new())?),
            (Some(false), Some(_)) => Err(Error::Legacy(LegacyError::ValueWithoutExisting(attribute()))),
            (exists, None) => Err(Error::Legacy(LegacyError::ValueMissing {
                given: exists.is_some(),
                attribute: attribute(),
            })),
            (_, Some(value)) => {
                Ok(Comparison::new(ComparisonOperator::Equal, vec![value_from_json(value.get())?])?)
            }
        }
    }
}

impl AttributeUpdate<'_> {
    fn read(self) -> Result<AttributeChange, Error> {
        let value = self.value.map(|value| value_from_json(value.get())).transpose()?;
        let change = match (self.action.as_deref(), value) {
            (Some("DELETE"), value) => AttributeChange::Delete(value),
            (_, None) => return Err(Error::Legacy(LegacyError::UpdateWithoutValue)),
            (Some("ADD"), Some(value)) => AttributeChange::Add(value),
            // Other actions than these have been refused with the shape of the request.
            (_, Some(value)) => AttributeChange::Put(value),
        };
        change.check()?;
        Ok(change)
    }
}
