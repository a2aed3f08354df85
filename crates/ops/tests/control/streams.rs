//! Streams from end to end.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::{describe, plain, shifted, stream_call, stream_ok, with};
use crate::support::{Answer, Server, n, s};

fn refused(code: &str, message: &str) -> Answer {
    Err((code.to_owned(), message.to_owned()))
}

async fn create(server: &Server, name: &str, view: &str) -> String {
    let stream = json!({"StreamSpecification": {"StreamEnabled": true, "StreamViewType": view}});
    server.ok("CreateTable", with(plain(name), stream)).await;
    describe(server, name).await["LatestStreamArn"].as_str().unwrap().to_owned()
}

async fn shard(server: &Server, arn: &str) -> Value {
    let description = stream_ok(server, "DescribeStream", json!({"StreamArn": arn})).await;
    description["StreamDescription"]["Shards"][0].clone()
}

async fn iterator(server: &Server, arn: &str, members: Value) -> Answer {
    let shard = shard(server, arn).await["ShardId"].clone();
    let request = with(json!({"StreamArn": arn, "ShardId": shard}), members);
    stream_call(server, "GetShardIterator", request).await
}

/// The records from an iterator on, and the next iterator.
async fn records(server: &Server, arn: &str, start: Value) -> (Vec<Value>, Value) {
    let iterator = iterator(server, arn, start).await.unwrap()["ShardIterator"].clone();
    let page = stream_ok(server, "GetRecords", json!({"ShardIterator": iterator})).await;
    (page["Records"].as_array().unwrap().clone(), page["NextShardIterator"].clone())
}

fn from_start() -> Value {
    json!({"ShardIteratorType": "TRIM_HORIZON"})
}

/// Three versions of one item.
async fn write(server: &Server, name: &str) {
    let item = |value: i64| json!({"TableName": name, "Item": {"pk": s("a"), "v": n(value)}});
    server.ok("PutItem", item(1)).await;
    server.ok("PutItem", item(2)).await;
    server.ok("PutItem", item(2)).await;
    server.ok("DeleteItem", json!({"TableName": name, "Key": {"pk": s("a")}})).await;
}

