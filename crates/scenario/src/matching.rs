//! Whether an answer is the expected one.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Compares status and body with the expected text; notes what `<any:name>` stood for.
pub(crate) fn matches(
    expected: &str,
    status: u16,
    body: &Value,
    known: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    let (wanted_status, rest) = match expected.split_once(char::is_whitespace) {
        Some((status, rest)) => (status, rest.trim()),
        None => (expected, ""),
    };
    if wanted_status != status.to_string() {
        return Err(format!("status {status}"));
    }
    if status == 200 {
        return if rest.is_empty() { Ok(()) } else { same("", &json(rest)?, body, known) };
    }
    let (head, members) = match rest.split_once('\n') {
        Some((head, members)) => (head, json(members)?),
        None => (rest, Value::Object(Map::new())),
    };
    let (name, message, other) = error_parts(body);
    text("the error", head, &error_head(&name, &message), known)?;
    same("", &members, &Value::Object(other), known)
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("the expected answer is not JSON: {error}"))
}

/// Status and body as a scenario file has them.
pub(crate) fn shown(status: u16, body: &Value) -> String {
    if status == 200 {
        return format!("{status} {body}");
    }
    let (name, message, other) = error_parts(body);
    let head = format!("{status} {}", error_head(&name, &message));
    if other.is_empty() { head } else { format!("{head}\n{}", Value::Object(other)) }
}

fn error_head(name: &str, message: &str) -> String {
    if message.is_empty() { name.to_owned() } else { format!("{name}: {message}") }
}

/// The name of an error, its message, and what else its body holds.
fn error_parts(body: &Value) -> (String, String, Map<String, Value>) {
    let mut other = body.as_object().cloned().unwrap_or_default();
    let mut take = |member: &str| match other.remove(member) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let kind = take("__type");
    let message = take("message") + &take("Message");
    (kind.rsplit('#').next().unwrap_or_default().to_owned(), message, other)
}

fn same(
    path: &str,
    expected: &Value,
    actual: &Value,
    known: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    match (expected, actual) {
        (Value::String(wanted), Value::String(got)) => text(path, wanted, got, known),
        (Value::String(wanted), _) if wanted == "<any>" => Ok(()),
        (Value::Number(wanted), Value::Number(got)) if wanted.as_f64() == got.as_f64() => Ok(()),
        (Value::Array(wanted), Value::Array(got)) if wanted.len() == got.len() => {
            let mut pairs = wanted.iter().zip(got).enumerate();
            pairs.try_for_each(|(at, (wanted, got))| same(&format!("{path}[{at}]"), wanted, got, known))
        }
        (Value::Object(wanted), Value::Object(got)) => {
            if let Some(extra) = got.keys().find(|name| !wanted.contains_key(*name)) {
                return Err(format!("{path}.{extra} was not expected"));
            }
            wanted.iter().try_for_each(|(name, wanted)| match got.get(name) {
                Some(got) => same(&format!("{path}.{name}"), wanted, got, known),
                None => Err(format!("{path}.{name} is missing")),
            })
        }
        _ if expected == actual => Ok(()),
        _ => Err(format!("{path} differs")),
    }
}

/// Compares texts of which the expected one may have gaps.
fn text(
    path: &str,
    expected: &str,
    actual: &str,
    known: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    let mut pattern = expected;
    let mut rest = actual;
    // The gap before what comes next, with its name.
    let mut gap: Option<String> = None;
    loop {
        let (literal, name, after) = next_gap(pattern);
        let found = match (&gap, name.is_none()) {
            (None, _) => rest.starts_with(literal).then_some(0),
            // The last part must end the text.
            (Some(_), true) => rest.ends_with(literal).then(|| rest.len() - literal.len()),
            (Some(_), false) => rest.find(literal),
        };
        let Some(found) = found else { return Err(format!("{path} differs")) };
        if let Some(name) = gap.filter(|name| !name.is_empty()) {
            known.insert(name, rest[..found].to_owned());
        }
        rest = &rest[found + literal.len()..];
        match name {
            Some(name) => gap = Some(name),
            None if rest.is_empty() => return Ok(()),
            None => return Err(format!("{path} differs")),
        }
        pattern = after;
    }
}

/// The text before the first gap, the gap's name (empty if it has none), and what follows.
fn next_gap(pattern: &str) -> (&str, Option<String>, &str) {
    for (start, _) in pattern.match_indices("<any") {
        let inside = &pattern[start + "<any".len()..];
        let Some((name, after)) = inside.split_once('>') else { continue };
        if name.is_empty() || name.starts_with(':') {
            return (&pattern[..start], Some(name.trim_start_matches(':').to_owned()), after);
        }
    }
    (pattern, None, "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_compared_member_by_member() {
        let body = json!({"A": 1, "B": ["x", "arn:table/t/stream/2026"]});
        let rows = [
            ("200", true),
            (r#"200 {"A": 1.0, "B": ["x", "arn:table/<any:t>/stream/<any>"]}"#, true),
            (r#"200 {"A": "<any>", "B": "<any>"}"#, true),
            (r#"200 {"A": 1}"#, false),
            (r#"200 {"A": 2, "B": "<any>"}"#, false),
            (r#"200 {"A": 1, "B": "<any>", "C": 1}"#, false),
            (r#"200 {"A": 1, "B": ["arn:table/t/stream/2026", "x"]}"#, false),
            (r#"200 {"A": 1, "B": ["x", "arn:table/<any>/stream/2027"]}"#, false),
            ("400 Name: text", false),
        ];
        let mut known = BTreeMap::new();
        for (expected, fits) in rows {
            assert_eq!(matches(expected, 200, &body, &mut known).is_ok(), fits, "{expected}");
        }
        assert_eq!(known["t"], "t");
    }

    #[test]
    fn errors_are_compared_with_their_other_members() {
        let body = json!({"__type": "a.b#Refused", "message": "no: 7", "Item": {"a": 1}});
        let rows = [
            ("400 Refused: no: 7\n{\"Item\": {\"a\": 1}}", true),
            ("400 Refused: no: <any>\n{\"Item\": \"<any>\"}", true),
            ("400 Refused: no: 7", false),
            ("400 Refused: no\n{\"Item\": \"<any>\"}", false),
            ("400 Other: no: 7\n{\"Item\": \"<any>\"}", false),
        ];
        for (expected, fits) in rows {
            assert_eq!(matches(expected, 400, &body, &mut BTreeMap::new()).is_ok(), fits, "{expected}");
        }
    }
}
