//! Key conditions: a condition expression of which only a few shapes are allowed, matched to a key schema.
//!
//! Two halves: [`collect_terms`] reduces the expression to one test per attribute and knows no schema;
//! [`match_key_terms`] hands the tests to the key's parts. Whoever has the tests from elsewhere starts with the second.

use graticule_model::{
    AttributeValue, Error, KeyAttribute,
    error::{ExpressionError, ExpressionKind},
    limits::{PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX},
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
    /// The HASH attributes: one, or several in a global secondary index.
    pub partition: &'a [KeyAttribute],
    /// The RANGE attributes.
    pub sort: &'a [KeyAttribute],
}

/// What a query asks of the key. Values are of the key's types and not empty.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyCondition {
    /// Names and values of all HASH attributes, in the schema's order.
    pub partition: Vec<(String, AttributeValue)>,
    /// Names of the first RANGE attributes and the tests on them, in the schema's order. All but the last are equalities.
    pub sort: Vec<(String, SortCondition)>,
}

/// A test on one attribute, which may turn out to be a key attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyTerm {
    /// The attribute.
    pub name: String,
    /// The test.
    pub test: SortCondition,
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
    pub(crate) fn values(&self) -> impl Iterator<Item = &AttributeValue> {
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

/// Parses the `KeyConditionExpression` `text` into tests on different attributes.
///
/// # Errors
/// [`Error::Expression`].
pub fn parse_key_terms(text: &str, placeholders: &mut Placeholders) -> Result<Vec<KeyTerm>, Error> {
    let wrap = |error| Error::Expression(ExpressionKind::KeyCondition, error);
    let root = parse_node(text, placeholders).map_err(wrap)?;
    let mut terms = Vec::new();
    collect_terms(root, &mut terms).map_err(wrap)?;
    Ok(terms)
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
    match_key_terms(parse_key_terms(text, placeholders)?, schema)
}

/// Matches tests on several attributes, no two on the same, to the key `schema`.
///
/// # Errors
/// [`Error::Expression`] with texts that do not name the expression; [`Error::KeyEmpty`], [`Error::PartitionKeyTooLong`]
/// or [`Error::SortKeyTooLong`] for values that no key has.
pub fn match_key_terms(terms: Vec<KeyTerm>, schema: KeySchemaRef<'_>) -> Result<KeyCondition, Error> {
    let condition = match_schema(terms, schema)
        .map_err(|error| Error::Expression(ExpressionKind::KeyCondition, error))?;
    refuse_empty_values(&condition)?;
    refuse_long_values(&condition)?;
    Ok(condition)
}

fn collect_terms(node: Node, terms: &mut Vec<KeyTerm>) -> Result<(), ExpressionError> {
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

fn term(node: Node) -> Result<KeyTerm, ExpressionError> {
    match node {
        Node::Comparison(Comparator::NotEqual, ..) => invalid_operator(Comparator::NotEqual.symbol()),
        Node::Comparison(comparator, left, right) => {
            let (name, value, is_first) = attribute_and_value(left, right)?;
            let comparator = if is_first { comparator } else { comparator.mirrored() };
            Ok(KeyTerm { name, test: comparison(comparator, value) })
        }
        Node::Between(operand, lower, upper) => between(operand, lower, upper),
        Node::BeginsWith(operand, prefix) => {
            let (name, value, is_first) = attribute_and_value(operand, prefix)?;
            if !is_first {
                return Err(ExpressionError::KeyAttributeNotFirst(Function::BeginsWith.name()));
            }
            Ok(KeyTerm { name, test: SortCondition::BeginsWith(value) })
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

fn invalid_operator(operator: &'static str) -> Result<KeyTerm, ExpressionError> {
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

fn between(operand: Operand, lower: Operand, upper: Operand) -> Result<KeyTerm, ExpressionError> {
    let operands = [operand, lower, upper].map(key_operand);
    let [operand, lower, upper] = operands;
    match (operand?, lower?, upper?) {
        (KeyOperand::Attribute(name), KeyOperand::Value(lower), KeyOperand::Value(upper)) => {
            Ok(KeyTerm { name, test: SortCondition::Between(lower, upper) })
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

/// Most conditions on a key of one HASH attribute and at most one RANGE attribute.
const SIMPLE_CONDITIONS_MAX: usize = 2;

fn match_schema(mut terms: Vec<KeyTerm>, schema: KeySchemaRef<'_>) -> Result<KeyCondition, ExpressionError> {
    let is_simple = schema.partition.len() == 1 && schema.sort.len() <= 1;
    if is_simple && terms.len() > SIMPLE_CONDITIONS_MAX {
        return Err(ExpressionError::KeyConditionsTooMany);
    }
    let mut take = |attribute: &KeyAttribute| {
        let position = terms.iter().position(|term| term.name == attribute.name);
        position.map(|position| terms.swap_remove(position))
    };
    let missed = |attribute: &KeyAttribute| ExpressionError::KeyMissed(attribute.name.clone());
    let mut partition = Vec::with_capacity(schema.partition.len());
    for attribute in schema.partition {
        let term = take(attribute).ok_or_else(|| missed(attribute))?;
        let SortCondition::Equal(value) = term.test else {
            return Err(ExpressionError::KeyConditionUnsupported);
        };
        partition.push((term.name, value));
    }
    let mut sort = Vec::with_capacity(schema.sort.len());
    let mut unused = None;
    for attribute in schema.sort {
        match take(attribute) {
            Some(term) => sort.push((term.name, term.test)),
            None => {
                unused = Some(attribute);
                break;
            }
        }
    }
    if !terms.is_empty() {
        // What is left tests attributes of no key, or those behind one that is left out.
        return Err(unused.map_or(ExpressionError::KeyConditionUnsupported, missed));
    }
    let earlier = sort.len().saturating_sub(1);
    if sort[..earlier].iter().any(|(_, test)| !matches!(test, SortCondition::Equal(_))) {
        return Err(ExpressionError::KeyConditionUnsupported);
    }
    let tested = partition.iter().zip(schema.partition).all(|((_, value), it)| it.kind.matches(value));
    let sorted =
        sort.iter().zip(schema.sort).all(|((_, test), it)| test.values().all(|value| it.kind.matches(value)));
    if !tested || !sorted {
        return Err(ExpressionError::KeyConditionType);
    }
    Ok(KeyCondition { partition, sort })
}

fn refuse_empty_values(condition: &KeyCondition) -> Result<(), Error> {
    let partition_values = condition.partition.iter().map(|(name, value)| (name, value));
    let sort_values =
        condition.sort.iter().flat_map(|(name, test)| test.values().map(move |value| (name, value)));
    for (name, value) in partition_values.chain(sort_values) {
        let kind = match value {
            AttributeValue::S(text) if text.is_empty() => "string",
            AttributeValue::B(bytes) if bytes.is_empty() => "binary",
            _ => continue,
        };
        return Err(Error::KeyEmpty { name: name.clone(), kind });
    }
    Ok(())
}

fn refuse_long_values(condition: &KeyCondition) -> Result<(), Error> {
    let partition_bytes: usize = condition.partition.iter().map(|(_, value)| value.size_bytes()).sum();
    if partition_bytes > PARTITION_KEY_BYTES_MAX {
        return Err(Error::PartitionKeyTooLong);
    }
    let longest =
        |test: &SortCondition| test.values().map(AttributeValue::size_bytes).max().unwrap_or_default();
    let sort_bytes: usize = condition.sort.iter().map(|(_, test)| longest(test)).sum();
    if sort_bytes > SORT_KEY_BYTES_MAX { Err(Error::SortKeyTooLong) } else { Ok(()) }
}
