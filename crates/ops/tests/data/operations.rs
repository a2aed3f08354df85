//! Any sequence of operations against a plain map: every answer is what the map says, and so is what remains.
//!
//! The map knows rows of a few typed attributes, not attribute values: it shares nothing with the code under test.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, sample::select, test_runner::TestRunner};
use serde_json::{Value, json};

use super::tables;
use crate::support::{Server, n, s};

/// Partition and sort key of the table `ranged`.
type Key = (u8, i64);

/// What an item holds besides its key.
#[derive(Debug, Clone, Default, PartialEq)]
struct Row {
    number: Option<i64>,
    list: Option<Vec<i64>>,
    tags: BTreeSet<u8>,
    gpk: Option<u8>,
    gsk: Option<i64>,
    lsk: Option<u8>,
}

type Model = BTreeMap<Key, Row>;

#[derive(Debug, Clone)]
enum Condition {
    Exists,
    NotExists,
    AtLeast(i64),
    HasTag(u8),
}

#[derive(Debug, Clone)]
enum Change {
    /// `ADD number :d`
    Add(i64),
    /// `SET number = number - :d`
    Subtract(i64),
    /// `SET list = list_append(…)`
    Append(i64),
    /// `REMOVE list[0]`
    RemoveFirst,
    AddTag(u8),
    DeleteTag(u8),
    /// `SET gpk = …, gsk = …`
    Index(u8, i64),
    /// `REMOVE gpk, lsk`
    Unindex,
}

#[derive(Debug, Clone)]
enum Action {
    Put(Row),
    Update(Change),
    Delete,
    Check,
}

#[derive(Debug, Clone)]
struct Write {
    key: Key,
    action: Action,
    condition: Option<Condition>,
}

#[derive(Debug, Clone)]
enum Step {
    Write(Write),
    Batch(Vec<(Key, Option<Row>)>),
    Transact(Vec<Write>),
    Get(Vec<Key>),
    Query {
        index: Option<&'static str>,
        partition: u8,
        forward: bool,
        limit: Option<usize>,
        at_least: Option<i64>,
    },
    Scan {
        index: Option<&'static str>,
        limit: Option<usize>,
        at_least: Option<i64>,
    },
}

fn keys() -> impl Strategy<Value = Key> {
    (0..2u8, -2..3i64)
}

fn rows() -> impl Strategy<Value = Row> {
    let list = proptest::option::of(prop::collection::vec(0..5i64, 0..3));
    let tags = prop::collection::btree_set(0..3u8, 0..3);
    let keys = (proptest::option::of(0..2u8), proptest::option::of(-1..2i64), proptest::option::of(0..2u8));
    (proptest::option::of(-5..6i64), list, tags, keys).prop_map(|(number, list, tags, (gpk, gsk, lsk))| Row {
        number,
        list,
        tags,
        gpk,
        gsk,
        lsk,
    })
}

fn conditions() -> impl Strategy<Value = Condition> {
    prop_oneof![
        Just(Condition::Exists),
        Just(Condition::NotExists),
        (-5..6i64).prop_map(Condition::AtLeast),
        (0..3u8).prop_map(Condition::HasTag),
    ]
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        (-3..4i64).prop_map(Change::Add),
        (-3..4i64).prop_map(Change::Subtract),
        (0..5i64).prop_map(Change::Append),
        Just(Change::RemoveFirst),
        (0..3u8).prop_map(Change::AddTag),
        (0..3u8).prop_map(Change::DeleteTag),
        (0..2u8, -1..2i64).prop_map(|(gpk, gsk)| Change::Index(gpk, gsk)),
        Just(Change::Unindex),
    ]
}

