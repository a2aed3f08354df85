//! The time to live: its setting, and that items really expire.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::json;

use super::{plain, shifted, stream_ok, with};
use crate::support::{Server, answers, fails, invalid, n, s};

// limit: TTL_CHANGE_MS_MIN
#[tokio::test]
async fn the_setting_changes_one_way_at_a_time() {
    let (server, ahead_ms) = shifted().await;
    server.ok("CreateTable", plain("plain")).await;
    let set = |enabled: bool, attribute: &str| {
        json!({
            "TableName": "plain",
            "TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": attribute},
        })
    };
    let done = |enabled: bool, attribute: &str| {
        answers(json!({"TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": attribute}}))
    };
    let describe = || json!({"TableName": "plain"});
    let other = "TimeToLive is active on a different AttributeName: current AttributeName is ttl";
    let disabled = || answers(json!({"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}));
    let enabling = json!({"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLING", "AttributeName": "ttl"}});
    let empty = "1 validation error detected: Value null at 'timeToLiveSpecification' failed to satisfy constraint: Member must not be null";
    server
        .check(vec![
            ("DescribeTimeToLive", describe(), disabled()),
            ("UpdateTimeToLive", set(false, "ttl"), invalid("TimeToLive is already disabled")),
            ("UpdateTimeToLive", set(true, "ttl"), done(true, "ttl")),
            ("DescribeTimeToLive", describe(), answers(enabling)),
            ("UpdateTimeToLive", set(true, "ttl"), invalid("TimeToLive is already enabled")),
            ("UpdateTimeToLive", set(true, "other"), invalid(other)),
            ("UpdateTimeToLive", set(false, "other"), invalid(other)),
            ("UpdateTimeToLive", json!({"TableName": "plain"}), invalid(empty)),
            (
                "UpdateTimeToLive",
                with(set(true, "ttl"), json!({"TableName": "other"})),
                fails("ResourceNotFoundException", "Requested resource not found: Table: other not found"),
            ),
        ])
        .await;
    // The expiry index is nobody's business.
    let table = super::describe(&server, "plain").await;
    assert_eq!((&table["TableStatus"], &table["GlobalSecondaryIndexes"]), (&json!("ACTIVE"), &json!(null)));
    // Once changed it stays for half an hour, whatever else changes.
    server.ok("UpdateTable", json!({"TableName": "plain", "DeletionProtectionEnabled": true})).await;
    let soon = "Time to live has been modified multiple times within a fixed interval";
    server.check(vec![("UpdateTimeToLive", set(false, "ttl"), invalid(soon))]).await;
    ahead_ms.store(31 * 60 * 1000, Ordering::SeqCst);
    server
        .check(vec![
            ("UpdateTimeToLive", set(false, "ttl"), done(false, "ttl")),
            ("DescribeTimeToLive", describe(), disabled()),
            ("UpdateTimeToLive", set(false, "ttl"), invalid("TimeToLive is already disabled")),
            ("UpdateTimeToLive", set(true, "other"), invalid(soon)),
        ])
        .await;
    ahead_ms.store(62 * 60 * 1000, Ordering::SeqCst);
    server.check(vec![("UpdateTimeToLive", set(true, "other"), done(true, "other"))]).await;
}

#[tokio::test]
async fn expired_items_are_deleted_and_the_stream_says_by_whom() {
    let server = Server::start().await;
    let stream = json!({"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "OLD_IMAGE"}});
    server.ok("CreateTable", with(plain("plain"), stream)).await;
    let region = &server.context.region;
    let now_seconds = i64::try_from(region.env().unix_ms() / 1000).unwrap();
    let item = |key: &str, ttl: i64| json!({"TableName": "plain", "Item": {"pk": s(key), "ttl": n(ttl)}});
    server.ok("PutItem", item("before", now_seconds - 10)).await;
    server.ok("PutItem", item("kept", now_seconds + 1000)).await;
    let specification = json!({"Enabled": true, "AttributeName": "ttl"});
    server
        .ok("UpdateTimeToLive", json!({"TableName": "plain", "TimeToLiveSpecification": specification}))
        .await;
    region.start_jobs();
    server.ok("PutItem", item("after", now_seconds - 10)).await;
    let mut left = json!(null);
    for _ in 0..500 {
        left = server.ok("Scan", json!({"TableName": "plain"})).await["Items"].clone();
        if left.as_array().is_some_and(|items| items.len() == 1) {
            break;
        }
        region.env().sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(left, json!([{"pk": s("kept"), "ttl": n(now_seconds + 1000)}]));
    let status = server.ok("DescribeTimeToLive", json!({"TableName": "plain"})).await;
    assert_eq!(status["TimeToLiveDescription"]["TimeToLiveStatus"], "ENABLED");

    let arn = super::describe(&server, "plain").await["LatestStreamArn"].clone();
    let description = stream_ok(&server, "DescribeStream", json!({"StreamArn": arn})).await;
    let shard = &description["StreamDescription"]["Shards"][0]["ShardId"];
    let request = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = stream_ok(&server, "GetShardIterator", request).await["ShardIterator"].clone();
    let records = stream_ok(&server, "GetRecords", json!({"ShardIterator": iterator})).await;
    let removed: Vec<_> = records["Records"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|record| record["eventName"] == "REMOVE")
        .collect();
    assert_eq!(removed.len(), 2);
    for record in removed {
        assert_eq!(
            record["userIdentity"],
            json!({"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"})
        );
        assert_eq!(record["dynamodb"]["OldImage"]["ttl"], n(now_seconds - 10));
    }
}

/// Only top-level numbers of the last five years are times.
// limit: TTL_AGE_SECONDS_MAX
#[tokio::test]
async fn what_is_no_time_of_the_last_years_is_left_alone() {
    let server = Server::start().await;
    server.ok("CreateTable", plain("plain")).await;
    let region = &server.context.region;
    let now_seconds = i64::try_from(region.env().unix_ms() / 1000).unwrap();
    let year = 365 * 24 * 3600;
    let kept = [
        ("long ago", n(now_seconds - 5 * year - 100)),
        ("milliseconds", n(now_seconds * 1000)),
        ("string", s(&(now_seconds - 10).to_string())),
        ("list", json!({"L": [n(now_seconds - 10)]})),
        ("map", json!({"M": {"ttl": n(now_seconds - 10)}})),
        ("set", json!({"NS": [(now_seconds - 10).to_string()]})),
        ("negative", n(-10)),
        ("zero", n(0)),
    ];
    let gone = [("recent", n(now_seconds - 1)), ("old", n(now_seconds - 5 * year + 1000))];
    for (key, value) in kept.iter().chain(&gone) {
        let item = json!({"pk": s(key), "ttl": value});
        server.ok("PutItem", json!({"TableName": "plain", "Item": item})).await;
    }
    server.ok("PutItem", json!({"TableName": "plain", "Item": {"pk": s("none")}})).await;
    let specification = json!({"Enabled": true, "AttributeName": "ttl"});
    server
        .ok("UpdateTimeToLive", json!({"TableName": "plain", "TimeToLiveSpecification": specification}))
        .await;
    region.start_jobs();
    let mut left = Vec::new();
    for _ in 0..500 {
        let answer = server.ok("Scan", json!({"TableName": "plain"})).await;
        left = answer["Items"].as_array().unwrap().clone();
        if left.len() == kept.len() + 1 {
            break;
        }
        region.env().sleep(Duration::from_millis(10)).await;
    }
    let mut left: Vec<&str> = left.iter().map(|item| item["pk"]["S"].as_str().unwrap()).collect();
    left.sort_unstable();
    let mut expected: Vec<&str> = kept.iter().map(|(key, _)| *key).chain(["none"]).collect();
    expected.sort_unstable();
    assert_eq!(left, expected);
}
