//! Properties that hold whatever is written: Query is Scan and a filter, a paged read is the unpaged one, and an index
//! holds exactly what the projection of the items says.

use std::collections::BTreeMap;

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Map, Value, json};

use super::tables;
use crate::support::{Server, n, s};

/// What is done to one item: its key, and the attributes it is put with, or that it is deleted, or an attribute that is
/// removed from it.
#[derive(Debug, Clone)]
enum Step {
    Put { pk: u8, sk: i64, lsk: Option<u8>, gpk: Option<u8>, gsk: Option<i64>, extra: Option<i64> },
    Delete { pk: u8, sk: i64 },
    Remove { pk: u8, sk: i64, name: &'static str },
}

fn step() -> impl Strategy<Value = Step> {
    let key = || (0..3u8, -3..4i64);
    let small = || proptest::option::of(0..3u8);
    let put = (key(), small(), small(), proptest::option::of(-2..3i64), proptest::option::of(0..9i64));
    prop_oneof![
        6 => put.prop_map(|((pk, sk), lsk, gpk, gsk, extra)| Step::Put { pk, sk, lsk, gpk, gsk, extra }),
        1 => key().prop_map(|(pk, sk)| Step::Delete { pk, sk }),
        1 => (key(), prop_oneof![Just("lsk"), Just("gpk"), Just("gsk"), Just("extra")])
            .prop_map(|((pk, sk), name)| Step::Remove { pk, sk, name }),
    ]
}

fn text(prefix: &str, number: u8) -> Value {
    // Zero bytes and non-ASCII characters, whose order must be that of UTF-8 bytes.
    s(&match number {
        0 => format!("{prefix}\u{0}"),
        1 => prefix.to_owned(),
        _ => format!("{prefix}\u{e9}"),
    })
}

type Model = BTreeMap<String, Value>;

async fn apply(server: &Server, model: &mut Model, step: &Step) {
    let key = |pk: u8, sk: i64| json!({"pk": text("p", pk), "sk": n(sk)});
    match step {
        Step::Put { pk, sk, lsk, gpk, gsk, extra } => {
            let mut item = key(*pk, *sk);
            let attributes = [
                ("lsk", lsk.map(|number| text("l", number))),
                ("gpk", gpk.map(|number| text("g", number))),
                ("gsk", gsk.map(n)),
                ("extra", extra.map(n)),
                ("rest", Some(n(1))),
            ];
            for (name, value) in attributes {
                if let Some(value) = value {
                    item[name] = value;
                }
            }
            server.ok("PutItem", json!({"TableName": "ranged", "Item": item})).await;
            model.insert(key(*pk, *sk).to_string(), item);
        }
        Step::Delete { pk, sk } => {
            server.ok("DeleteItem", json!({"TableName": "ranged", "Key": key(*pk, *sk)})).await;
            model.remove(&key(*pk, *sk).to_string());
        }
        Step::Remove { pk, sk, name } => {
            let request = json!({"TableName": "ranged", "Key": key(*pk, *sk), "UpdateExpression": format!("REMOVE {name}")});
            server.ok("UpdateItem", request).await;
            if let Some(item) = model.get_mut(&key(*pk, *sk).to_string()) {
                item.as_object_mut().expect("an item").remove(*name);
            }
        }
    }
}

/// An index of the table `ranged`: name, partition key, sort key, attributes that it holds besides keys (`None`: all).
struct Index {
    name: Option<&'static str>,
    partition: &'static str,
    sort: Option<&'static str>,
    holds: Option<&'static [&'static str]>,
}

const INDEXES: [Index; 6] = [
    Index { name: None, partition: "pk", sort: Some("sk"), holds: None },
    Index { name: Some("local-keys"), partition: "pk", sort: Some("lsk"), holds: Some(&[]) },
    Index { name: Some("local-all"), partition: "pk", sort: Some("lsk"), holds: None },
    Index { name: Some("global-keys"), partition: "gpk", sort: Some("gsk"), holds: Some(&[]) },
    Index { name: Some("global-include"), partition: "gpk", sort: None, holds: Some(&["extra"]) },
    Index { name: Some("global-all"), partition: "gpk", sort: Some("gsk"), holds: None },
];

impl Index {
    /// What it should hold, by the items.
    fn contents(&self, model: &Model) -> Vec<Value> {
        let keys = ["pk", "sk", self.partition, self.sort.unwrap_or("pk")];
        let indexed = model.values().filter(|item| keys.iter().all(|key| item.get(key).is_some()));
        let project = |item: &Value| -> Value {
            let Some(more) = self.holds else { return item.clone() };
            let attributes = item.as_object().expect("an item").iter();
            let held = attributes.filter(|(name, _)| keys.contains(&&name[..]) || more.contains(&&name[..]));
            held.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<String, Value>>().into()
        };
        indexed.map(project).collect()
    }

    fn request(&self, more: Value) -> Value {
        let mut request = json!({"TableName": "ranged"});
        if let Some(name) = self.name {
            request["IndexName"] = json!(name);
        }
        for (name, value) in more.as_object().expect("parameters") {
            request[name] = value.clone();
        }
        request
    }

