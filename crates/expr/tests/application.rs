//! Updates against a plain application on the JSON of the wire, which shares nothing with the crate.
//!
//! The plain way: every right side is computed from the old item; what is set replaces what is there, or waits at the
//! end of its list; what is removed is marked; at the end the marked go and the waiting are appended.

use std::collections::BTreeMap;

use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::support::{item, update};

/// Stands where an element or member was removed.
const GONE: &str = "GONE";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Name(&'static str),
    Index(usize),
}

type Path = (&'static str, Vec<Step>);

#[derive(Debug, Clone)]
enum Operand {
    Path(Path),
    Value(Value),
    IfNotExists(Path, Box<Operand>),
}

#[derive(Debug, Clone)]
enum Action {
    Set(Operand),
    Plus(Operand, Operand),
    Minus(Operand, Operand),
    Append(Operand, Operand),
    Remove,
    Add(Value),
    Delete(Value),
}

fn text_of((top, steps): &Path) -> String {
    steps.iter().fold((*top).to_owned(), |text, step| match step {
        Step::Name(name) => format!("{text}.{name}"),
        Step::Index(index) => format!("{text}[{index}]"),
    })
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => (-3..9i64).prop_map(|number| json!({"N": number.to_string()})),
        1 => select(&["x", "y"][..]).prop_map(|text| json!({"S": text})),
        1 => sets(),
    ];
    leaf.prop_recursive(2, 10, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| json!({"L": list})),
            prop::collection::btree_map(select(&["k", "j"][..]), inner, 0..3)
                .prop_map(|map| json!({"M": map})),
        ]
    })
}

fn sets() -> impl Strategy<Value = Value> {
    let of = |elements: &'static [&'static str]| proptest::sample::subsequence(elements, 1..=elements.len());
    prop_oneof![
        of(&["a", "b", "c"]).prop_map(|set| json!({"SS": set})),
        of(&["1", "2"]).prop_map(|set| json!({"NS": set}))
    ]
}

fn paths() -> impl Strategy<Value = Path> {
    let step = prop_oneof![
        1 => select(&["k", "j"][..]).prop_map(Step::Name),
        2 => (0..6usize).prop_map(Step::Index),
    ];
    (select(&["a", "b", "c", "d"][..]), prop::collection::vec(step, 0..3))
}

fn operands() -> impl Strategy<Value = Operand> {
    let plain = || prop_oneof![paths().prop_map(Operand::Path), values().prop_map(Operand::Value)];
    prop_oneof![
        3 => plain(),
        1 => (paths(), plain()).prop_map(|(path, other)| Operand::IfNotExists(path, Box::new(other))),
    ]
}

fn actions() -> impl Strategy<Value = Action> {
    let number = || {
        prop_oneof![
            operands(),
            (-3..9i64).prop_map(|number| Operand::Value(json!({"N": number.to_string()}))),
        ]
    };
    let list = || {
        prop_oneof![
            operands(),
            prop::collection::vec(values(), 0..3).prop_map(|list| Operand::Value(json!({"L": list}))),
        ]
    };
    prop_oneof![
        4 => operands().prop_map(Action::Set),
        1 => (number(), number()).prop_map(|(left, right)| Action::Plus(left, right)),
        1 => (number(), number()).prop_map(|(left, right)| Action::Minus(left, right)),
        1 => (list(), list()).prop_map(|(first, second)| Action::Append(first, second)),
        4 => Just(Action::Remove),
        1 => prop_oneof![sets(), (-3..9i64).prop_map(|number| json!({"N": number.to_string()}))].prop_map(Action::Add),
        1 => sets().prop_map(Action::Delete),
    ]
}

/// The text of an update, by sections, and its placeholders.
#[derive(Default)]
struct Writer {
    sections: BTreeMap<&'static str, Vec<String>>,
    values: Map<String, Value>,
}

impl Writer {
    fn value(&mut self, value: &Value) -> String {
        let token = format!(":v{}", self.values.len());
        self.values.insert(token.clone(), value.clone());
        token
    }

    fn operand(&mut self, operand: &Operand) -> String {
        match operand {
            Operand::Path(path) => text_of(path),
            Operand::Value(value) => self.value(value),
            Operand::IfNotExists(path, other) => {
                format!("if_not_exists({}, {})", text_of(path), self.operand(other))
            }
        }
    }

    fn action(&mut self, path: &Path, action: &Action) {
        let path = text_of(path);
        let (section, text) = match action {
            Action::Set(operand) => ("SET", format!("{path} = {}", self.operand(operand))),
            Action::Plus(left, right) => {
                ("SET", format!("{path} = {} + {}", self.operand(left), self.operand(right)))
            }
            Action::Minus(left, right) => {
                ("SET", format!("{path} = {} - {}", self.operand(left), self.operand(right)))
            }
            Action::Append(first, second) => {
                ("SET", format!("{path} = list_append({}, {})", self.operand(first), self.operand(second)))
            }
            Action::Remove => ("REMOVE", path),
            Action::Add(value) => ("ADD", format!("{path} {}", self.value(value))),
            Action::Delete(value) => ("DELETE", format!("{path} {}", self.value(value))),
        };
        self.sections.entry(section).or_default().push(text);
    }

    fn text(&self) -> String {
        let sections: Vec<String> = self
            .sections
            .iter()
            .map(|(section, actions)| format!("{section} {}", actions.join(", ")))
            .collect();
        sections.join(" ")
    }
}

