//! What stands for longer text in requests and answers.

use std::collections::BTreeMap;

/// Replaces `<fill N text>`, `<list N text>` (which may lie inside each other) and the names that are known. Everything
/// else in angle brackets stays.
pub(crate) fn expand(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        expanded.push_str(&rest[..start]);
        rest = &rest[start..];
        match replacement(&rest[1..], known) {
            Some((replacement, after)) => {
                expanded.push_str(&replacement);
                rest = after;
            }
            None => {
                expanded.push('<');
                rest = &rest[1..];
            }
        }
    }
    expanded.push_str(rest);
    expanded
}

/// What `text`, which follows a `<`, stands for, and what comes after its `>`.
fn replacement<'t>(text: &'t str, known: &BTreeMap<String, String>) -> Option<(String, &'t str)> {
    if !text.starts_with("fill ") && !text.starts_with("list ") {
        let (name, after) = text.split_once('>')?;
        return Some((known.get(name)?.clone(), after));
    }
    let mut words = text.splitn(3, ' ');
    let (kind, count, mut rest) = (words.next()?, words.next()?.parse::<usize>().ok()?, words.next()?);
    let mut body = String::new();
    loop {
        let at = rest.find(['<', '>'])?;
        body.push_str(&rest[..at]);
        let (end, after) = (rest[at..].starts_with('>'), &rest[at + 1..]);
        if end {
            let each = (1..=count).map(|number| body.replace('#', &number.to_string()));
            let replaced = match kind {
                "fill" => body.repeat(count),
                _ => each.collect::<Vec<String>>().join(","),
            };
            return Some((replaced, after));
        }
        match replacement(after, known) {
            Some((inner, after)) => {
                body.push_str(&inner);
                rest = after;
            }
            None => {
                body.push('<');
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_replaced() {
        let known = BTreeMap::from([("arn".to_owned(), "x:y".to_owned())]);
        let rows = [
            ("<fill 3 ab>", "ababab"),
            (r#"[<list 2 {"S":"k#"}>]"#, r#"[{"S":"k1"},{"S":"k2"}]"#),
            ("a <arn> b", "a x:y b"),
            ("[<list 2 {#<fill 2 x>}>]", "[{1xx},{2xx}]"),
            ("a < b AND c <> d", "a < b AND c <> d"),
            ("a <= <fill 1 z>", "a <= z"),
            ("<any> <any:arn> <other>", "<any> <any:arn> <other>"),
        ];
        for (text, expanded) in rows {
            assert_eq!(expand(text, &known), expanded);
        }
    }
}
