//! Shards that follow each other, and streams whose table is gone, as clients see them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use super::{describe, plain, shifted, stream_call, stream_ok, with};
use crate::support::{Answer, Server, s};

const HOUR_MS: u64 = 60 * 60 * 1000;

struct Stream {
    server: Server,
    ahead_ms: Arc<AtomicU64>,
    arn: String,
}

impl Stream {
    async fn open() -> Stream {
        let (server, ahead_ms) = shifted().await;
        server.context.region.start_jobs();
        let arn = create(&server).await;
        Stream { server, ahead_ms, arn }
    }

    async fn put(&self, key: &str) {
        self.server.ok("PutItem", json!({"TableName": "plain", "Item": {"pk": s(key)}})).await;
    }

    fn later(&self, by_ms: u64) {
        self.ahead_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    async fn description(&self, members: Value) -> Value {
        let request = with(json!({"StreamArn": self.arn}), members);
        stream_ok(&self.server, "DescribeStream", request).await["StreamDescription"].take()
    }

    async fn shards(&self) -> Vec<Value> {
        self.description(json!({})).await["Shards"].as_array().unwrap().clone()
    }

    /// Waits until the stream's shards fit.
    async fn until(&self, fits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        for _ in 0..800 {
            let shards = self.shards().await;
            if fits(&shards) {
                return shards;
            }
            self.server.context.region.env().sleep(Duration::from_millis(10)).await;
        }
        panic!("the shards never got there: {:?}", self.shards().await);
    }

    async fn iterator(&self, shard: &Value, members: Value) -> Answer {
        let request = with(json!({"StreamArn": self.arn, "ShardId": shard["ShardId"]}), members);
        let answer = stream_call(&self.server, "GetShardIterator", request).await;
        answer.map(|mut answer| answer["ShardIterator"].take())
    }

    async fn page(&self, iterator: &Value) -> Answer {
        stream_call(&self.server, "GetRecords", json!({"ShardIterator": iterator})).await
    }

    /// The keys of the records from an iterator on, and whether the shard has ended.
    async fn keys(&self, shard: &Value, members: Value) -> (Vec<String>, bool) {
        let iterator = self.iterator(shard, members).await.unwrap();
        let page = self.page(&iterator).await.unwrap();
        let records = page["Records"].as_array().unwrap();
        let key = |record: &Value| record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap().to_owned();
        (records.iter().map(key).collect(), page.get("NextShardIterator").is_none())
    }
}

async fn create(server: &Server) -> String {
    let stream = json!({"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}});
    server.ok("CreateTable", with(plain("plain"), stream)).await;
    describe(server, "plain").await["LatestStreamArn"].as_str().unwrap().to_owned()
}

fn refused(code: &str, message: &str) -> Answer {
    Err((code.to_owned(), message.to_owned()))
}

fn horizon() -> Value {
    json!({"ShardIteratorType": "TRIM_HORIZON"})
}

fn ends(shard: &Value) -> (u128, Option<u128>) {
    let range = &shard["SequenceNumberRange"];
    let number = |member: &str| range[member].as_str().map(|number| number.parse().unwrap());
    (number("StartingSequenceNumber").unwrap(), number("EndingSequenceNumber"))
}

// limit: STREAM_SHARD_MS
#[tokio::test]
async fn a_shard_is_followed_by_another_after_four_hours() {
    let stream = Stream::open().await;
    // An empty shard goes on for as long as it is empty.
    stream.later(5 * HOUR_MS);
    stream.server.context.region.env().sleep(Duration::from_millis(700)).await;
    assert_eq!(stream.shards().await.len(), 1);
    stream.put("a").await;
    let first = stream.until(|shards| shards.len() == 2).await.remove(0);
    for key in ["b", "c", "d"] {
        stream.put(key).await;
    }
    stream.later(4 * HOUR_MS);
    stream.put("after").await;
    let shards = stream.until(|shards| shards.len() == 3).await;
    stream.put("e").await;

    assert_eq!(shards[0], first);
    let ids: Vec<&str> = shards.iter().map(|shard| shard["ShardId"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b) && ids.iter().all(|id| id.len() == 37), "{ids:?}");
    assert_eq!(shards[0].get("ParentShardId"), None);
    assert_eq!((&shards[1]["ParentShardId"], &shards[2]["ParentShardId"]), (&json!(ids[0]), &json!(ids[1])));
    let (ranges, last) = (shards[..2].iter().map(ends).collect::<Vec<_>>(), ends(&shards[2]));
    assert_eq!(ranges[0].0, ranges[0].1.unwrap());
    assert_eq!(ranges[1].0, ranges[0].1.unwrap() + 1);
    assert_eq!(last, (ranges[1].1.unwrap() + 1, None));

    // Each record is in one shard; a closed shard has an end.
    assert_eq!(stream.keys(&shards[0], horizon()).await, (vec!["a".to_owned()], true));
    let (middle, ended) = stream.keys(&shards[1], horizon()).await;
    assert!(middle.starts_with(&["b".to_owned(), "c".to_owned(), "d".to_owned()]) && ended, "{middle:?}");
    let (newest, ended) = stream.keys(&shards[2], horizon()).await;
    assert!(newest.ends_with(&["e".to_owned()]) && !ended, "{newest:?}");
    assert_eq!(middle.len() + newest.len(), 5);
    let latest = json!({"ShardIteratorType": "LATEST"});
    assert_eq!(stream.keys(&shards[1], latest.clone()).await, (vec![], true));
    assert_eq!(stream.keys(&shards[2], latest).await, (vec![], false));

    // A checkpoint at the last record of a shard leads to its end; other shards' numbers lead nowhere.
    let at =
        |kind: &str, number: u128| json!({"ShardIteratorType": kind, "SequenceNumber": number.to_string()});
    let end = ranges[0].1.unwrap();
    assert_eq!(stream.keys(&shards[0], at("AFTER_SEQUENCE_NUMBER", end)).await, (vec![], true));
    assert_eq!(stream.keys(&shards[1], at("AT_SEQUENCE_NUMBER", end + 1)).await.0, middle);
    for (shard, number) in [(0, end + 1), (1, end)] {
        let message = format!("Invalid SequenceNumber for ShardIteratorType AT_SEQUENCE_NUMBER: {number}");
        let answer = stream.iterator(&shards[shard], at("AT_SEQUENCE_NUMBER", number)).await;
        assert_eq!(answer, refused("ValidationException", &message));
    }

    // Pages and children.
    let page = stream.description(json!({"Limit": 2})).await;
    assert_eq!((&page["Shards"], &page["LastEvaluatedShardId"]), (&json!(shards[..2]), &json!(ids[1])));
    let page = stream.description(json!({"Limit": 2, "ExclusiveStartShardId": ids[1]})).await;
    assert_eq!((&page["Shards"], page.get("LastEvaluatedShardId")), (&json!(shards[2..]), None));
    let children = |id: &str| json!({"ShardFilter": {"Type": "CHILD_SHARDS", "ShardId": id}});
    for (parent, child) in [(0, 1..2), (1, 2..3), (2, 3..3)] {
        assert_eq!(stream.description(children(ids[parent])).await["Shards"], json!(shards[child]));
    }
    let unknown = with(json!({"StreamArn": stream.arn}), children("shardId-00000000000000000001-00000000"));
    let answer = stream_call(&stream.server, "DescribeStream", unknown).await;
    let missing = "Requested resource not found: Shard does not exist";
    assert_eq!(answer, refused("ResourceNotFoundException", missing));
}

#[tokio::test]
async fn old_shards_go_and_leave_their_ids_to_their_children() {
    let stream = Stream::open().await;
    stream.put("a").await;
    stream.later(4 * HOUR_MS);
    stream.until(|shards| shards.len() == 2).await;
    stream.put("b").await;
    stream.later(4 * HOUR_MS);
    let shards = stream.until(|shards| shards.len() == 3).await;
    stream.later(20 * HOUR_MS - 60_000);
    let iterator = stream.iterator(&shards[0], horizon()).await;
    stream.later(120_000);
    let left = stream.until(|shards| shards.len() == 2).await;
    assert_eq!(left, shards[1..]);
    assert_eq!(left[0]["ParentShardId"], shards[0]["ShardId"], "the parent can be read no more");
    let missing = "Requested resource not found: Shard does not exist";
    let answer = stream.iterator(&shards[0], horizon()).await;
    assert_eq!(answer, refused("ResourceNotFoundException", missing));
    let trimmed = graticule_model::Error::TrimmedDataAccess.to_string();
    let answer = stream.page(&iterator.unwrap()).await;
    assert_eq!(answer, refused("TrimmedDataAccessException", &trimmed));
    stream.later(6 * HOUR_MS);
    let left = stream.until(|shards| shards.len() == 1).await;
    assert_eq!(left, shards[2..]);
}

/// A page has at most a megabyte of records, but at least one record.
// limit: STREAM_PAGE_BYTES_MAX
#[tokio::test]
async fn a_page_has_a_megabyte() {
    let server = Server::start().await;
    for (view, counts) in [("NEW_IMAGE", vec![3, 3, 1]), ("NEW_AND_OLD_IMAGES", vec![2, 1, 1, 1, 1, 1])] {
        let stream = json!({"StreamSpecification": {"StreamEnabled": true, "StreamViewType": view}});
        server.ok("CreateTable", with(plain(view), stream)).await;
        for number in 0..7 {
            let big = "x".repeat(300_000 + number);
            let item = json!({"pk": s("a"), "v": s(&big)});
            server.ok("PutItem", json!({"TableName": view, "Item": item})).await;
        }
        let arn = describe(&server, view).await["LatestStreamArn"].clone();
        let description = stream_ok(&server, "DescribeStream", json!({"StreamArn": arn})).await;
        let shard = description["StreamDescription"]["Shards"][0]["ShardId"].clone();
        let start = with(json!({"StreamArn": arn, "ShardId": shard}), horizon());
        let mut next = stream_ok(&server, "GetShardIterator", start).await["ShardIterator"].clone();
        let mut pages = Vec::new();
        loop {
            let page = stream_ok(&server, "GetRecords", json!({"ShardIterator": next})).await;
            next = page["NextShardIterator"].clone();
            match page["Records"].as_array().unwrap().len() {
                0 => break,
                count => pages.push(count),
            }
        }
        assert_eq!(pages, counts, "{view}");
    }
}

#[tokio::test]
async fn streams_of_deleted_tables_can_be_read_for_a_day() {
    let mut stream = Stream::open().await;
    let off = json!({"TableName": "plain", "StreamSpecification": {"StreamEnabled": false}});
    let on = json!({
        "TableName": "plain",
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
    });
    stream.put("disabled").await;
    stream.server.ok("UpdateTable", off).await;
    stream.put("unseen").await;
    stream.server.ok("UpdateTable", on).await;
    let disabled = stream.arn;
    stream.arn = describe(&stream.server, "plain").await["LatestStreamArn"].as_str().unwrap().to_owned();
    stream.put("last").await;
    let open = stream.shards().await.remove(0);
    let iterator = stream.iterator(&open, horizon()).await.unwrap();
    stream.server.ok("DeleteTable", json!({"TableName": "plain"})).await;

    // An iterator from before goes on, to the end that there is now.
    let page = stream.page(&iterator).await.unwrap();
    assert_eq!((page["Records"].as_array().unwrap().len(), page.get("NextShardIterator")), (1, None));
    let description = stream.description(json!({})).await;
    assert_eq!(
        (&description["StreamStatus"], &description["TableName"]),
        (&json!("DISABLED"), &json!("plain"))
    );
    let (first, last) = ends(&description["Shards"][0]);
    assert_eq!(last, Some(first));
    assert_eq!(stream.keys(&open, horizon()).await, (vec!["last".to_owned()], true));

    // A new table of the name has streams of its own; all are listed.
    let fresh = create(&stream.server).await;
    stream.put("other").await;
    let wanted = [disabled.clone(), stream.arn.clone(), fresh.clone()];
    for request in [json!({"TableName": "plain"}), json!({})] {
        let listed = stream_ok(&stream.server, "ListStreams", request).await;
        let streams = listed["Streams"].as_array().unwrap();
        let arns: Vec<&str> = streams.iter().map(|stream| stream["StreamArn"].as_str().unwrap()).collect();
        assert_eq!(arns, wanted);
    }
    assert_eq!(stream.keys(&open, horizon()).await.0, ["last"]);
    let dropped = std::mem::replace(&mut stream.arn, disabled.clone());
    let shard = stream.shards().await.remove(0);
    assert_eq!(stream.keys(&shard, horizon()).await.0, ["disabled"]);
    stream.later(25 * HOUR_MS);
    for arn in [&disabled, &dropped] {
        let answer = stream_call(&stream.server, "DescribeStream", json!({"StreamArn": arn})).await;
        let message = format!("Requested resource not found: Stream: {arn} not found");
        assert_eq!(answer, refused("ResourceNotFoundException", &message));
    }
    let listed = stream_ok(&stream.server, "ListStreams", json!({})).await;
    assert_eq!(listed["Streams"].as_array().unwrap().len(), 1);
}