fn writes(checks: bool) -> impl Strategy<Value = Write> {
    let check = if checks { Just(Action::Check).boxed() } else { Just(Action::Delete).boxed() };
    let action = prop_oneof![
        4 => rows().prop_map(Action::Put),
        4 => changes().prop_map(Action::Update),
        1 => Just(Action::Delete),
        1 => check,
    ];
    (keys(), action, proptest::option::of(conditions())).prop_map(|(key, action, condition)| {
        // A check without a condition is none.
        let condition =
            if matches!(action, Action::Check) { condition.or(Some(Condition::Exists)) } else { condition };
        Write { key, action, condition }
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let distinct = prop::collection::btree_map(keys(), proptest::option::of(rows()), 1..5);
    let transaction = prop::collection::vec(writes(true), 1..4).prop_map(|mut writes| {
        let mut seen = BTreeSet::new();
        writes.retain(|write| seen.insert(write.key));
        Step::Transact(writes)
    });
    let limit = || proptest::option::of(1..4usize);
    let at_least = || proptest::option::of(-5..6i64);
    let index = || select(&[None, Some("local-all"), Some("global-all")][..]);
    let query = (index(), 0..2u8, any::<bool>(), limit(), at_least());
    prop_oneof![
        8 => writes(false).prop_map(Step::Write),
        2 => distinct.prop_map(|writes| Step::Batch(writes.into_iter().collect())),
        3 => transaction,
        1 => prop::collection::btree_set(keys(), 1..4).prop_map(|keys| Step::Get(keys.into_iter().collect())),
        3 => query.prop_map(|(index, partition, forward, limit, at_least)| Step::Query { index, partition, forward, limit, at_least }),
        1 => (index(), limit(), at_least()).prop_map(|(index, limit, at_least)| Step::Scan { index, limit, at_least }),
    ]
}

fn key_json((pk, sk): Key) -> Value {
    json!({"pk": s(&format!("p{pk}")), "sk": n(sk)})
}

fn tag(number: u8) -> String {
    format!("t{number}")
}

/// The item on the wire.
fn item_json(key: Key, row: &Row) -> Value {
    let mut item = key_json(key);
    let tags: Vec<String> = row.tags.iter().map(|number| tag(*number)).collect();
    let attributes = [
        ("number", row.number.map(n)),
        (
            "list",
            row.list
                .as_ref()
                .map(|list| json!({"L": list.iter().map(|number| n(*number)).collect::<Vec<Value>>()})),
        ),
        ("tags", (!tags.is_empty()).then(|| json!({"SS": tags}))),
        ("gpk", row.gpk.map(|number| s(&format!("g{number}")))),
        ("gsk", row.gsk.map(n)),
        ("lsk", row.lsk.map(|number| s(&format!("l{number}")))),
    ];
    for (name, value) in attributes {
        if let Some(value) = value {
            item[name] = value;
        }
    }
    item
}

impl Condition {
    fn holds(&self, row: Option<&Row>) -> bool {
        match self {
            Condition::Exists => row.is_some(),
            Condition::NotExists => row.is_none(),
            Condition::AtLeast(bound) => {
                row.and_then(|row| row.number).is_some_and(|number| number >= *bound)
            }
            Condition::HasTag(number) => row.is_some_and(|row| row.tags.contains(number)),
        }
    }

    /// Adds the expression to a request.
    fn write(&self, request: &mut Value) {
        let (text, value) = match self {
            Condition::Exists => ("attribute_exists(pk)", None),
            Condition::NotExists => ("attribute_not_exists(sk)", None),
            Condition::AtLeast(bound) => ("#n >= :bound", Some((":bound", n(*bound)))),
            Condition::HasTag(number) => ("contains(tags, :tag)", Some((":tag", s(&tag(*number))))),
        };
        request["ConditionExpression"] = json!(text);
        if text.contains("#n") {
            request["ExpressionAttributeNames"]["#n"] = json!("number");
        }
        if let Some((token, value)) = value {
            request["ExpressionAttributeValues"][token] = value;
        }
    }
}

/// Why an action does not go through.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Refusal {
    ConditionalCheckFailed,
    ValidationError,
}

impl Change {
    /// What becomes of a row; none stays none if the change only takes away.
    fn apply(&self, row: Option<&Row>) -> Result<Option<Row>, Refusal> {
        let mut new = row.cloned().unwrap_or_default();
        match self {
            Change::Add(delta) => new.number = Some(new.number.unwrap_or(0) + delta),
            Change::Subtract(delta) => new.number = Some(new.number.ok_or(Refusal::ValidationError)? - delta),
            Change::Append(number) => new.list.get_or_insert_default().push(*number),
            Change::RemoveFirst => {
                let list = new.list.as_mut().ok_or(Refusal::ValidationError)?;
                if !list.is_empty() {
                    list.remove(0);
                }
            }
            Change::AddTag(number) => {
                new.tags.insert(*number);
            }
            Change::DeleteTag(number) => {
                new.tags.remove(number);
            }
            Change::Index(gpk, gsk) => (new.gpk, new.gsk) = (Some(*gpk), Some(*gsk)),
            Change::Unindex => (new.gpk, new.lsk) = (None, None),
        }
        let only_removes = matches!(self, Change::RemoveFirst | Change::DeleteTag(_) | Change::Unindex);
        Ok((row.is_some() || !only_removes).then_some(new))
    }

    fn write(&self, request: &mut Value) {
        let (text, values) = match self {
            Change::Add(delta) => ("ADD #n :d", json!({":d": n(*delta)})),
            Change::Subtract(delta) => ("SET #n = #n - :d", json!({":d": n(*delta)})),
            Change::Append(number) => (
                "SET #l = list_append(if_not_exists(#l, :none), :more)",
                json!({":none": {"L": []}, ":more": {"L": [n(*number)]}}),
            ),
            Change::RemoveFirst => ("REMOVE #l[0]", json!({})),
            Change::AddTag(number) => ("ADD tags :t", json!({":t": {"SS": [tag(*number)]}})),
            Change::DeleteTag(number) => ("DELETE tags :t", json!({":t": {"SS": [tag(*number)]}})),
            Change::Index(gpk, gsk) => {
                ("SET gpk = :g, gsk = :s", json!({":g": s(&format!("g{gpk}")), ":s": n(*gsk)}))
            }
            Change::Unindex => ("REMOVE gpk, lsk", json!({})),
        };
        request["UpdateExpression"] = json!(text);
        for (token, name) in [("#n", "number"), ("#l", "list")] {
            if text.contains(token) {
                request["ExpressionAttributeNames"][token] = json!(name);
            }
        }
        for (token, value) in values.as_object().expect("values") {
            request["ExpressionAttributeValues"][token] = value.clone();
        }
    }
}

impl Write {
    /// What becomes of the row.
    fn apply(&self, model: &Model) -> Result<Option<Row>, Refusal> {
        let row = model.get(&self.key);
        if self.condition.as_ref().is_some_and(|condition| !condition.holds(row)) {
            return Err(Refusal::ConditionalCheckFailed);
        }
        match &self.action {
            Action::Put(row) => Ok(Some(row.clone())),
            Action::Update(change) => change.apply(row),
            Action::Delete => Ok(None),
            Action::Check => Ok(row.cloned()),
        }
    }

    /// The operation, the member of a transaction, and the parameters.
    fn request(&self) -> (&'static str, &'static str, Value) {
        let mut request = json!({"TableName": "ranged"});
        let names = match &self.action {
            Action::Put(row) => {
                request["Item"] = item_json(self.key, row);
                ("PutItem", "Put")
            }
            Action::Update(change) => {
                change.write(&mut request);
                ("UpdateItem", "Update")
            }
            Action::Delete => ("DeleteItem", "Delete"),
            Action::Check => ("", "ConditionCheck"),
        };
        if !matches!(self.action, Action::Put(_)) {
            request["Key"] = key_json(self.key);
        }
        if let Some(condition) = &self.condition {
            condition.write(&mut request);
        }
        (names.0, names.1, request)
    }
}

fn replace(model: &mut Model, key: Key, row: Option<Row>) {
    match row {
        Some(row) => model.insert(key, row),
        None => model.remove(&key),
    };
}

async fn write(server: &Server, model: &mut Model, write: &Write) {
    let old = model.get(&write.key).map(|row| item_json(write.key, row));
    let (operation, _, mut request) = write.request();
    let is_update = operation == "UpdateItem";
    request["ReturnValues"] = json!(if is_update { "ALL_NEW" } else { "ALL_OLD" });
    request["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    let answer = server.call_raw(operation, &request.to_string()).await;
    match write.apply(model) {
        Ok(row) => {
            let new = row.as_ref().map(|row| item_json(write.key, row));
            replace(model, write.key, row);
            // An update that only takes away shows the key of an item that is not there.
            let shown = if is_update { new } else { old };
            let answer = answer.unwrap_or_else(|error| panic!("{write:?}: {error}"));
            if shown.is_some() || !is_update {
                assert_eq!(answer.get("Attributes"), shown.as_ref(), "{write:?}");
            }
        }
        Err(refusal) => {
            let error = answer.expect_err("the write is refused");
            let name = error["__type"].as_str().unwrap_or_default();
            match refusal {
                Refusal::ConditionalCheckFailed => {
                    assert!(name.ends_with("#ConditionalCheckFailedException"), "{write:?}: {error}");
                    assert_eq!(error.get("Item"), old.as_ref(), "{write:?}");
                }
                Refusal::ValidationError => {
                    assert!(name.ends_with("#ValidationException"), "{write:?}: {error}")
                }
            }
        }
    }
}

async fn transact(server: &Server, model: &mut Model, writes: &[Write]) {
    let outcomes: Vec<Result<Option<Row>, Refusal>> = writes.iter().map(|write| write.apply(model)).collect();
    let items: Vec<Value> = writes
        .iter()
        .map(|write| {
            let (_, member, request) = write.request();
            json!({member: request})
        })
        .collect();
    let answer = server.call_raw("TransactWriteItems", &json!({"TransactItems": items}).to_string()).await;
    if outcomes.iter().all(Result::is_ok) {
        assert_eq!(answer, Ok(json!({})), "{writes:?}");
        for (write, row) in writes.iter().zip(outcomes) {
            replace(model, write.key, row.expect("all go through"));
        }
        return;
    }
    let error = answer.expect_err("the transaction is cancelled");
    let reasons = error["CancellationReasons"].as_array().unwrap_or_else(|| panic!("{writes:?}: {error}"));
    let codes: Vec<&str> = reasons.iter().map(|reason| reason["Code"].as_str().expect("a code")).collect();
    let expected = outcomes.iter().map(|outcome| match outcome {
        Ok(_) => "None",
        Err(Refusal::ConditionalCheckFailed) => "ConditionalCheckFailed",
        Err(Refusal::ValidationError) => "ValidationError",
    });
    assert_eq!(codes, expected.collect::<Vec<&str>>(), "{writes:?}");
}

async fn batch(server: &Server, model: &mut Model, writes: &[(Key, Option<Row>)]) {
    let requests: Vec<Value> = writes
        .iter()
        .map(|(key, row)| match row {
            Some(row) => json!({"PutRequest": {"Item": item_json(*key, row)}}),
            None => json!({"DeleteRequest": {"Key": key_json(*key)}}),
        })
        .collect();
    let answer = server.ok("BatchWriteItem", json!({"RequestItems": {"ranged": requests}})).await;
    assert_eq!(answer["UnprocessedItems"], json!({}));
    for (key, row) in writes {
        replace(model, *key, row.clone());
    }
}

async fn get(server: &Server, model: &Model, keys: &[Key]) {
    let expected: Vec<Option<Value>> =
        keys.iter().map(|key| model.get(key).map(|row| item_json(*key, row))).collect();
    for (key, expected) in keys.iter().zip(&expected) {
        let answer = server.ok("GetItem", json!({"TableName": "ranged", "Key": key_json(*key)})).await;
        assert_eq!(answer.get("Item"), expected.as_ref());
    }
    let wanted: Vec<Value> = keys.iter().map(|key| key_json(*key)).collect();
    let answer = server.ok("BatchGetItem", json!({"RequestItems": {"ranged": {"Keys": wanted}}})).await;
    let found = answer["Responses"]["ranged"].as_array().expect("items");
    assert_eq!(sorted(found), sorted(&expected.iter().flatten().cloned().collect::<Vec<Value>>()));
    let gets: Vec<Value> =
        wanted.iter().map(|key| json!({"Get": {"TableName": "ranged", "Key": key}})).collect();
    let answer = server.ok("TransactGetItems", json!({"TransactItems": gets})).await;
    let responses = answer["Responses"].as_array().expect("responses");
    assert!(responses.iter().map(|response| response.get("Item")).eq(expected.iter().map(Option::as_ref)));
}

fn sorted(items: &[Value]) -> Vec<String> {
    let mut items: Vec<String> = items.iter().map(Value::to_string).collect();
    items.sort_unstable();
    items
}

/// Whether the table or index holds a row, and in which partition and at which place of it.
fn place(index: Option<&str>, (pk, sk): Key, row: &Row) -> Option<(u8, i64)> {
    match index {
        None => Some((pk, sk)),
        Some("local-all") => Some((pk, i64::from(row.lsk?))),
        Some(_) => Some((row.gpk?, row.gsk?)),
    }
}

/// Reads page by page and holds items, counts and order against the map.
async fn read(server: &Server, model: &Model, step: &Step) {
    let (operation, mut request) = ("Scan", json!({"TableName": "ranged"}));
    let (operation, index, partition, forward, limit, at_least) = match step {
        Step::Query { index, partition, forward, limit, at_least } => {
            let (name, prefix) = if *index == Some("global-all") { ("gpk", "g") } else { ("pk", "p") };
            request["KeyConditionExpression"] = json!(format!("{name} = :k"));
            request["ExpressionAttributeValues"] = json!({":k": s(&format!("{prefix}{partition}"))});
            request["ScanIndexForward"] = json!(forward);
            ("Query", *index, Some(*partition), *forward, *limit, *at_least)
        }
        Step::Scan { index, limit, at_least } => (operation, *index, None, true, *limit, *at_least),
        _ => unreachable!("only reads are read"),
    };
    if let Some(index) = index {
        request["IndexName"] = json!(index);
    }
    if let Some(bound) = at_least {
        request["FilterExpression"] = json!("#n >= :bound");
        request["ExpressionAttributeNames"] = json!({"#n": "number"});
        request["ExpressionAttributeValues"][":bound"] = n(bound);
    }
    if let Some(limit) = limit {
        request["Limit"] = json!(limit);
    }
    let held: Vec<(i64, Key, &Row)> = model
        .iter()
        .filter_map(|(key, row)| place(index, *key, row).map(|place| (place, *key, row)))
        .filter(|((of, _), ..)| partition.is_none_or(|partition| *of == partition))
        .map(|((_, at), key, row)| (at, key, row))
        .collect();
    let shown = |row: &Row| at_least.is_none_or(|bound| row.number.is_some_and(|number| number >= bound));
    let (mut items, mut scanned) = (Vec::new(), 0);
    loop {
        let page = server.ok(operation, request.clone()).await;
        let found = page["Items"].as_array().expect("items");
        assert_eq!(page["Count"], json!(found.len()), "{step:?}");
        let page_scanned = page["ScannedCount"].as_u64().expect("a count") as usize;
        assert!(limit.is_none_or(|limit| page_scanned <= limit), "{step:?}");
        scanned += page_scanned;
        items.extend(found.iter().cloned());
        match page.get("LastEvaluatedKey") {
            Some(key) => request["ExclusiveStartKey"] = key.clone(),
            None => break,
        }
    }
    assert_eq!(scanned, held.len(), "{step:?}");
    let mut expected: Vec<&(i64, Key, &Row)> = held.iter().filter(|(_, _, row)| shown(row)).collect();
    expected.sort_by_key(|(at, ..)| *at);
    let wanted: Vec<Value> = expected.iter().map(|(_, key, row)| item_json(*key, row)).collect();
    assert_eq!(sorted(&items), sorted(&wanted), "{step:?}");
    if partition.is_some() {
        let sort = match index {
            None => "sk",
            Some("local-all") => "lsk",
            Some(_) => "gsk",
        };
        let sorts = |items: &[Value]| items.iter().map(|item| item[sort].clone()).collect::<Vec<Value>>();
        let mut order = sorts(&wanted);
        if !forward {
            order.reverse();
        }
        assert_eq!(sorts(&items), order, "{step:?}");
    }
}

#[test]
fn any_sequence_of_operations_is_that_of_a_map() {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 800,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let result = runner.run(&prop::collection::vec(steps(), 1..60), |steps| {
        runtime.block_on(async {
            let server = Server::with(tables()).await;
            let mut model = Model::new();
            for step in &steps {
                match step {
                    Step::Write(one) => write(&server, &mut model, one).await,
                    Step::Batch(writes) => batch(&server, &mut model, writes).await,
                    Step::Transact(writes) => transact(&server, &mut model, writes).await,
                    Step::Get(keys) => get(&server, &model, keys).await,
                    Step::Query { .. } | Step::Scan { .. } => read(&server, &model, step).await,
                }
            }
            for index in [None, Some("local-all"), Some("global-all")] {
                read(&server, &model, &Step::Scan { index, limit: None, at_least: None }).await;
            }
        });
        Ok(())
    });
    result.expect("the map says the same");
}
