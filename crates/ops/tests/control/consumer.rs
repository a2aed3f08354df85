//! A consumer that follows a stream as the Kinesis Client Library does: leases and checkpoints outside, parents before
//! children, while shards roll over, the Region is opened anew and writers write.

#![allow(clippy::disallowed_methods)] // writers are real tasks

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use graticule_env::Env;
use graticule_kv::{
    Engine,
    embedded::{EmbeddedEngine, Options},
    memory::MemoryEngine,
};
use graticule_ops::Context;
use graticule_tables::Region;
use serde_json::{Value, json};

use super::{describe, plain, stream_ok, with};
use crate::support::{Server, n, s};

const WRITERS: usize = 3;

/// A Region that is opened anew on its engine now and then. Whoever still uses the one before is another process.
struct Restarted {
    engine: Arc<dyn Engine>,
    context: Mutex<Context>,
}

impl Restarted {
    async fn open(engine: &Arc<dyn Engine>) -> Context {
        let name = "eu-west-1".parse().unwrap();
        let region = Region::open(name, Arc::clone(engine), Env::real()).await.unwrap();
        region.set_shard_ms(20);
        region.start_jobs();
        Context { region, endpoint: "localhost:8000".into() }
    }

    fn server(&self) -> Server {
        Server { context: self.context.lock().unwrap().clone() }
    }

    async fn restart(&self) {
        let context = Restarted::open(&self.engine).await;
        *self.context.lock().unwrap() = context;
    }
}

/// How far the consumer is with a shard.
#[derive(Clone, Debug, PartialEq)]
enum Checkpoint {
    After(String),
    Ended,
}

#[derive(Default)]
struct Consumer {
    checkpoints: BTreeMap<String, Checkpoint>,
    /// The records in the order in which they were consumed: key, value, sequence number, event.
    consumed: Vec<(String, i64, u128, String)>,
    shards_seen: usize,
}

impl Consumer {
    /// Looks at all shards once. Says whether everything there is has been consumed to its end.
    async fn poll(&mut self, server: &Server, arn: &str, random: &mut u64) -> bool {
        let mut shards = Vec::new();
        let mut start = json!({});
        loop {
            let request = with(json!({"StreamArn": arn, "Limit": 2}), start);
            let page = stream_ok(server, "DescribeStream", request).await["StreamDescription"].take();
            shards.extend(page["Shards"].as_array().unwrap().clone());
            let Some(last) = page["LastEvaluatedShardId"].as_str() else { break };
            start = json!({"ExclusiveStartShardId": last});
        }
        self.shards_seen = self.shards_seen.max(shards.len());
        for shard in &shards {
            let id = shard["ShardId"].as_str().unwrap();
            let listed = |parent: &str| shards.iter().any(|shard| shard["ShardId"] == parent);
            let ready = shard["ParentShardId"].as_str().is_none_or(|parent| {
                !listed(parent) || self.checkpoints.get(parent) == Some(&Checkpoint::Ended)
            });
            if ready {
                self.read(server, arn, id, random).await;
            }
        }
        let ended = |shard: &Value| {
            self.checkpoints.get(shard["ShardId"].as_str().unwrap()) == Some(&Checkpoint::Ended)
        };
        shards.iter().all(ended)
    }