#[tokio::test]
async fn records_tell_what_happened() {
    let server = Server::start().await;
    let arn = create(&server, "plain", "NEW_AND_OLD_IMAGES").await;
    write(&server, "plain").await;
    let (mut found, next) = records(&server, &arn, from_start()).await;
    assert!(next.is_string());
    let mut ids = Vec::new();
    let mut numbers = Vec::new();
    for record in &mut found {
        ids.push(record["eventID"].as_str().unwrap().to_owned());
        numbers.push(record["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned());
        assert!(record["dynamodb"]["ApproximateCreationDateTime"].as_u64().unwrap() > 1_700_000_000);
        record.as_object_mut().unwrap().remove("eventID");
        let body = record["dynamodb"].as_object_mut().unwrap();
        body.remove("SequenceNumber");
        body.remove("ApproximateCreationDateTime");
    }
    let record = |name: &str, new: Option<i64>, old: Option<i64>, size: u64| {
        let mut body = json!({
            "Keys": {"pk": s("a")},
            "SizeBytes": size,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        for (member, value) in [("NewImage", new), ("OldImage", old)] {
            if let Some(value) = value {
                body[member] = json!({"pk": s("a"), "v": n(value)});
            }
        }
        json!({
            "eventName": name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": body,
        })
    };
    // Writing what is there already leaves no record.
    let expected = [
        record("INSERT", Some(1), None, 9),
        record("MODIFY", Some(2), Some(1), 15),
        record("REMOVE", None, Some(2), 9),
    ];
    assert_eq!(found, expected);
    assert!(numbers.is_sorted() && numbers.iter().all(|number| number.len() == 21));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let (again, _) = records(&server, &arn, from_start()).await;
    assert!(again.iter().all(|record| ids.contains(&record["eventID"].as_str().unwrap().to_owned())));

    for (kind, count) in [("AT_SEQUENCE_NUMBER", 2), ("AFTER_SEQUENCE_NUMBER", 1)] {
        let start = json!({"ShardIteratorType": kind, "SequenceNumber": numbers[1]});
        assert_eq!(records(&server, &arn, start).await.0.len(), count, "{kind}");
    }
    assert_eq!(records(&server, &arn, json!({"ShardIteratorType": "LATEST"})).await.0.len(), 0);
    let old = json!({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1.5});
    assert_eq!(records(&server, &arn, old).await.0.len(), 3);
}

#[tokio::test]
async fn views_show_what_they_say() {
    let server = Server::start().await;
    for (view, new, old) in [
        ("KEYS_ONLY", false, false),
        ("NEW_IMAGE", true, false),
        ("OLD_IMAGE", false, true),
        ("NEW_AND_OLD_IMAGES", true, true),
    ] {
        let arn = create(&server, view, view).await;
        write(&server, view).await;
        let (found, _) = records(&server, &arn, from_start()).await;
        let modified = &found[1]["dynamodb"];
        assert_eq!((modified["NewImage"].is_object(), modified["OldImage"].is_object()), (new, old));
        assert_eq!(modified["StreamViewType"], view);
        assert_eq!(modified["Keys"], json!({"pk": s("a")}));
    }
}

#[tokio::test]
async fn a_stream_is_read_in_pages_to_its_end() {
    let server = Server::start().await;
    let arn = create(&server, "plain", "KEYS_ONLY").await;
    for number in 0..7 {
        let item = json!({"pk": s(&format!("key{number}"))});
        server.ok("PutItem", json!({"TableName": "plain", "Item": item})).await;
    }
    let off = json!({"TableName": "plain", "StreamSpecification": {"StreamEnabled": false}});
    server.ok("UpdateTable", off).await;
    server.ok("PutItem", json!({"TableName": "plain", "Item": {"pk": s("unseen")}})).await;

    let description = stream_ok(&server, "DescribeStream", json!({"StreamArn": arn})).await;
    let description = &description["StreamDescription"];
    assert_eq!(description["StreamStatus"], "DISABLED");
    let first = records(&server, &arn, from_start()).await.0;
    let range = &description["Shards"][0]["SequenceNumberRange"];
    assert_eq!(range["StartingSequenceNumber"], first[0]["dynamodb"]["SequenceNumber"]);
    assert_eq!(range["EndingSequenceNumber"], first[6]["dynamodb"]["SequenceNumber"]);

    let mut next = iterator(&server, &arn, from_start()).await.unwrap()["ShardIterator"].clone();
    let mut counts = Vec::new();
    while next.is_string() {
        let request = json!({"ShardIterator": next, "Limit": 3});
        let page = stream_ok(&server, "GetRecords", request).await;
        counts.push(page["Records"].as_array().unwrap().len());
        next = page["NextShardIterator"].clone();
    }
    assert_eq!(counts, [3, 3, 1]);
}

#[tokio::test]
async fn streams_are_listed_and_described() {
    let server = Server::start().await;
    let mut arns = Vec::new();
    for name in ["alpha", "bravo", "charlie"] {
        arns.push(create(&server, name, "KEYS_ONLY").await);
    }
    server.ok("CreateTable", plain("without")).await;
    let off = json!({"TableName": "alpha", "StreamSpecification": {"StreamEnabled": false}});
    let on = json!({
        "TableName": "alpha",
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
    });
    server.ok("UpdateTable", off).await;
    server.ok("UpdateTable", on).await;
    arns.insert(1, describe(&server, "alpha").await["LatestStreamArn"].as_str().unwrap().to_owned());

    let mut listed = Vec::new();
    let mut request = json!({"Limit": 3});
    loop {
        let page = stream_ok(&server, "ListStreams", request).await;
        listed.extend(page["Streams"].as_array().unwrap().clone());
        let last = page["LastEvaluatedStreamArn"].clone();
        if last.is_null() {
            break;
        }
        request = json!({"Limit": 3, "ExclusiveStartStreamArn": last});
    }
    let found: Vec<&str> = listed.iter().map(|stream| stream["StreamArn"].as_str().unwrap()).collect();
    assert_eq!(found, arns);
    let of_bravo = stream_ok(&server, "ListStreams", json!({"TableName": "bravo"})).await;
    let label = arns[2].rsplit('/').next().unwrap();
    let bravo = json!({"StreamArn": arns[2], "StreamLabel": label, "TableName": "bravo"});
    assert_eq!(of_bravo, json!({"Streams": [bravo]}));
    let without = stream_ok(&server, "ListStreams", json!({"TableName": "without"})).await;
    assert_eq!(without, json!({"Streams": []}));

    let mut description = stream_ok(&server, "DescribeStream", json!({"StreamArn": arns[2]})).await;
    let shown = &mut description["StreamDescription"];
    assert!(shown["CreationRequestDateTime"].as_f64().unwrap() > 1.7e9);
    shown["CreationRequestDateTime"] = json!("time");
    let shard = shown["Shards"][0]["ShardId"].as_str().unwrap().to_owned();
    assert!((28..=65).contains(&shard.len()) && shard.starts_with("shardId-"));
    let expected = json!({
        "StreamArn": arns[2],
        "StreamLabel": label,
        "StreamStatus": "ENABLED",
        "StreamViewType": "KEYS_ONLY",
        "CreationRequestDateTime": "time",
        "TableName": "bravo",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "Shards": [{
            "ShardId": shard,
            "SequenceNumberRange": {"StartingSequenceNumber": "100000000000000000000"},
        }],
    });
    assert_eq!(*shown, expected);
    for members in [
        json!({"ExclusiveStartShardId": shard}),
        json!({"ShardFilter": {"Type": "CHILD_SHARDS", "ShardId": shard}}),
    ] {
        let request = with(json!({"StreamArn": arns[2]}), members);
        let description = stream_ok(&server, "DescribeStream", request).await;
        assert_eq!(description["StreamDescription"]["Shards"], json!([]));
    }
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let server = Server::start().await;
    let arn = create(&server, "plain", "KEYS_ONLY").await;
    write(&server, "plain").await;
    let missing = arn.replace("plain", "other");
    let elsewhere = arn.replace("eu-west-1", "us-east-1");
    for arn in [missing, elsewhere, format!("{arn}x")] {
        let answer = stream_call(&server, "DescribeStream", json!({"StreamArn": arn})).await;
        let message = format!("Requested resource not found: Stream: {arn} not found");
        assert_eq!(answer, refused("ResourceNotFoundException", &message));
    }
    let answer = stream_call(&server, "ListStreams", json!({"TableName": "other"})).await;
    let message = "Requested resource not found: Table: other not found";
    assert_eq!(answer, refused("ResourceNotFoundException", message));
    let other_shard =
        json!({"ShardId": "shardId-00000000000000000000-00000000", "ShardIteratorType": "LATEST"});
    let rows = [
        (other_shard, "ResourceNotFoundException", "Requested resource not found: Shard does not exist"),
        (
            json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER"}),
            "ValidationException",
            "SequenceNumber must be specified when ShardIteratorType is AT_SEQUENCE_NUMBER",
        ),
        (
            json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "100000000000000000009"}),
            "ValidationException",
            "Invalid SequenceNumber for ShardIteratorType AT_SEQUENCE_NUMBER: 100000000000000000009",
        ),
        (
            json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "1"}),
            "ValidationException",
            "1 validation error detected: Value '1' at 'sequenceNumber' failed to satisfy constraint: Member must have length greater than or equal to 21",
        ),
        (
            json!({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1e11}),
            "ValidationException",
            "Timestamp must not be in the future",
        ),
        (
            json!({"ShardIteratorType": "FIRST"}),
            "ValidationException",
            "1 validation error detected: Value 'FIRST' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: [TRIM_HORIZON, LATEST, AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER, AT_TIMESTAMP]",
        ),
    ];
    for (members, code, message) in rows {
        assert_eq!(iterator(&server, &arn, members).await, refused(code, message));
    }
    for token in ["x", "a|1|b", &format!("{arn}|1|{}", "f".repeat(48))] {
        let answer = stream_call(&server, "GetRecords", json!({"ShardIterator": token})).await;
        assert_eq!(answer, refused("ValidationException", "Invalid ShardIterator."), "{token}");
    }
}

