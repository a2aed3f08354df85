//! Applies an update to an item.
//!
//! First every action is turned into an edit by looking at the old item alone, then the edits are made. Targets do
//! not overlap, so the order of edits matters only within lists: elements are put in ascending order, so that those
//! beyond the end are appended in the order of their indexes, and taken out last and in descending order, so that
//! indexes mean what they meant in the old item.

use graticule_model::{
    AttributeValue, Error, error::ExpressionError, limits::NESTING_DEPTH_MAX, value::Item,
};

use super::{Action, Operand, SetValue, Verb};
use crate::path::{Path, Step};

enum Edit {
    Put(AttributeValue),
    /// Only for a value that is there.
    TakeOut,
}

/// `actions` must be in the order of their paths.
pub(super) fn apply(actions: &[Action], item: &Item) -> Result<Item, Error> {
    let mut updated = item.clone();
    let mut removed = Vec::new();
    for action in actions {
        match edit(action, item)? {
            Some(Edit::Put(value)) => put(&mut updated, &action.path, value)?,
            Some(Edit::TakeOut) => removed.push(&action.path),
            None => {}
        }
    }
    for path in removed.into_iter().rev() {
        take_out(&mut updated, path)?;
    }
    Ok(updated)
}

fn not_applicable(error: ExpressionError) -> Error {
    Error::UpdateNotApplicable(error)
}

/// What `action` does to `item`, if anything.
fn edit(action: &Action, item: &Item) -> Result<Option<Edit>, Error> {
    let edit = match &action.verb {
        Verb::Set(value) => {
            let value = evaluate(value, item)?;
            target(&action.path, item)?;
            if action.path.steps.len() + value.levels() > NESTING_DEPTH_MAX {
                return Err(Error::NestingTooDeep);
            }
            Some(Edit::Put(value))
        }
        Verb::Remove => target(&action.path, item)?.map(|_| Edit::TakeOut),
        Verb::Add(value) => Some(Edit::Put(match target(&action.path, item)? {
            Some(current) => sum_or_union(current, value)?,
            None => value.clone(),
        })),
        Verb::Delete(value) => match target(&action.path, item)? {
            Some(current) => Some(difference(current, value)?.map_or(Edit::TakeOut, Edit::Put)),
            None => None,
        },
    };
    Ok(edit)
}

/// The value at `path`, whose parent must be there and of the right type.
fn target<'i>(path: &Path, item: &'i Item) -> Result<Option<&'i AttributeValue>, Error> {
    let Some((last, parents)) = path.steps.split_last() else { return Ok(item.get(&path.top)) };
    match (path.find_part(item, parents.len()), last) {
        (Some(AttributeValue::M(map)), Step::Name(name)) => Ok(map.get(name)),
        (Some(AttributeValue::L(list)), Step::Index(index)) => Ok(list.get(*index)),
        _ => Err(not_applicable(ExpressionError::PathNotUpdatable)),
    }
}

fn evaluate(value: &SetValue, item: &Item) -> Result<AttributeValue, Error> {
    let (left, right, is_sum) = match value {
        SetValue::Operand(operand) => return evaluate_operand(operand, item),
        SetValue::Plus(left, right) => (left, right, true),
        SetValue::Minus(left, right) => (left, right, false),
    };
    match (evaluate_operand(left, item)?, evaluate_operand(right, item)?) {
        (AttributeValue::N(left), AttributeValue::N(right)) => {
            let result = if is_sum { left.checked_add(right) } else { left.checked_sub(right) };
            result.map(AttributeValue::N)
        }
        _ => Err(not_applicable(ExpressionError::OperandDataType)),
    }
}

fn evaluate_operand(operand: &Operand, item: &Item) -> Result<AttributeValue, Error> {
    match operand {
        Operand::Path(path) => {
            path.find(item).cloned().ok_or(not_applicable(ExpressionError::AttributeMissing))
        }
        Operand::Value(value) => Ok(value.clone()),
        Operand::IfNotExists(path, fallback) => match path.find(item) {
            Some(value) => Ok(value.clone()),
            None => evaluate_operand(fallback, item),
        },
        Operand::ListAppend(first, second) => {
            match (evaluate_operand(first, item)?, evaluate_operand(second, item)?) {
                (AttributeValue::L(mut list), AttributeValue::L(more)) => {
                    list.extend(more);
                    Ok(AttributeValue::L(list))
                }
                _ => Err(not_applicable(ExpressionError::OperandDataType)),
            }
        }
    }
}