fn find<'v>(item: &'v Value, (top, steps): &Path) -> Option<&'v Value> {
    steps.iter().try_fold(item.get(top)?, |value, step| match step {
        Step::Name(name) => value.get("M")?.get(name),
        Step::Index(index) => value.get("L")?.get(index),
    })
}

fn number(value: &Value) -> Option<i64> {
    value.get("N")?.as_str()?.parse().ok()
}

fn evaluate(operand: &Operand, old: &Value) -> Option<Value> {
    match operand {
        Operand::Path(path) => find(old, path).cloned(),
        Operand::Value(value) => Some(value.clone()),
        Operand::IfNotExists(path, other) => find(old, path).cloned().or_else(|| evaluate(other, old)),
    }
}

fn computed(left: &Operand, right: &Operand, old: &Value, compute: fn(i64, i64) -> i64) -> Option<Value> {
    let (left, right) = (number(&evaluate(left, old)?)?, number(&evaluate(right, old)?)?);
    Some(json!({"N": compute(left, right).to_string()}))
}

/// The elements of two sets of one type, and the type.
fn elements(one: &Value, other: &Value) -> Option<(&'static str, Vec<Value>, Vec<Value>)> {
    ["SS", "NS"].into_iter().find_map(|kind| {
        let set = |value: &Value| value.get(kind)?.as_array().cloned();
        Some((kind, set(one)?, set(other)?))
    })
}

/// What an action puts at its path; `Value::Null` for nothing, none if it does not fit.
fn outcome(action: &Action, current: Option<&Value>, old: &Value) -> Option<Value> {
    match action {
        Action::Set(operand) => evaluate(operand, old),
        Action::Plus(left, right) => computed(left, right, old, |left, right| left + right),
        Action::Minus(left, right) => computed(left, right, old, |left, right| left - right),
        Action::Append(first, second) => {
            let list = |operand| evaluate(operand, old)?.get("L")?.as_array().cloned();
            let (first, second) = (list(first)?, list(second)?);
            let list = [first, second].concat();
            Some(json!({"L": list}))
        }
        Action::Remove => Some(Value::Null),
        Action::Add(value) => match current {
            None => Some(value.clone()),
            Some(current) => match (number(current), number(value)) {
                (Some(current), Some(value)) => Some(json!({"N": (current + value).to_string()})),
                _ => {
                    let (kind, mut union, more) = elements(current, value)?;
                    union.extend(
                        more.into_iter().filter(|element| !union.contains(element)).collect::<Vec<_>>(),
                    );
                    Some(json!({kind: union}))
                }
            },
        },
        Action::Delete(value) => match current {
            None => Some(Value::Null),
            Some(current) => {
                let (kind, mut rest, less) = elements(current, value)?;
                rest.retain(|element| !less.contains(element));
                Some(if rest.is_empty() { Value::Null } else { json!({kind: rest}) })
            }
        },
    }
}

fn apply(actions: &BTreeMap<Path, Action>, old: &Value) -> Option<Value> {
    let mut new = old.clone();
    for ((top, steps), action) in actions {
        let path = (*top, steps.clone());
        let current = find(old, &path);
        let outcome = outcome(action, current, old)?;
        let Some((last, parents)) = steps.split_last() else {
            new[*top] = if outcome.is_null() { json!(GONE) } else { outcome };
            continue;
        };
        let parent_path = (*top, parents.to_vec());
        let old_parent = find(old, &parent_path)?;
        let pointer = parents.iter().fold(format!("/{top}"), |pointer, step| match step {
            Step::Name(name) => format!("{pointer}/M/{name}"),
            Step::Index(index) => format!("{pointer}/L/{index}"),
        });
        let parent = new.pointer_mut(&pointer).expect("targets do not overlap");
        let outcome = if outcome.is_null() { json!(GONE) } else { outcome };
        match last {
            Step::Name(name) => {
                old_parent.get("M")?;
                parent["M"][*name] = outcome;
            }
            Step::Index(index) => {
                let length = old_parent.get("L")?.as_array()?.len();
                if *index < length {
                    parent["L"][*index] = outcome;
                } else if outcome != GONE {
                    // Paths come in their order, so those that wait do too.
                    parent["L"].as_array_mut()?.push(outcome);
                }
            }
        }
    }
    sweep(&mut new);
    Some(new)
}

fn sweep(value: &mut Value) {
    match value {
        Value::Array(elements) => {
            elements.retain(|element| element != GONE);
            elements.iter_mut().for_each(sweep);
        }
        Value::Object(members) => {
            members.retain(|_, member| member != GONE);
            members.values_mut().for_each(sweep);
        }
        _ => {}
    }
}

/// The reasons for which a well-formed update of ours may be refused before it sees an item.
const REFUSALS: &[&str] = &["Two document paths", "Incorrect operand type"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 8000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn updates_do_what_a_plain_application_does(
        actions in prop::collection::btree_map(paths(), actions(), 1..5),
        old in prop::collection::btree_map(select(&["a", "b", "c", "d"][..]), values(), 0..=4),
    ) {
        let old = json!(old);
        let mut writer = Writer::default();
        actions.iter().for_each(|(path, action)| writer.action(path, action));
        let text = writer.text();
        match update(&text, &writer.values.into()) {
            Ok(parsed) => {
                let new = parsed.apply(&item(old.clone())).ok();
                prop_assert_eq!(new, apply(&actions, &old).map(item), "{} on {}", text, old);
            }
            Err(error) => {
                let message = error.to_string();
                prop_assert!(REFUSALS.iter().any(|words| message.contains(words)), "{}: {}", text, message);
            }
        }
    }
}
