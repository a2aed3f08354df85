//! The report on a request that breaks constraints: all of them, each with its place and what stands there.
//!
//! Only reached when the quick pass has found something, so it may take its time.

use std::fmt;

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    rules::{self, Rule, broken_by_length, broken_by_text, broken_by_value},
    table::{Kind, Shape, Structure},
};

/// The service reports no more than this many.
const REPORTED_MAX: usize = 10;

/// What a request breaks, worded.
pub(super) fn broken(shape: &'static Shape, request: &Value) -> Vec<String> {
    let mut report = Report { lines: Vec::new() };
    if let Kind::Structure(structure) = shape.kind {
        report.members(structure, request, "");
    }
    report.lines.truncate(REPORTED_MAX);
    report.lines
}

struct Report {
    lines: Vec<String>,
}

impl Report {
    fn broken(&mut self, shown: impl fmt::Display, path: &str, rule: impl fmt::Display) {
        self.lines.push(format!("Value '{shown}' at '{path}' failed to satisfy constraint: {rule}"));
    }

    fn members(&mut self, structure: Structure, value: &Value, prefix: &str) {
        for member in structure.members {
            let path = format!("{prefix}{}", lower_camel(member.name));
            match value.get(member.name) {
                None | Some(Value::Null) if member.required => self.lines.push(format!(
                    "Value null at '{path}' failed to satisfy constraint: Member must not be null"
                )),
                None | Some(Value::Null) => {}
                Some(value) => self.value(member.shape, value, &path),
            }
        }
    }

    fn value(&mut self, shape: &'static Shape, value: &Value, path: &str) {
        self.own(shape, value, path);
        match (&shape.kind, value) {
            (Kind::Structure(structure), _) => self.members(*structure, value, &format!("{path}.")),
            (Kind::List(element), Value::Array(elements)) => {
                for (index, value) in elements.iter().enumerate() {
                    self.element(element, value, &format!("{path}.{}.member", index + 1));
                }
            }
            (Kind::Map(key, element), Value::Object(entries)) => {
                if entries.keys().any(|text| broken_by_text(key, text).next().is_some()) {
                    self.broken(shown(shape, value), path, in_map("keys", key));
                }
                if entries.values().any(|entry| breaks_own(element, entry)) {
                    self.broken(shown(shape, value), path, in_map("value", element));
                }
                for (key, value) in entries {
                    self.inside(element, value, &format!("{path}.{key}.member"));
                }
            }
            _ => {}
        }
    }

    fn element(&mut self, shape: &'static Shape, value: &Value, path: &str) {
        if !value.is_null() {
            self.value(shape, value, path);
        }
    }

    /// What lies inside the value of a map, whose own constraints were reported for the map.
    fn inside(&mut self, shape: &'static Shape, value: &Value, path: &str) {
        match (&shape.kind, value) {
            (Kind::Structure(structure), Value::Object(_)) => {
                self.members(*structure, value, &format!("{path}."));
            }
            (Kind::List(element), Value::Array(elements)) => {
                for (index, value) in elements.iter().enumerate() {
                    self.element(element, value, &format!("{path}.{}.member", index + 1));
                }
            }
            _ => {}
        }
    }

    /// The constraints on the value itself, not on what lies in it.
    fn own(&mut self, shape: &'static Shape, value: &Value, path: &str) {
        for rule in own_rules(shape, value) {
            self.broken(shown(shape, value), path, rule);
        }
    }
}

fn own_rules(shape: &'static Shape, value: &Value) -> Vec<Rule> {
    match (&shape.kind, value) {
        (Kind::Text | Kind::TableReference, Value::String(text)) => broken_by_text(shape, text).collect(),
        (Kind::List(_), Value::Array(elements)) => {
            broken_by_length(shape, elements.len()).into_iter().collect()
        }
        (Kind::Map(..), Value::Object(entries)) => {
            broken_by_length(shape, entries.len()).into_iter().collect()
        }
        (_, Value::Number(number)) => {
            number.as_f64().and_then(|value| broken_by_value(shape, value)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn breaks_own(shape: &'static Shape, value: &Value) -> bool {
    !own_rules(shape, value).is_empty()
}

fn in_map(part: &str, shape: &'static Shape) -> String {
    let rules: Vec<String> = rules::all(shape).iter().map(Rule::to_string).collect();
    format!("Map {part} must satisfy constraint: [{}]", rules.join(", "))
}

/// A member's name as the service has it in paths.
fn lower_camel(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}

/// A value as the service shows it: as Java would, except that attribute values are told apart by their content.
fn shown(shape: &'static Shape, value: &Value) -> String {
    match (&shape.kind, value) {
        (_, Value::Null) => "null".to_owned(),
        (Kind::Structure(structure), Value::Object(_)) => {
            let member = |member: &super::table::Member| {
                let value = value.get(member.name).unwrap_or(&Value::Null);
                format!("{}={}", lower_camel(member.name), shown(member.shape, value))
            };
            let members: Vec<String> = structure.members.iter().map(member).collect();
            format!("{}({})", structure.name, members.join(", "))
        }
        (Kind::List(element), Value::Array(elements)) => {
            let elements: Vec<String> = elements.iter().map(|value| shown(element, value)).collect();
            format!("[{}]", elements.join(", "))
        }
        (Kind::Map(_, element), Value::Object(entries)) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key}={}", shown(element, value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        (Kind::AttributeValue, value) => {
            // Eight digits of a hash, as the service has there; they say no more than whether two values are equal.
            let hash = xxh3_64(value.to_string().as_bytes()) >> 32;
            format!("com.amazonaws.dynamodb.v20120810.AttributeValue@{hash:08x}")
        }
        (_, Value::String(text)) => text.clone(),
        (_, value) => value.to_string(),
    }
}
