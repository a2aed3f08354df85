//! Key conditions: a condition expression of which only a few shapes are allowed, matched to a key schema.
//!
//! Two halves: [`collect_terms`] reduces the expression to one test per attribute and knows no schema; [`match_schema`]
//! hands the tests to the key's parts. A schema with more parts changes only the second.

use graticule_model::{
    AttributeValue, Error, KeyType,
    error::{ExpressionError, ExpressionKind},
};

use crate::{
    condition::{Node, Operand, parse_node},
    function::Function,
    placeholders::Placeholders,
    syntax::Comparator,
};

/// The key of a table or index.
#[derive(Debug, Clone, Copy)]
pub struct KeySchemaRef<'a> {
    /// Name and type of the partition key.
    pub partition: (&'a str, KeyType),
    /// Name and type of the sort key, if there is one.
    pub sort: Option<(&'a str, KeyType)>,
}

/// What a query asks of the key. Values are of the key's types and not empty.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyCondition {
    /// Name and value of the partition key.
    pub partition: (String, AttributeValue),
    /// Name of the sort key and the test on it, if there is one.
    pub sort: Option<(String, SortCondition)>,
}

/// A test on a sort key.
#[derive(Debug, Clone, PartialEq)]
pub enum SortCondition {
    /// `sk = :v`
    Equal(AttributeValue),
    /// `sk < :v`
    Less(AttributeValue),
    /// `sk <= :v`
    LessOrEqual(AttributeValue),
    /// `sk > :v`
    Greater(AttributeValue),
    /// `sk >= :v`
    GreaterOrEqual(AttributeValue),
    /// `sk BETWEEN :v AND :w`, both included.
    Between(AttributeValue, AttributeValue),
    /// `begins_with(sk, :v)`, for strings and binaries.
    BeginsWith(AttributeValue),
}

impl SortCondition {
    /// The values that it compares with.
    fn values(&self) -> impl Iterator<Item = &AttributeValue> {
        let (first, second) = match self {
            SortCondition::Equal(value)
            | SortCondition::Less(value)
            | SortCondition::LessOrEqual(value)
            | SortCondition::Greater(value)
            | SortCondition::GreaterOrEqual(value)
            | SortCondition::BeginsWith(value) => (value, None),
            SortCondition::Between(lower, upper) => (lower, Some(upper)),
        };
        std::iter::once(first).chain(second)
    }
}

/// Parses the `KeyConditionExpression` `text` of a query on a table or index with the key `schema`.
///
/// # Errors
/// [`Error::Expression`], or [`Error::KeyEmpty`] for an empty value.
pub fn parse_key_condition(
    text: &str,
    schema: KeySchemaRef<'_>,
    placeholders: &mut Placeholders,
) -> Result<KeyCondition, Error> {
    let wrap = |error| Error::Expression(ExpressionKind::KeyCondition, error);
    let root = parse_node(text, placeholders).map_err(wrap)?;
    let mut terms = Vec::new();
    collect_terms(root, &mut terms).map_err(wrap)?;
    let condition = match_schema(terms, schema).map_err(wrap)?;
    refuse_empty_values(&condition)?;
    Ok(condition)
}

/// A test on one attribute.
struct Term {
    name: String,
    test: SortCondition,
}

fn collect_terms(node: Node, terms: &mut Vec<Term>) -> Result<(), ExpressionError> {
    if let Node::And(nodes) = node {
        return nodes.into_iter().try_for_each(|node| collect_terms(node, terms));
    }
    let term = term(node)?;
    if terms.iter().any(|other| other.name == term.name) {
        return Err(ExpressionError::KeyRepeated);
    }
    terms.push(term);
    Ok(())
}

fn term(node: Node) -> Result<Term, ExpressionError> {
    match node {
        Node::Comparison(Comparator::NotEqual, ..) => invalid_operator(Comparator::NotEqual.symbol()),
        Node::Comparison(comparator, left, right) => {
            let (name, value, is_first) = attribute_and_value(left, right)?;
            let comparator = if is_first { comparator } else { comparator.mirrored() };
            Ok(Term { name, test: comparison(comparator, value) })
        }
        Node::Between(operand, lower, upper) => between(operand, lower, upper),
        Node::BeginsWith(operand, prefix) => {
            let (name, value, is_first) = attribute_and_value(operand, prefix)?;
            if !is_first {
                return Err(ExpressionError::KeyAttributeNotFirst(Function::BeginsWith.name()));
            }
            Ok(Term { name, test: SortCondition::BeginsWith(value) })
        }
        Node::In(..) => invalid_operator("IN"),
        Node::Or(_) => invalid_operator("OR"),
        Node::Not(_) => invalid_operator("NOT"),
        // The caller has taken conjunctions apart.
        Node::And(_) => invalid_operator("AND"),
        Node::Exists(_) => invalid_operator(Function::AttributeExists.name()),
        Node::NotExists(_) => invalid_operator(Function::AttributeNotExists.name()),
        Node::HasType(..) => invalid_operator(Function::AttributeType.name()),
        Node::Contains(..) => invalid_operator(Function::Contains.name()),
    }
}

