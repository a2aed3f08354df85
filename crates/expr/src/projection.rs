//! Projections: the parts of an item that a set of paths names.
//!
//! Invariant of [`PathTree`]: no path in it lies inside another, and no place is taken for both a map and a list.
//! Updates use the same tree, for their targets obey the same rule.

use std::collections::{BTreeMap, BTreeSet};

use graticule_model::{
    AttributeValue, Error,
    error::{ExpressionError, ExpressionKind, LegacyError},
    value::Item,
};

use crate::{
    parser::parse_projection,
    path::{Path, Step, check_words},
    placeholders::Placeholders,
};

/// A parsed `ProjectionExpression`.
#[derive(Debug, Clone)]
pub struct Projection {
    shape: Shape,
}

/// How the parts are laid out.
#[derive(Debug, Clone)]
enum Shape {
    /// In their places.
    Parts(PathTree),
    /// Side by side, each under a name of its own.
    Columns(Vec<(String, Path)>),
}

impl Projection {
    /// Parses `text`.
    ///
    /// # Errors
    /// [`Error::Expression`].
    pub fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Projection, Error> {
        parse(text, placeholders).map_err(|error| Error::Expression(ExpressionKind::Projection, error))
    }

    /// The top-level attributes with these names: `AttributesToGet`.
    ///
    /// # Errors
    /// [`LegacyError::AttributeRepeated`].
    pub fn of_attributes(names: &[String]) -> Result<Projection, Error> {
        let mut attributes = BTreeMap::new();
        for name in names {
            if attributes.insert(name.clone(), Branch::Whole).is_some() {
                return Err(Error::Legacy(LegacyError::AttributeRepeated(name.clone())));
            }
        }
        Ok(Projection { shape: Shape::Parts(PathTree { attributes }) })
    }

    /// The parts at these paths, side by side, each under its name: the columns of a PartiQL SELECT.
    pub(crate) fn from_columns(columns: Vec<(String, Path)>) -> Projection {
        Projection { shape: Shape::Columns(columns) }
    }

    /// The named parts of `item`. Those in their places keep them, but elements of lists move up to close gaps.
    pub fn apply(&self, item: &Item) -> Item {
        match &self.shape {
            Shape::Parts(tree) => tree.project(item),
            Shape::Columns(columns) => columns
                .iter()
                .filter_map(|(name, path)| Some((name.clone(), path.find(item)?.clone())))
                .collect(),
        }
    }

    /// The names of the top-level attributes, each once, ascending.
    pub fn top_level_names(&self) -> impl Iterator<Item = &str> {
        let names: BTreeSet<&str> = match &self.shape {
            Shape::Parts(tree) => tree.top_level_names().collect(),
            Shape::Columns(columns) => columns.iter().map(|(_, path)| &path.top[..]).collect(),
        };
        names.into_iter()
    }
}

fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Projection, ExpressionError> {
    let paths = parse_projection(text)?;
    paths.iter().try_for_each(check_words)?;
    let resolved: Result<Vec<Path>, ExpressionError> =
        paths.iter().map(|path| Path::resolve(path, placeholders)).collect();
    Ok(Projection { shape: Shape::Parts(PathTree::new(&resolved?)?) })
}

/// A set of paths that neither overlap nor conflict.
#[derive(Debug, Clone)]
pub(crate) struct PathTree {
    attributes: BTreeMap<String, Branch>,
}

/// What the tree holds below one place.
#[derive(Debug, Clone)]
enum Branch {
    /// A path ends here.
    Whole,
    /// Paths go on into a map.
    Map(BTreeMap<String, Branch>),
    /// Paths go on into a list.
    List(BTreeMap<usize, Branch>),
}

impl PathTree {
    /// The tree of `paths`.
    ///
    /// # Errors
    /// [`ExpressionError::PathsOverlap`] or [`ExpressionError::PathsConflict`] for the first two paths that clash.
    pub(crate) fn new(paths: &[Path]) -> Result<PathTree, ExpressionError> {
        let mut attributes = BTreeMap::new();
        for (position, path) in paths.iter().enumerate() {
            let inserted = match attributes.get_mut(&path.top) {
                Some(branch) => insert(branch, &path.steps),
                None => {
                    attributes.insert(path.top.clone(), chain(&path.steps));
                    true
                }
            };
            if !inserted {
                return Err(first_clash(&paths[..position], path));
            }
        }
        Ok(PathTree { attributes })
    }

    pub(crate) fn top_level_names(&self) -> impl Iterator<Item = &str> {
        self.attributes.keys().map(String::as_str)
    }

    pub(crate) fn project(&self, item: &Item) -> Item {
        project_map(&self.attributes, item)
    }
}

/// A branch with one path in it.
fn chain(steps: &[Step]) -> Branch {
    steps.iter().rev().fold(Branch::Whole, |below, step| match step {
        Step::Name(name) => Branch::Map(BTreeMap::from([(name.clone(), below)])),
        Step::Index(index) => Branch::List(BTreeMap::from([(*index, below)])),
    })
}

/// Adds a path; `false` if it clashes with one that is there.
fn insert(branch: &mut Branch, steps: &[Step]) -> bool {
    let Some((step, rest)) = steps.split_first() else { return false };
    let below = match (branch, step) {
        (Branch::Map(members), Step::Name(name)) => match members.get_mut(name) {
            Some(below) => below,
            None => {
                members.insert(name.clone(), chain(rest));
                return true;
            }
        },
        (Branch::List(elements), Step::Index(index)) => match elements.get_mut(index) {
            Some(below) => below,
            None => {
                elements.insert(*index, chain(rest));
                return true;
            }
        },
        _ => return false,
    };
    insert(below, rest)
}

/// How `path`, which cannot join `others`, clashes with the first that stands in its way.
fn first_clash(others: &[Path], path: &Path) -> ExpressionError {
    let clash = |other: &Path| {
        let (one, two) = (other.to_string(), path.to_string());
        match other.steps.iter().zip(&path.steps).find(|(a, b)| a != b) {
            None => Some(ExpressionError::PathsOverlap { one, two }),
            Some((Step::Name(_), Step::Index(_)) | (Step::Index(_), Step::Name(_))) => {
                Some(ExpressionError::PathsConflict { one, two })
            }
            Some(_) => None,
        }
    };
    let mut same_attribute = others.iter().filter(|other| other.top == path.top);
    same_attribute.find_map(clash).expect("a path that cannot be inserted clashes with another")
}

fn project_map(branches: &BTreeMap<String, Branch>, map: &Item) -> Item {
    let member =
        |(name, branch): (&String, &Branch)| Some((name.clone(), project_value(branch, map.get(name)?)?));
    branches.iter().filter_map(member).collect()
}

/// The named parts of `value`; `None` if it has none of them.
fn project_value(branch: &Branch, value: &AttributeValue) -> Option<AttributeValue> {
    match (branch, value) {
        (Branch::Whole, value) => Some(value.clone()),
        (Branch::Map(members), AttributeValue::M(map)) => {
            let projected = project_map(members, map);
            (!projected.is_empty()).then_some(AttributeValue::M(projected))
        }
        (Branch::List(elements), AttributeValue::L(list)) => {
            let element = |(index, branch): (&usize, &Branch)| project_value(branch, list.get(*index)?);
            let projected: Vec<AttributeValue> = elements.iter().filter_map(element).collect();
            (!projected.is_empty()).then_some(AttributeValue::L(projected))
        }
        _ => None,
    }
}