// limit: STREAM_RETENTION_MS, SHARD_ITERATOR_AGE_MS_MAX
#[tokio::test]
async fn iterators_and_records_have_their_time() {
    let (server, ahead_ms) = shifted().await;
    let arn = create(&server, "plain", "KEYS_ONLY").await;
    write(&server, "plain").await;
    let first = iterator(&server, &arn, from_start()).await.unwrap()["ShardIterator"].clone();
    let read = || stream_call(&server, "GetRecords", json!({"ShardIterator": first}));
    assert!(read().await.is_ok());
    ahead_ms.store(16 * 60 * 1000, Ordering::SeqCst);
    let expired = "The provided iterator exceeds the maximum age allowed.";
    assert_eq!(read().await, refused("ExpiredIteratorException", expired));

    let day_ms = 24 * 60 * 60 * 1000;
    ahead_ms.store(day_ms - 60_000, Ordering::SeqCst);
    let first = iterator(&server, &arn, from_start()).await.unwrap()["ShardIterator"].clone();
    server.ok("PutItem", json!({"TableName": "plain", "Item": {"pk": s("late")}})).await;
    ahead_ms.store(day_ms + 60_000, Ordering::SeqCst);
    server.context.region.start_jobs();
    let read = || stream_call(&server, "GetRecords", json!({"ShardIterator": first}));
    let mut answer = read().await;
    for _ in 0..1500 {
        if answer.is_err() {
            break;
        }
        server.context.region.env().sleep(std::time::Duration::from_millis(10)).await;
        answer = read().await;
    }
    let trimmed = "The data you are trying to access has been trimmed";
    assert_eq!(answer, refused("TrimmedDataAccessException", trimmed));
    let (left, _) = records(&server, &arn, from_start()).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["dynamodb"]["Keys"], json!({"pk": s("late")}));
}
