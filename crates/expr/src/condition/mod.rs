//! Conditions and filters: parsed, checked, and ready to be evaluated.
//!
//! Parsing checks in this order: grammar, words and functions ([`words`]), placeholders, operand types ([`types`]).
//! What is left holds its values and cannot fail; [`evaluate`] says whether an item meets it.

mod evaluate;
mod types;
mod words;

use std::collections::BTreeSet;

use graticule_model::{
    AttributeValue, Error,
    error::{ExpressionError, ExpressionKind},
    value::Item,
};

use crate::{
    function::Function,
    parser::parse_condition,
    path::Path,
    placeholders::Placeholders,
    syntax::{CallSyntax, Comparator, ConditionSyntax, OperandSyntax},
};

/// A parsed `ConditionExpression` or `FilterExpression`.
#[derive(Debug, Clone)]
pub struct Condition {
    root: Node,
}

/// A condition with names and values in place.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Comparison(Comparator, Operand, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Operand),
    NotExists(Operand),
    HasType(Operand, Operand),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
}

/// An operand with names and values in place.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Path(Path),
    Value(AttributeValue),
    Size(Box<Operand>),
}

impl Condition {
    /// Parses `text`, which came in the parameter `kind`.
    ///
    /// # Errors
    /// [`Error::Expression`].
    pub fn parse(
        kind: ExpressionKind,
        text: &str,
        placeholders: &mut Placeholders,
    ) -> Result<Condition, Error> {
        let root = parse_node(text, placeholders).map_err(|error| Error::Expression(kind, error))?;
        Ok(Condition { root })
    }

    /// The condition that `root` is.
    pub(crate) fn from_node(root: Node) -> Condition {
        Condition { root }
    }

    /// Whether `item` meets the condition; a missing item is an empty one.
    pub fn matches(&self, item: &Item) -> bool {
        self.root.matches(item)
    }

    /// The names of the top-level attributes that it looks at, ascending.
    pub fn top_level_names(&self) -> impl Iterator<Item = &str> {
        let mut names = BTreeSet::new();
        self.root.collect_names(&mut names);
        names.into_iter()
    }

    /// Refuses a filter on one of the key attributes of the table or index that is read.
    ///
    /// # Errors
    /// [`Error::Expression`] with [`ExpressionError::KeyInFilter`].
    pub fn refuse_key_attributes<'k>(
        &self,
        key_names: impl IntoIterator<Item = &'k str>,
    ) -> Result<(), Error> {
        let mut names = BTreeSet::new();
        self.root.collect_names(&mut names);
        match key_names.into_iter().find(|key| names.contains(key)) {
            Some(key) => {
                Err(Error::Expression(ExpressionKind::Filter, ExpressionError::KeyInFilter(key.to_owned())))
            }
            None => Ok(()),
        }
    }
}

/// Refuses operands of types that cannot fit any item.
pub(crate) fn check_types(node: &Node) -> Result<(), ExpressionError> {
    types::check(node)
}

/// Parses and checks `text` as any kind of condition.
pub(crate) fn parse_node(text: &str, placeholders: &mut Placeholders) -> Result<Node, ExpressionError> {
    let syntax = parse_condition(text)?;
    words::check(&syntax)?;
    let node = resolve(&syntax, placeholders)?;
    types::check(&node)?;
    Ok(node)
}

fn resolve(syntax: &ConditionSyntax<'_>, placeholders: &mut Placeholders) -> Result<Node, ExpressionError> {
    Ok(match syntax {
        ConditionSyntax::Comparison(comparator, left, right) => {
            let left = resolve_operand(left, placeholders)?;
            Node::Comparison(*comparator, left, resolve_operand(right, placeholders)?)
        }
        ConditionSyntax::Between(operand, lower, upper) => {
            let operand = resolve_operand(operand, placeholders)?;
            let lower = resolve_operand(lower, placeholders)?;
            Node::Between(operand, lower, resolve_operand(upper, placeholders)?)
        }
        ConditionSyntax::In(operand, candidates) => {
            let operand = resolve_operand(operand, placeholders)?;
            Node::In(operand, resolve_operands(candidates, placeholders)?)
        }
        ConditionSyntax::Call(call) => resolve_call(call, placeholders)?,
        ConditionSyntax::Not(inner) => Node::Not(Box::new(resolve(inner, placeholders)?)),
        ConditionSyntax::And(terms) => Node::And(resolve_all(terms, placeholders)?),
        ConditionSyntax::Or(alternatives) => Node::Or(resolve_all(alternatives, placeholders)?),
    })
}

