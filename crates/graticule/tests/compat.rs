//! COMPAT.md says of every operation and every parameter what the program does with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use graticule_ops::{DYNAMODB_OPERATIONS, STREAMS_OPERATIONS, Service, input_members};

const COMPAT: &str = include_str!("../../../COMPAT.md");

/// The rows of the first table of a section, cell by cell.
fn rows(section: &str) -> Vec<Vec<&'static str>> {
    let start = COMPAT.find(&format!("## {section}\n")).expect("the section exists");
    let rows = COMPAT[start..].lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// The operations of one section and whether they are said to be there.
fn operations(section: &str) -> BTreeMap<&'static str, bool> {
    rows(section).into_iter().map(|cells| (cells[0], cells[1] == "yes")).collect()
}

fn present(table: &BTreeMap<&'static str, bool>) -> Vec<&'static str> {
    table.iter().filter(|(_, yes)| **yes).map(|(name, _)| *name).collect()
}

#[test]
fn compat_md_lists_exactly_the_operations_that_are_there() {
    let dynamodb = operations("DynamoDB");
    assert_eq!(dynamodb.len(), 62, "the service has 62 operations");
    assert_eq!(present(&dynamodb), DYNAMODB_OPERATIONS);
    assert_eq!(present(&operations("DynamoDB Streams")), STREAMS_OPERATIONS);
}

/// Operation and parameter of every row on parameters, and whether it says that the parameter is refused.
fn remarks() -> BTreeMap<(&'static str, &'static str), bool> {
    let mut remarks = BTreeMap::new();
    for cells in rows("Parameters") {
        for operation in cells[0].split(", ") {
            remarks.insert((operation, cells[1].trim_matches('`')), cells[2] == "refused");
        }
    }
    remarks
}

/// The parameters of the operations that are there.
fn parameters() -> BTreeSet<(&'static str, &'static str)> {
    let dynamodb = DYNAMODB_OPERATIONS.iter().map(|name| (Service::DynamoDb, *name));
    let streams = STREAMS_OPERATIONS.iter().map(|name| (Service::Streams, *name));
    dynamodb
        .chain(streams)
        .flat_map(|(service, name)| {
            input_members(service, name).into_iter().map(move |member| (name, member))
        })
        .collect()
}

#[test]
fn compat_md_speaks_only_of_parameters_that_there_are() {
    let parameters = parameters();
    assert!(parameters.len() > 100);
    for remark in remarks().keys() {
        assert!(parameters.contains(remark), "{remark:?} is no parameter of an operation that is there");
    }
}

/// The scenarios are played against the program, so what they use is there and what they refuse is refused.
#[test]
fn every_parameter_is_used_by_a_scenario() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/tests/scenarios");
    let mut used = BTreeSet::new();
    for (_, operation, body) in graticule_scenario::requests(&folder) {
        let members = body.as_object().into_iter().flat_map(|body| body.keys().cloned());
        used.extend(members.map(|member| (operation.clone(), member)));
    }
    let unused: Vec<_> = parameters()
        .into_iter()
        .filter(|(operation, member)| !used.contains(&((*operation).to_owned(), (*member).to_owned())))
        .collect();
    assert!(unused.is_empty(), "no scenario uses {unused:?}");
}