fn sum_or_union(current: &AttributeValue, value: &AttributeValue) -> Result<AttributeValue, Error> {
    match (current, value) {
        (AttributeValue::N(a), AttributeValue::N(b)) => a.checked_add(*b).map(AttributeValue::N),
        (AttributeValue::Ss(a), AttributeValue::Ss(b)) => Ok(AttributeValue::Ss(union(a, b))),
        (AttributeValue::Ns(a), AttributeValue::Ns(b)) => Ok(AttributeValue::Ns(union(a, b))),
        (AttributeValue::Bs(a), AttributeValue::Bs(b)) => Ok(AttributeValue::Bs(union(a, b))),
        // Only `AttributeUpdates` gets here with a list.
        (AttributeValue::L(a), AttributeValue::L(b)) => Ok(AttributeValue::L([&a[..], &b[..]].concat())),
        _ => Err(not_applicable(ExpressionError::OperandDataType)),
    }
}

fn union<T: Ord + Clone>(a: &[T], b: &[T]) -> Vec<T> {
    let mut union: Vec<T> = a.iter().chain(b).cloned().collect();
    union.sort_unstable();
    union.dedup();
    union
}

/// The set without the elements of `value`; `None` if nothing is left.
fn difference(current: &AttributeValue, value: &AttributeValue) -> Result<Option<AttributeValue>, Error> {
    match (current, value) {
        (AttributeValue::Ss(a), AttributeValue::Ss(b)) => Ok(without(a, b).map(AttributeValue::Ss)),
        (AttributeValue::Ns(a), AttributeValue::Ns(b)) => Ok(without(a, b).map(AttributeValue::Ns)),
        (AttributeValue::Bs(a), AttributeValue::Bs(b)) => Ok(without(a, b).map(AttributeValue::Bs)),
        _ => Err(not_applicable(ExpressionError::OperandDataType)),
    }
}

fn without<T: Ord + Clone>(a: &[T], b: &[T]) -> Option<Vec<T>> {
    let left: Vec<T> = a.iter().filter(|element| b.binary_search(element).is_err()).cloned().collect();
    (!left.is_empty()).then_some(left)
}

/// The map or list that the last step of a path leads into.
fn parent<'i>(item: &'i mut Item, top: &str, steps: &[Step]) -> Option<&'i mut AttributeValue> {
    steps.iter().try_fold(item.get_mut(top)?, |value, step| match (value, step) {
        (AttributeValue::M(map), Step::Name(name)) => map.get_mut(name),
        (AttributeValue::L(list), Step::Index(index)) => list.get_mut(*index),
        _ => None,
    })
}

fn put(item: &mut Item, path: &Path, value: AttributeValue) -> Result<(), Error> {
    let Some((last, parents)) = path.steps.split_last() else {
        item.insert(path.top.clone(), value);
        return Ok(());
    };
    match (parent(item, &path.top, parents), last) {
        (Some(AttributeValue::M(map)), Step::Name(name)) => {
            map.insert(name.clone(), value);
        }
        (Some(AttributeValue::L(list)), Step::Index(index)) => match list.get_mut(*index) {
            Some(element) => *element = value,
            None => list.push(value),
        },
        _ => return Err(not_applicable(ExpressionError::PathNotUpdatable)),
    }
    Ok(())
}

fn take_out(item: &mut Item, path: &Path) -> Result<(), Error> {
    let Some((last, parents)) = path.steps.split_last() else {
        item.remove(&path.top);
        return Ok(());
    };
    match (parent(item, &path.top, parents), last) {
        (Some(AttributeValue::M(map)), Step::Name(name)) => {
            map.remove(name);
        }
        (Some(AttributeValue::L(list)), Step::Index(index)) if *index < list.len() => {
            list.remove(*index);
        }
        _ => return Err(not_applicable(ExpressionError::PathNotUpdatable)),
    }
    Ok(())
}
