//! The constraints on single values: which a value breaks, and how the service words them.
//!
//! The quick pass asks whether there are any, the report what they are: both ask here, so they agree.

use std::fmt;

use graticule_model::limits::{TABLE_NAME_LENGTH_MAX, TABLE_NAME_LENGTH_MIN};

use super::{
    patterns,
    table::{Kind, Shape, UNBOUNDED},
};

/// A constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Pattern(&'static str),
    LengthMin(i64),
    LengthMax(i64),
    ValueMin(i64),
    ValueMax(i64),
    Choice(&'static [&'static str]),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Pattern(pattern) => write!(f, "Member must satisfy regular expression pattern: {pattern}"),
            Rule::LengthMin(min) => write!(f, "Member must have length greater than or equal to {min}"),
            Rule::LengthMax(max) => write!(f, "Member must have length less than or equal to {max}"),
            Rule::ValueMin(min) => write!(f, "Member must have value greater than or equal to {min}"),
            Rule::ValueMax(max) => write!(f, "Member must have value less than or equal to {max}"),
            Rule::Choice(choices) => {
                write!(f, "Member must satisfy enum value set: [{}]", choices.join(", "))
            }
        }
    }
}

/// The name of a table where an ARN may stand as well.
static NAME: Shape = Shape::text()
    .length(TABLE_NAME_LENGTH_MIN as i64, TABLE_NAME_LENGTH_MAX as i64)
    .pattern("[a-zA-Z0-9_.-]+");
/// The ARN of a table where a name may stand as well.
static ARN: Shape = Shape::text().length(1, 1024);

/// The rules that hold for `text`, of a shape whose values are texts.
fn for_text(shape: &'static Shape, text: &str) -> &'static Shape {
    match shape.kind {
        Kind::TableReference if text.starts_with("arn:") => &ARN,
        Kind::TableReference => &NAME,
        _ => shape,
    }
}

/// What `text` breaks.
pub(super) fn broken_by_text(shape: &'static Shape, text: &str) -> impl Iterator<Item = Rule> {
    let shape = for_text(shape, text);
    let pattern = shape.pattern.filter(|pattern| !patterns::matches(pattern, text));
    let choices = Some(shape.choices).filter(|choices| !choices.is_empty() && !choices.contains(&text));
    let length = if shape.max == UNBOUNDED && shape.min <= 0 { 0 } else { utf16_length(text) };
    pattern
        .map(Rule::Pattern)
        .into_iter()
        .chain(choices.map(Rule::Choice))
        .chain(broken_by_length(shape, length))
}

/// The length that the service counts.
fn utf16_length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// What a text, list or map of this length breaks.
pub(super) fn broken_by_length(shape: &Shape, length: usize) -> Option<Rule> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    if length < shape.min {
        Some(Rule::LengthMin(shape.min))
    } else if length > shape.max {
        Some(Rule::LengthMax(shape.max))
    } else {
        None
    }
}

/// What a number breaks.
pub(super) fn broken_by_value(shape: &Shape, value: f64) -> Option<Rule> {
    if shape.min != i64::MIN && value < shape.min as f64 {
        Some(Rule::ValueMin(shape.min))
    } else if shape.max != i64::MAX && value > shape.max as f64 {
        Some(Rule::ValueMax(shape.max))
    } else {
        None
    }
}

/// All constraints of a shape that its values are held to inside a map, as the service lists them there.
pub(super) fn all(shape: &'static Shape) -> Vec<Rule> {
    let shape = for_text(shape, "");
    let max = (shape.max != UNBOUNDED).then_some(Rule::LengthMax(shape.max));
    let min = (shape.min > 0 || max.is_some()).then_some(Rule::LengthMin(shape.min.max(0)));
    let choices = (!shape.choices.is_empty()).then_some(Rule::Choice(shape.choices));
    max.into_iter().chain(min).chain(shape.pattern.map(Rule::Pattern)).chain(choices).collect()
}
