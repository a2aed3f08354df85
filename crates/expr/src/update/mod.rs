//! Update expressions: parsed, checked, and ready to be applied.
//!
//! Parsing checks in this order: grammar, words and functions, placeholders, targets (no two may overlap), operand
//! types. What can still go wrong depends on the item; see [`apply`].

mod apply;
mod check;

use graticule_model::{
    AttributeValue, Error,
    error::{ExpressionError, ExpressionKind},
    value::Item,
};

use crate::{
    parser::parse_update,
    path::Path,
    placeholders::Placeholders,
    projection::PathTree,
    syntax::{CallSyntax, OperandSyntax, SetValueSyntax, VerbSyntax},
};

/// A parsed `UpdateExpression`.
#[derive(Debug, Clone)]
pub struct Update {
    /// In the order of their paths.
    actions: Vec<Action>,
    targets: PathTree,
}

#[derive(Debug, Clone)]
struct Action {
    path: Path,
    verb: Verb,
}

/// What an action does at its path.
#[derive(Debug, Clone)]
enum Verb {
    Set(SetValue),
    Remove,
    Add(AttributeValue),
    Delete(AttributeValue),
}

#[derive(Debug, Clone)]
enum SetValue {
    Operand(Operand),
    Plus(Operand, Operand),
    Minus(Operand, Operand),
}

#[derive(Debug, Clone)]
enum Operand {
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
        apply::apply(&self.actions, item)
    }

    /// Whether it only takes away: such an update does not create an item.
    pub fn only_removes(&self) -> bool {
        self.actions.iter().all(|action| matches!(action.verb, Verb::Remove | Verb::Delete(_)))
    }

    /// The names of the top-level attributes that it changes or whose parts it changes, ascending.
    pub fn top_level_names(&self) -> impl Iterator<Item = &str> {
        self.targets.top_level_names()
    }

    /// The parts of `image`, an item before or after the update, that the expression names as targets:
    /// `UPDATED_OLD` or `UPDATED_NEW`.
    pub fn updated_attributes(&self, image: &Item) -> Item {
        self.targets.project(image)
    }
}

fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Update, ExpressionError> {
    let syntax = parse_update(text)?;
    syntax.iter().try_for_each(check::check_words)?;
    let resolve = |action: &crate::syntax::ActionSyntax<'_>| {
        let path = Path::resolve(&action.path, placeholders)?;
        Ok(Action { path, verb: resolve_verb(&action.verb, placeholders)? })
    };
    let mut actions = syntax.iter().map(resolve).collect::<Result<Vec<Action>, ExpressionError>>()?;
    let paths: Vec<Path> = actions.iter().map(|action| action.path.clone()).collect();
    let targets = PathTree::new(&paths)?;
    actions.iter().try_for_each(check::check_types)?;
    actions.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Update { actions, targets })
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
