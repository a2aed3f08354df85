//! Updates: what is taken can be applied, and changes nothing but what it names.

use graticule_expr::Update;
use graticule_model::{codec::item_to_json, codec::stored_item_from_json};

use crate::fixture::{items, placeholders};

/// An update leaves other attributes alone, gives an item that can be stored, and shows parts of what it names.
pub fn check(text: &str) {
    let Ok(update) = Update::parse(text, &mut placeholders()) else { return };
    let named: Vec<&str> = update.top_level_names().collect();
    for old in items() {
        let old_shown = update.updated_attributes(&old);
        assert!(old_shown.keys().all(|name| named.contains(&&name[..]) && old.contains_key(name)), "{text}");
        let Ok(new) = update.apply(&old) else { continue };
        let names = old.keys().chain(new.keys());
        for name in names.filter(|name| !named.contains(&&name[..])) {
            assert_eq!(old.get(name), new.get(name), "{text} changes {name}");
        }
        let written = item_to_json(&new);
        let read = stored_item_from_json(std::str::from_utf8(&written).expect("JSON is text"));
        assert_eq!(read.as_ref(), Ok(&new), "{text}");
        let shown = update.new_attributes(&new);
        assert!(shown.keys().all(|name| named.contains(&&name[..]) && new.contains_key(name)), "{text}");
        if update.only_removes() {
            assert!(new.keys().all(|name| old.contains_key(name)), "{text}");
        }
    }
}