    /// Reads some pages of a shard from its checkpoint on.
    async fn read(&mut self, server: &Server, arn: &str, shard: &str, random: &mut u64) {
        let start = match self.checkpoints.get(shard) {
            Some(Checkpoint::Ended) => return,
            None => json!({"ShardIteratorType": "TRIM_HORIZON"}),
            Some(Checkpoint::After(number)) => {
                json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number})
            }
        };
        let request = with(json!({"StreamArn": arn, "ShardId": shard}), start);
        let mut iterator = stream_ok(server, "GetShardIterator", request).await["ShardIterator"].take();
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        for _ in 0..(*random >> 33) % 6 {
            let request = json!({"ShardIterator": iterator, "Limit": 1 + (*random >> 40) % 60});
            let page = stream_ok(server, "GetRecords", request).await;
            for record in page["Records"].as_array().unwrap() {
                let body = &record["dynamodb"];
                let number = body["SequenceNumber"].as_str().unwrap();
                self.consumed.push((
                    body["Keys"]["pk"]["S"].as_str().unwrap().to_owned(),
                    body["NewImage"]["v"]["N"].as_str().unwrap().parse().unwrap(),
                    number.parse().unwrap(),
                    record["eventID"].as_str().unwrap().to_owned(),
                ));
                self.checkpoints.insert(shard.to_owned(), Checkpoint::After(number.to_owned()));
            }
            match page["NextShardIterator"].clone() {
                Value::Null => {
                    self.checkpoints.insert(shard.to_owned(), Checkpoint::Ended);
                    return;
                }
                next => iterator = next,
            }
        }
    }
}

async fn consume_everything(engine: Arc<dyn Engine>, writes: i64, at_last: (&str, Value)) {
    let context = Mutex::new(Restarted::open(&engine).await);
    let restarted = Arc::new(Restarted { engine, context });
    let server = restarted.server();
    let stream = json!({"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}});
    server.ok("CreateTable", with(plain("plain"), stream)).await;
    let arn = describe(&server, "plain").await["LatestStreamArn"].as_str().unwrap().to_owned();

    let written = Arc::new(AtomicBool::new(false));
    let writing = {
        let (restarted, written) = (Arc::clone(&restarted), Arc::clone(&written));
        tokio::spawn(async move {
            let mut writers = Vec::new();
            for writer in 0..WRITERS {
                let restarted = Arc::clone(&restarted);
                writers.push(tokio::spawn(async move {
                    for v in 0..writes {
                        let item = json!({"pk": s(&format!("k{writer}")), "v": n(v)});
                        restarted.server().ok("PutItem", json!({"TableName": "plain", "Item": item})).await;
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                }));
            }
            for writer in writers {
                writer.await.unwrap();
            }
            written.store(true, Ordering::SeqCst);
        })
    };
    let mut consumer = Consumer::default();
    let mut random = 7;
    while !written.load(Ordering::SeqCst) {
        for _ in 0..10 {
            consumer.poll(&restarted.server(), &arn, &mut random).await;
        }
        restarted.restart().await;
    }
    writing.await.unwrap();
    let (operation, request) = at_last;
    restarted.server().ok(operation, request).await;
    restarted.restart().await;
    while !consumer.poll(&restarted.server(), &arn, &mut random).await {}

    assert!(consumer.shards_seen > 5, "shards roll over: {}", consumer.shards_seen);
    for writer in 0..WRITERS {
        let key = format!("k{writer}");
        let of_key = consumer.consumed.iter().filter(|(consumed, ..)| *consumed == key);
        let values: Vec<i64> = of_key.map(|(_, v, ..)| *v).collect();
        assert_eq!(values, (0..writes).collect::<Vec<i64>>(), "{key}");
    }
    assert!(consumer.consumed.is_sorted_by(|(_, _, a, _), (_, _, b, _)| a < b));
    let mut ids: Vec<&String> = consumer.consumed.iter().map(|(.., id)| id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), consumer.consumed.len());
}

fn disable() -> (&'static str, Value) {
    let off = json!({"TableName": "plain", "StreamSpecification": {"StreamEnabled": false}});
    ("UpdateTable", off)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_sees_every_change_once_until_the_stream_is_disabled() {
    consume_everything(Arc::new(MemoryEngine::new()), 400, disable()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_sees_every_change_once_until_the_table_is_deleted() {
    let delete = ("DeleteTable", json!({"TableName": "plain"}));
    consume_everything(Arc::new(MemoryEngine::new()), 400, delete).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_sees_every_change_once_on_disk() {
    let folder = std::env::temp_dir().join(format!("graticule-consumer-{}", std::process::id()));
    let engine = EmbeddedEngine::open(&folder, &Options::default()).unwrap();
    consume_everything(Arc::new(engine), 100, disable()).await;
    let _ = std::fs::remove_dir_all(&folder);
}
