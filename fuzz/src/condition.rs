//! Conditions: what is taken can be evaluated, and means what logic says.

use graticule_expr::{Condition, ExpressionKind};

use crate::fixture::{items, placeholders};

/// The negation of a condition holds where it does not, and twice a condition is the condition.
pub fn check(text: &str) {
    let Some(condition) = parse(text) else { return };
    assert!(condition.top_level_names().count() <= text.len());
    let negated = parse(&format!("NOT ({text})"));
    let twice = parse(&format!("({text}) AND ({text})"));
    let either = parse(&format!("attribute_exists(zz) OR ({text})"));
    for item in items() {
        let holds = condition.matches(&item);
        // They may be too long, have too many operators, or redundant parentheses.
        for (other, expected) in [(&negated, !holds), (&twice, holds), (&either, holds)] {
            if let Some(other) = other {
                assert_eq!(other.matches(&item), expected, "{text}");
            }
        }
    }
}

fn parse(text: &str) -> Option<Condition> {
    let parsed = Condition::parse(ExpressionKind::Filter, text, &mut placeholders());
    if let Err(error) = &parsed {
        let message = error.to_string();
        assert!(message.starts_with("Invalid FilterExpression: "), "{message}");
        assert!(message.len() < 1000 + 2 * text.len(), "messages are bounded");
    }
    parsed.ok()
}
