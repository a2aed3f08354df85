//! Streams: shards, iterators, records with both images.

use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};
use aws_sdk_dynamodbstreams::operation::describe_stream::DescribeStreamError;
use aws_sdk_dynamodbstreams::types::{AttributeValue, OperationType, Record, ShardIteratorType};

use crate::support::{client, definition, eventually, n, s, streams, unique_name, wait_for_table};

async fn read(arn: &str) -> Vec<Record> {
    let streams = streams();
    let described =
        streams.describe_stream().stream_arn(arn).send().await.unwrap().stream_description.unwrap();
    let mut records = Vec::new();
    for shard in described.shards() {
        let first = streams.get_shard_iterator().stream_arn(arn).set_shard_id(shard.shard_id.clone());
        let first = first.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.unwrap();
        let mut iterator = first.shard_iterator;
        while let Some(position) = iterator {
            let page = streams.get_records().shard_iterator(position).limit(2).send().await.unwrap();
            let found = page.records.unwrap_or_default();
            iterator = page.next_shard_iterator.filter(|_| !found.is_empty());
            records.extend(found);
        }
    }
    records
}

#[tokio::test]
async fn a_stream_tells_what_happened() {
    let client = client();
    let name = unique_name("stream");
    let view =
        StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewAndOldImages);
    definition(&client, &name, &["pk:S"]).stream_specification(view.build().unwrap()).send().await.unwrap();
    wait_for_table(&client, &name).await;
    let arn = client
        .describe_table()
        .table_name(&name)
        .send()
        .await
        .unwrap()
        .table
        .unwrap()
        .latest_stream_arn
        .unwrap();
    let listed = streams().list_streams().table_name(&name).send().await.unwrap();
    assert_eq!(listed.streams()[0].stream_arn(), Some(arn.as_str()));
    for version in [1, 2, 2] {
        client.put_item().table_name(&name).item("pk", s("a")).item("v", n(version)).send().await.unwrap();
    }
    client.delete_item().table_name(&name).key("pk", s("a")).send().await.unwrap();
    eventually(|| async { read(&arn).await.len() }, 3).await;
    let records = read(&arn).await;
    let names: Vec<_> = records.iter().map(|record| record.event_name.clone().unwrap()).collect();
    assert_eq!(names, [OperationType::Insert, OperationType::Modify, OperationType::Remove]);
    let changed = records[1].dynamodb().unwrap();
    assert_eq!(changed.old_image().unwrap()["v"], AttributeValue::N("1".into()));
    assert_eq!(changed.new_image().unwrap()["v"], AttributeValue::N("2".into()));
    assert!(changed.approximate_creation_date_time().is_some());
    assert!(records[2].dynamodb().unwrap().new_image().is_none());
}

#[tokio::test]
async fn a_stream_that_is_not_there() {
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/2026-01-01T00:00:00.000";
    let error = streams().describe_stream().stream_arn(arn).send().await.unwrap_err().into_service_error();
    assert!(matches!(error, DescribeStreamError::ResourceNotFoundException(_)), "{error:?}");
}