fn invalid_operator(operator: &'static str) -> Result<Term, ExpressionError> {
    Err(ExpressionError::KeyOperatorInvalid(operator))
}

fn comparison(comparator: Comparator, value: AttributeValue) -> SortCondition {
    match comparator {
        Comparator::Less => SortCondition::Less(value),
        Comparator::LessOrEqual => SortCondition::LessOrEqual(value),
        Comparator::Greater => SortCondition::Greater(value),
        Comparator::GreaterOrEqual => SortCondition::GreaterOrEqual(value),
        Comparator::Equal | Comparator::NotEqual => SortCondition::Equal(value),
    }
}

fn between(operand: Operand, lower: Operand, upper: Operand) -> Result<Term, ExpressionError> {
    let operands = [operand, lower, upper].map(key_operand);
    let [operand, lower, upper] = operands;
    match (operand?, lower?, upper?) {
        (KeyOperand::Attribute(name), KeyOperand::Value(lower), KeyOperand::Value(upper)) => {
            Ok(Term { name, test: SortCondition::Between(lower, upper) })
        }
        (KeyOperand::Value(_), KeyOperand::Value(_), KeyOperand::Value(_)) => {
            Err(ExpressionError::KeyAttributeNone)
        }
        (KeyOperand::Value(_), KeyOperand::Value(_), KeyOperand::Attribute(_))
        | (KeyOperand::Value(_), KeyOperand::Attribute(_), KeyOperand::Value(_)) => {
            Err(ExpressionError::KeyAttributeNotFirst("BETWEEN"))
        }
        _ => Err(ExpressionError::KeyAttributesMultiple),
    }
}

/// What may stand beside an operator of a key condition.
enum KeyOperand {
    Attribute(String),
    Value(AttributeValue),
}

fn key_operand(operand: Operand) -> Result<KeyOperand, ExpressionError> {
    match operand {
        Operand::Path(path) if path.steps.is_empty() => Ok(KeyOperand::Attribute(path.top)),
        Operand::Path(_) => Err(ExpressionError::KeyPathNested),
        Operand::Value(value) => Ok(KeyOperand::Value(value)),
        Operand::Size(_) => Err(ExpressionError::KeyOperationNested),
    }
}

/// The one attribute and the one value, and whether the attribute comes first.
fn attribute_and_value(
    first: Operand,
    second: Operand,
) -> Result<(String, AttributeValue, bool), ExpressionError> {
    match (key_operand(first)?, key_operand(second)?) {
        (KeyOperand::Attribute(name), KeyOperand::Value(value)) => Ok((name, value, true)),
        (KeyOperand::Value(value), KeyOperand::Attribute(name)) => Ok((name, value, false)),
        (KeyOperand::Attribute(_), KeyOperand::Attribute(_)) => Err(ExpressionError::KeyAttributesMultiple),
        (KeyOperand::Value(_), KeyOperand::Value(_)) => Err(ExpressionError::KeyAttributeNone),
    }
}

fn match_schema(mut terms: Vec<Term>, schema: KeySchemaRef<'_>) -> Result<KeyCondition, ExpressionError> {
    if terms.len() > 2 {
        return Err(ExpressionError::KeyConditionsTooMany);
    }
    let (partition_name, partition_type) = schema.partition;
    let missed = |name: &str| ExpressionError::KeyMissed(name.to_owned());
    let position = terms.iter().position(|term| term.name == partition_name);
    let partition = terms.swap_remove(position.ok_or_else(|| missed(partition_name))?);
    let SortCondition::Equal(value) = partition.test else {
        return Err(ExpressionError::KeyConditionUnsupported);
    };
    let sort = match (terms.pop(), schema.sort) {
        (None, _) => None,
        (Some(_), None) => return Err(ExpressionError::KeyConditionUnsupported),
        (Some(term), Some((name, sort_type))) => {
            if term.name != name {
                return Err(missed(name));
            }
            if !term.test.values().all(|value| sort_type.matches(value)) {
                return Err(ExpressionError::KeyConditionType);
            }
            Some((term.name, term.test))
        }
    };
    if !partition_type.matches(&value) {
        return Err(ExpressionError::KeyConditionType);
    }
    Ok(KeyCondition { partition: (partition.name, value), sort })
}

fn refuse_empty_values(condition: &KeyCondition) -> Result<(), Error> {
    let (partition_name, partition_value) = &condition.partition;
    let sort_values =
        condition.sort.iter().flat_map(|(name, test)| test.values().map(move |value| (name, value)));
    for (name, value) in std::iter::once((partition_name, partition_value)).chain(sort_values) {
        let kind = match value {
            AttributeValue::S(text) if text.is_empty() => "string",
            AttributeValue::B(bytes) if bytes.is_empty() => "binary",
            _ => continue,
        };
        return Err(Error::KeyEmpty { name: name.clone(), kind });
    }
    Ok(())
}