fn resolve_all(
    conditions: &[ConditionSyntax<'_>],
    placeholders: &mut Placeholders,
) -> Result<Vec<Node>, ExpressionError> {
    conditions.iter().map(|condition| resolve(condition, placeholders)).collect()
}

fn resolve_call(call: &CallSyntax<'_>, placeholders: &mut Placeholders) -> Result<Node, ExpressionError> {
    let function = Function::named(call.name)?;
    let mut operands = resolve_operands(&call.operands, placeholders)?.into_iter();
    let mut operand =
        || operands.next().ok_or(ExpressionError::OperandCount { operator: function.name(), count: 0 });
    let first = operand()?;
    Ok(match function {
        Function::AttributeExists => Node::Exists(first),
        Function::AttributeNotExists => Node::NotExists(first),
        Function::AttributeType => Node::HasType(first, operand()?),
        Function::BeginsWith => Node::BeginsWith(first, operand()?),
        Function::Contains => Node::Contains(first, operand()?),
        Function::Size | Function::IfNotExists | Function::ListAppend => {
            return Err(ExpressionError::FunctionMisplaced(function.name()));
        }
    })
}

fn resolve_operands(
    operands: &[OperandSyntax<'_>],
    placeholders: &mut Placeholders,
) -> Result<Vec<Operand>, ExpressionError> {
    operands.iter().map(|operand| resolve_operand(operand, placeholders)).collect()
}

fn resolve_operand(
    operand: &OperandSyntax<'_>,
    placeholders: &mut Placeholders,
) -> Result<Operand, ExpressionError> {
    match operand {
        OperandSyntax::Path(path) => Path::resolve(path, placeholders).map(Operand::Path),
        OperandSyntax::Value(token) => placeholders.value(token).map(Operand::Value),
        OperandSyntax::Call(call) => {
            // Only size() passes the check of words as an operand.
            let [measured] = call.operands.as_slice() else {
                let count = call.operands.len();
                return Err(ExpressionError::OperandCount { operator: Function::Size.name(), count });
            };
            Ok(Operand::Size(Box::new(resolve_operand(measured, placeholders)?)))
        }
    }
}

impl Node {
    /// The operands of this node itself, not of nodes inside it.
    fn operands(&self) -> Vec<&Operand> {
        match self {
            Node::Comparison(_, left, right) => vec![left, right],
            Node::Between(operand, lower, upper) => vec![operand, lower, upper],
            Node::In(operand, candidates) => std::iter::once(operand).chain(candidates).collect(),
            Node::Exists(operand) | Node::NotExists(operand) => vec![operand],
            Node::HasType(first, second)
            | Node::BeginsWith(first, second)
            | Node::Contains(first, second) => {
                vec![first, second]
            }
            Node::Not(_) | Node::And(_) | Node::Or(_) => Vec::new(),
        }
    }

    /// The nodes inside this one.
    fn inner(&self) -> &[Node] {
        match self {
            Node::Not(inner) => std::slice::from_ref(inner),
            Node::And(nodes) | Node::Or(nodes) => nodes,
            _ => &[],
        }
    }

    fn collect_names<'n>(&'n self, names: &mut BTreeSet<&'n str>) {
        for mut operand in self.operands() {
            while let Operand::Size(measured) = operand {
                operand = measured;
            }
            if let Operand::Path(path) = operand {
                names.insert(&path.top);
            }
        }
        for node in self.inner() {
            node.collect_names(names);
        }
    }
}
