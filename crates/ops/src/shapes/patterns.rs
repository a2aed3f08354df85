//! The patterns of the service model. There are few, so each is a function and no engine for them is needed.

/// Whether `text` as a whole matches a pattern of the model.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let all = |is: fn(char) -> bool| text.chars().all(is);
    let digits = |length: usize| text.len() == length && all(|c| c.is_ascii_digit());
    match pattern {
        "[a-zA-Z0-9_.-]+" => {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
        }
        "([0-9a-f]{16})+" => {
            !text.is_empty()
                && text.len().is_multiple_of(16)
                && all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
        }
        "[,;:|\\t ]" => matches!(text, "," | ";" | ":" | "|" | "\t" | " "),
        "[0-9]{12}" => digits(12),
        "[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*" => {
            all(|c| (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}')) || matches!(c, '\r' | '\n' | '\t'))
        }
        "[\\x20-\\x21\\x23-\\x2B\\x2D-\\x7E]*" => {
            all(|c| (' '..='~').contains(&c) && !matches!(c, '"' | ','))
        }
        "\\p{Print}+" => !text.is_empty() && all(|c| (' '..='~').contains(&c)),
        "^[^\\$]+$" => !text.is_empty() && !text.contains('$'),
        "^[a-z0-9A-Z]+[\\.\\-\\w]*[a-z0-9A-Z]+$" => {
            text.len() >= 2
                && text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.ends_with(|c: char| c.is_ascii_alphanumeric())
                && all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        }
        // A test keeps the list above complete.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;
    use crate::shapes::model::PATTERNS;

    #[test]
    fn every_pattern_of_the_model_is_known() {
        for pattern in PATTERNS {
            // A control character matches none of them but one, in which `$` does not.
            assert!(!matches(pattern, "\u{1}") || !matches(pattern, "$"), "{pattern}");
        }
    }
}
