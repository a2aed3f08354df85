//! COMPAT.md says of every operation what the program does with it.

use std::collections::BTreeMap;

use graticule_ops::{DYNAMODB_OPERATIONS, STREAMS_OPERATIONS};

const COMPAT: &str = include_str!("../../../COMPAT.md");

/// The operations of one section and whether they are said to be there.
fn table(section: &str) -> BTreeMap<&'static str, bool> {
    let start = COMPAT.find(&format!("## {section}\n")).expect("the section exists");
    let rows = COMPAT[start..].lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            (cells[1], cells[2] == "yes")
        })
        .collect()
}

fn present(table: &BTreeMap<&'static str, bool>) -> Vec<&'static str> {
    table.iter().filter(|(_, yes)| **yes).map(|(name, _)| *name).collect()
}

#[test]
fn compat_md_lists_exactly_the_operations_that_are_there() {
    let dynamodb = table("DynamoDB");
    assert_eq!(dynamodb.len(), 62, "the service has 62 operations");
    assert_eq!(present(&dynamodb), DYNAMODB_OPERATIONS);
    assert_eq!(present(&table("DynamoDB Streams")), STREAMS_OPERATIONS);
}