    /// The order of items within a partition: the sort key, then what the index is not sorted by is free.
    fn sort_value(&self, item: &Value) -> (i64, Vec<u8>) {
        let value = self.sort.map_or(Value::Null, |sort| item[sort].clone());
        let number = value["N"].as_str().map_or(0, |number| number.parse().expect("a number"));
        (number, value["S"].as_str().unwrap_or_default().as_bytes().to_vec())
    }
}

/// All items of a read, page by page.
async fn read_all(server: &Server, operation: &str, request: &Value, limit: Option<usize>) -> Vec<Value> {
    let mut request = request.clone();
    let mut items = Vec::new();
    if let Some(limit) = limit {
        request["Limit"] = json!(limit);
    }
    loop {
        let answer = server.ok(operation, request.clone()).await;
        let page = answer["Items"].as_array().expect("items");
        assert!(limit.is_none_or(|limit| page.len() <= limit));
        items.extend(page.iter().cloned());
        match answer.get("LastEvaluatedKey") {
            Some(key) => request["ExclusiveStartKey"] = key.clone(),
            None => return items,
        }
    }
}

fn sorted(mut items: Vec<Value>) -> Vec<String> {
    items.sort_by_key(Value::to_string);
    items.iter().map(Value::to_string).collect()
}

async fn check_index(server: &Server, index: &Index, model: &Model, limit: usize, segments: u32) {
    let expected = index.contents(model);
    let scanned = read_all(server, "Scan", &index.request(json!({})), None).await;
    assert_eq!(sorted(scanned.clone()), sorted(expected.clone()), "{:?}", index.name);
    assert_eq!(read_all(server, "Scan", &index.request(json!({})), Some(limit)).await, scanned);
    let mut parts = Vec::new();
    for segment in 0..segments {
        let request = index.request(json!({"Segment": segment, "TotalSegments": segments}));
        parts.extend(read_all(server, "Scan", &request, Some(limit)).await);
    }
    assert_eq!(parts, scanned, "segments lie in the order of the whole");
    for number in 0..3 {
        let value = text(&index.partition[..1], number);
        let of_partition: Vec<Value> =
            expected.iter().filter(|item| item[index.partition] == value).cloned().collect();
        let query = |forward: bool| {
            index.request(json!({
                "KeyConditionExpression": format!("{} = :k", index.partition),
                "ExpressionAttributeValues": {":k": value}, "ScanIndexForward": forward,
            }))
        };
        let forward = read_all(server, "Query", &query(true), None).await;
        assert_eq!(sorted(forward.clone()), sorted(of_partition), "Query is Scan and a filter");
        assert!(forward.is_sorted_by_key(|item| index.sort_value(item)), "{forward:?}");
        let mut backward = read_all(server, "Query", &query(false), None).await;
        assert_eq!(read_all(server, "Query", &query(true), Some(limit)).await, forward);
        assert_eq!(read_all(server, "Query", &query(false), Some(limit)).await, backward);
        backward.reverse();
        assert_eq!(backward, forward);
    }
}

#[test]
fn indexes_and_pages() {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let steps = proptest::collection::vec(step(), 0..60);
    let result = runner.run(&(steps, 1..5usize, 1..6u32), |(steps, limit, segments)| {
        runtime.block_on(async {
            let server = Server::with(tables()).await;
            let mut model = Model::new();
            for step in &steps {
                apply(&server, &mut model, step).await;
            }
            for index in &INDEXES {
                check_index(&server, index, &model, limit, segments).await;
            }
        });
        Ok(())
    });
    result.expect("the property holds");
}

#[test]
fn sort_conditions_are_filters() {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let inputs = (proptest::collection::btree_set(-50..50i64, 0..30), -60..60i64, 0..40i64, any::<bool>());
    let result = runner.run(&inputs, |(numbers, low, width, forward)| {
        let high = low + width;
        runtime.block_on(async {
            let server = Server::with(tables()).await;
            for number in &numbers {
                server.ok("PutItem", json!({"TableName": "ranged", "Item": {"pk": s("a"), "sk": n(*number)}})).await;
            }
            type Meets = fn(i64, i64, i64) -> bool;
            let conditions: [(&str, Meets); 6] = [
                ("sk = :low", |number, low, _| number == low),
                ("sk < :low", |number, low, _| number < low),
                ("sk <= :low", |number, low, _| number <= low),
                ("sk > :low", |number, low, _| number > low),
                ("sk >= :low", |number, low, _| number >= low),
                ("sk BETWEEN :low AND :high", |number, low, high| (low..=high).contains(&number)),
            ];
            for (condition, meets) in conditions {
                let mut values = json!({":pk": s("a"), ":low": n(low)});
                if condition.contains(":high") {
                    values[":high"] = n(high);
                }
                let request = json!({
                    "TableName": "ranged", "KeyConditionExpression": format!("pk = :pk AND {condition}"),
                    "ExpressionAttributeValues": values, "ScanIndexForward": forward, "ProjectionExpression": "sk",
                });
                let mut expected: Vec<Value> =
                    numbers.iter().filter(|number| meets(**number, low, high)).map(|number| json!({"sk": n(*number)})).collect();
                if !forward {
                    expected.reverse();
                }
                assert_eq!(read_all(&server, "Query", &request, None).await, expected, "{condition}");
                assert_eq!(read_all(&server, "Query", &request, Some(2)).await, expected, "{condition}");
            }
        });
        Ok(())
    });
    result.expect("the property holds");
}
