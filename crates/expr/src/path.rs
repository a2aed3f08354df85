//! Document paths: where in an item a value lies.
//!
//! A path begins with the name of a top-level attribute; every further step enters a map or a list.

use std::fmt;

use graticule_model::{AttributeValue, error::ExpressionError, limits::NESTING_DEPTH_MAX, value::Item};

use crate::{
    placeholders::Placeholders,
    reserved::is_reserved,
    syntax::{PathElement, PathSyntax},
};

/// Most elements of a path: as deep as an item can be.
const PATH_ELEMENTS_MAX: usize = NESTING_DEPTH_MAX;

/// Largest list index.
const INDEX_MAX: usize = i32::MAX as usize;

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Into a map.
    Name(String),
    /// Into a list.
    Index(usize),
}

/// A path with every placeholder replaced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Path {
    /// The top-level attribute.
    pub(crate) top: String,
    /// The way from there.
    pub(crate) steps: Vec<Step>,
}

impl Path {
    /// Replaces the placeholders of a path that [`check_words`] has passed.
    pub(crate) fn resolve(
        path: &PathSyntax<'_>,
        placeholders: &mut Placeholders,
    ) -> Result<Path, ExpressionError> {
        let mut top = None;
        let mut steps = Vec::new();
        for element in path {
            let step = match *element {
                PathElement::Name(name) => Step::Name(name.to_owned()),
                PathElement::Placeholder(token) => Step::Name(placeholders.name(token)?),
                PathElement::Index(digits) => Step::Index(index(digits)?),
            };
            match step {
                Step::Name(name) if top.is_none() => top = Some(name),
                step => steps.push(step),
            }
        }
        if path.len() > PATH_ELEMENTS_MAX {
            return Err(ExpressionError::PathTooDeep(path.len()));
        }
        Ok(Path { top: top.unwrap_or_default(), steps })
    }

    /// The value at this path.
    pub(crate) fn find<'i>(&self, item: &'i Item) -> Option<&'i AttributeValue> {
        self.find_part(item, self.steps.len())
    }

    /// The value where the first so many steps lead.
    pub(crate) fn find_part<'i>(&self, item: &'i Item, step_count: usize) -> Option<&'i AttributeValue> {
        self.steps.iter().take(step_count).try_fold(item.get(&self.top)?, |value, step| match (value, step) {
            (AttributeValue::M(map), Step::Name(name)) => map.get(name),
            (AttributeValue::L(list), Step::Index(index)) => list.get(*index),
            _ => None,
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.top)?;
        for step in &self.steps {
            match step {
                Step::Name(name) => write!(f, ", {name}")?,
                Step::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}

/// Refuses reserved words and list indexes out of range.
pub(crate) fn check_words(path: &PathSyntax<'_>) -> Result<(), ExpressionError> {
    path.iter().try_for_each(|element| match *element {
        PathElement::Name(name) if is_reserved(name) => Err(ExpressionError::ReservedWord(name.to_owned())),
        PathElement::Index(digits) => index(digits).map(drop),
        _ => Ok(()),
    })
}

fn index(digits: &str) -> Result<usize, ExpressionError> {
    let index = digits.parse().ok().filter(|index| *index <= INDEX_MAX);
    index.ok_or_else(|| ExpressionError::ListIndexOutOfRange(digits.to_owned()))
}
