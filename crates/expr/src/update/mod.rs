//! Update expressions: parsed, checked, and ready to be applied.
//!
//! Parsing checks in this order: grammar, words and functions, placeholders, targets (no two may overlap), operand
//! types. What can still go wrong depends on the item; see [`apply`].

mod apply;
mod check;

use graticule_model::{
    AttributeValue, Error,
    error::{ExpressionError, ExpressionKind, LegacyError},
    value::Item,
};

use crate::{
    parser::parse_update,
    path::Path,
    placeholders::Placeholders,
    projection::PathTree,
    syntax::{CallSyntax, OperandSyntax, SetValueSyntax, VerbSyntax},
};

/// A parsed `UpdateExpression`, or what `AttributeUpdates` asks for.
#[derive(Debug, Clone)]
pub struct Update {
    /// In the order of their paths.
    actions: Vec<Action>,
    targets: PathTree,
    /// The targets that are not removed, if some are.
    given: Option<PathTree>,
    /// Whether it came in `AttributeUpdates`.
    is_legacy: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Action {
    pub(crate) path: Path,
    pub(crate) verb: Verb,
}

/// What an action does at its path.
#[derive(Debug, Clone)]
pub(crate) enum Verb {
    Set(SetValue),
    Remove,
    Add(AttributeValue),
    Delete(AttributeValue),
}

#[derive(Debug, Clone)]
pub(crate) enum SetValue {
    Operand(Operand),
    Plus(Operand, Operand),
    Minus(Operand, Operand),
}

#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Path(Path),
    Value(AttributeValue),
    IfNotExists(Path, Box<Operand>),
    ListAppend(Box<Operand>, Box<Operand>),
}

impl Update {
    /// Parses `text`.
    ///
    /// # Errors
    /// [`Error::Expression`].
    pub fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Update, Error> {
        parse(text, placeholders).map_err(|error| Error::Expression(ExpressionKind::Update, error))
    }

    /// `item` with all actions done, every one of which sees `item` as it was before. An item that does not exist
    /// yet is one of only its key.
    ///
    /// # Errors
    /// [`Error::UpdateNotApplicable`] if the item does not fit, an error of arithmetic, or [`Error::NestingTooDeep`].
    pub fn apply(&self, item: &Item) -> Result<Item, Error> {
        apply::apply(&self.actions, item).map_err(|error| match error {
            Error::UpdateNotApplicable(ExpressionError::OperandDataType) if self.is_legacy => {
                Error::Legacy(LegacyError::UpdateTypesDiffer)
            }
            error => error,
        })
    }

    /// The update that does `actions`. Those of a legacy parameter have had their types checked.
    pub(crate) fn from_actions(mut actions: Vec<Action>, is_legacy: bool) -> Result<Update, ExpressionError> {
        let targets = target_tree(&actions, |_| true)?;
        let is_removal = |verb: &Verb| matches!(verb, Verb::Remove);
        let given = if actions.iter().any(|action| is_removal(&action.verb)) {
            Some(target_tree(&actions, |verb| !is_removal(verb))?)
        } else {
            None
        };
        if !is_legacy {
            actions.iter().try_for_each(check::check_types)?;
        }
        actions.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Update { actions, targets, given, is_legacy })
    }

    /// Whether it only takes away: such an update does not create an item.
    pub fn only_removes(&self) -> bool {
        self.actions.iter().all(|action| matches!(action.verb, Verb::Remove | Verb::Delete(_)))
    }

    /// The names of the top-level attributes that it changes or whose parts it changes, ascending.
    pub fn top_level_names(&self) -> impl Iterator<Item = &str> {
        self.targets.top_level_names()
    }

    /// The top-level attributes that get a value of the request as it is, and the values.
    pub fn given_values(&self) -> impl Iterator<Item = (&str, &AttributeValue)> {
        self.actions.iter().filter_map(|action| match &action.verb {
            Verb::Set(SetValue::Operand(Operand::Value(value))) if action.path.steps.is_empty() => {
                Some((action.path.top.as_str(), value))
            }
            _ => None,
        })
    }

    /// Whether it came in `AttributeUpdates`.
    pub fn is_legacy(&self) -> bool {
        self.is_legacy
    }

    /// The parts of `image`, the item before the update, that the expression names as targets: `UPDATED_OLD`.
    pub fn updated_attributes(&self, image: &Item) -> Item {
        self.targets.project(image)
    }

    /// The parts of `image`, the item after the update, that the expression gave a value: `UPDATED_NEW`. Where an
    /// element was removed another may have moved up; it is not shown.
    pub fn new_attributes(&self, image: &Item) -> Item {
        self.given.as_ref().unwrap_or(&self.targets).project(image)
    }
}

fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Update, ExpressionError> {
    let syntax = parse_update(text)?;
    syntax.iter().try_for_each(check::check_words)?;
    let resolve = |action: &crate::syntax::ActionSyntax<'_>| {
        let path = Path::resolve(&action.path, placeholders)?;
        Ok(Action { path, verb: resolve_verb(&action.verb, placeholders)? })
    };
    let actions = syntax.iter().map(resolve).collect::<Result<Vec<Action>, ExpressionError>>()?;
    Update::from_actions(actions, false)
}

/// The targets of the actions that `wanted` picks.
fn target_tree(actions: &[Action], wanted: impl Fn(&Verb) -> bool) -> Result<PathTree, ExpressionError> {
    let picked = actions.iter().filter(|action| wanted(&action.verb));
    PathTree::new(&picked.map(|action| action.path.clone()).collect::<Vec<Path>>())
}

fn resolve_verb(verb: &VerbSyntax<'_>, placeholders: &mut Placeholders) -> Result<Verb, ExpressionError> {
    Ok(match verb {
        VerbSyntax::Set(value) => Verb::Set(match value {
            SetValueSyntax::Operand(operand) => SetValue::Operand(resolve_operand(operand, placeholders)?),
            SetValueSyntax::Plus(left, right) => {
                let left = resolve_operand(left, placeholders)?;
                SetValue::Plus(left, resolve_operand(right, placeholders)?)
            }
            SetValueSyntax::Minus(left, right) => {
                let left = resolve_operand(left, placeholders)?;
                SetValue::Minus(left, resolve_operand(right, placeholders)?)
            }
        }),
        VerbSyntax::Remove => Verb::Remove,
        VerbSyntax::Add(token) => Verb::Add(placeholders.value(token)?),
        VerbSyntax::Delete(token) => Verb::Delete(placeholders.value(token)?),
    })
}

fn resolve_operand(
    operand: &OperandSyntax<'_>,
    placeholders: &mut Placeholders,
) -> Result<Operand, ExpressionError> {
    match operand {
        OperandSyntax::Path(path) => Path::resolve(path, placeholders).map(Operand::Path),
        OperandSyntax::Value(token) => placeholders.value(token).map(Operand::Value),
        OperandSyntax::Call(call) => resolve_call(call, placeholders),
    }
}

fn resolve_call(call: &CallSyntax<'_>, placeholders: &mut Placeholders) -> Result<Operand, ExpressionError> {
    let (function, first, second) = check::function_and_operands(call)?;
    let first = resolve_operand(first, placeholders)?;
    let second = Box::new(resolve_operand(second, placeholders)?);
    match (function, first) {
        (check::UpdateFunction::IfNotExists, Operand::Path(path)) => Ok(Operand::IfNotExists(path, second)),
        (check::UpdateFunction::IfNotExists, _) => {
            Err(ExpressionError::PathRequired(check::UpdateFunction::IfNotExists.name()))
        }
        (check::UpdateFunction::ListAppend, first) => Ok(Operand::ListAppend(Box::new(first), second)),
    }
}
