//! What stands for longer text in requests and answers.

use std::collections::BTreeMap;

/// Replaces `<fill N text>`, `<list N text>` and the names that are known. Everything else in angle brackets stays.
pub(crate) fn expand(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        expanded.push_str(&rest[..start]);
        rest = &rest[start..];
        match rest.find('>').and_then(|end| Some((end, replacement(&rest[1..end], known)?))) {
            Some((end, replacement)) => {
                expanded.push_str(&replacement);
                rest = &rest[end + 1..];
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

fn replacement(inside: &str, known: &BTreeMap<String, String>) -> Option<String> {
    if let Some(value) = known.get(inside) {
        return Some(value.clone());
    }
    let mut words = inside.splitn(3, ' ');
    let (kind, count, text) = (words.next()?, words.next()?.parse::<usize>().ok()?, words.next()?);
    match kind {
        "fill" => Some(text.repeat(count)),
        "list" => {
            let each = (1..=count).map(|number| text.replace('#', &number.to_string()));
            Some(each.collect::<Vec<String>>().join(","))
        }
        _ => None,
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
            ("a < b AND c <> d", "a < b AND c <> d"),
            ("a <= <fill 1 z>", "a <= z"),
            ("<any> <any:arn> <other>", "<any> <any:arn> <other>"),
        ];
        for (text, expanded) in rows {
            assert_eq!(expand(text, &known), expanded);
        }
    }
}
