//! Projections: what is taken gives parts of items, each in its place.

use graticule_expr::Projection;
use graticule_model::AttributeValue;

use crate::fixture::{items, placeholders};

/// What is shown of an item is there.
pub fn check(text: &str) {
    let Ok(projection) = Projection::parse(text, &mut placeholders()) else { return };
    let named: Vec<&str> = projection.top_level_names().collect();
    for item in items() {
        for (name, part) in projection.apply(&item) {
            assert!(named.contains(&&name[..]), "{text}");
            assert!(item.get(&name).is_some_and(|whole| is_part(&part, whole)), "{text}");
        }
    }
}

/// Whether `part` is `whole` with members of maps and elements of lists left out.
fn is_part(part: &AttributeValue, whole: &AttributeValue) -> bool {
    match (part, whole) {
        (AttributeValue::M(part), AttributeValue::M(whole)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| is_part(part, whole)))
        }
        (AttributeValue::L(part), AttributeValue::L(whole)) => {
            let mut rest = whole.iter();
            part.iter().all(|part| rest.any(|whole| is_part(part, whole)))
        }
        (part, whole) => part == whole,
    }
}
