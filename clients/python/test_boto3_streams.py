"""Streams through boto3's streams client: shards, iterators of every type, records with both images."""

import time

import pytest

from conftest import create, refused

VIEW = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.fixture
def observed(resource, name):
    return create(resource, name, "pk:S", "sk:N", StreamSpecification=VIEW)


def only_shard(streams, arn):
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "ENABLED"
    return described["Shards"][0]["ShardId"]


def read(streams, arn, wanted, **iterator):
    """Reads on until `wanted` records are there; a moment's emptiness is not the end."""
    shard = only_shard(streams, arn)
    position = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, **iterator)["ShardIterator"]
    records, deadline = [], time.monotonic() + 20
    while len(records) < wanted and time.monotonic() < deadline:
        page = streams.get_records(ShardIterator=position, Limit=3)
        assert len(page["Records"]) <= 3
        records, position = records + page["Records"], page["NextShardIterator"]
    assert len(records) == wanted
    return records


def test_a_stream_tells_what_happened(streams, observed):
    arn = observed.latest_stream_arn
    assert observed.stream_specification == VIEW
    [listed] = streams.list_streams(TableName=observed.name)["Streams"]
    assert listed == {
        "StreamArn": arn,
        "TableName": observed.name,
        "StreamLabel": observed.latest_stream_label,
    }
    key = {"pk": "a", "sk": 1}
    observed.put_item(Item=key | {"v": "one", "bytes": b"\x01\x02"})
    observed.put_item(Item=key | {"v": "one", "bytes": b"\x01\x02"})  # changes nothing
    observed.update_item(Key=key, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": "two"})
    observed.delete_item(Key=key)
    records = read(streams, arn, 3, ShardIteratorType="TRIM_HORIZON")
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    wire_key = {"pk": {"S": "a"}, "sk": {"N": "1"}}
    one, two = (wire_key | {"v": {"S": v}, "bytes": {"B": b"\x01\x02"}} for v in ("one", "two"))
    images = [(record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage")) for record in records]
    assert images == [(None, one), (one, two), (two, None)]
    for record in records:
        change = record["dynamodb"]
        assert record["eventVersion"] == "1.1" and record["eventSource"] == "aws:dynamodb"
        assert record["awsRegion"] == "us-east-1" and "userIdentity" not in record
        assert change["Keys"] == wire_key and change["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        assert change["SizeBytes"] > 0 and 21 <= len(change["SequenceNumber"]) <= 40
        assert abs(change["ApproximateCreationDateTime"].timestamp() - time.time()) < 60


def test_iterators_of_every_type(streams, observed):
    arn = observed.latest_stream_arn
    shard = only_shard(streams, arn)
    for number in range(5):
        observed.put_item(Item={"pk": "a", "sk": number})
    records = read(streams, arn, 5, ShardIteratorType="TRIM_HORIZON")
    third = records[2]["dynamodb"]["SequenceNumber"]

    def sort_keys(wanted, **iterator):
        return [record["dynamodb"]["Keys"]["sk"]["N"] for record in read(streams, arn, wanted, **iterator)]

    assert sort_keys(3, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=third) == ["2", "3", "4"]
    assert sort_keys(2, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=third) == ["3", "4"]
    latest = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")[
        "ShardIterator"
    ]
    assert streams.get_records(ShardIterator=latest)["Records"] == []
    observed.put_item(Item={"pk": "a", "sk": 9})
    assert [
        record["dynamodb"]["Keys"]["sk"]["N"]
        for record in streams.get_records(ShardIterator=latest)["Records"]
    ] == ["9"]


def test_transactions_and_batches_are_recorded(client, streams, observed):
    put = [
        {"Put": {"TableName": observed.name, "Item": {"pk": {"S": f"t{n}"}, "sk": {"N": "0"}}}}
        for n in range(3)
    ]
    client.transact_write_items(TransactItems=put)
    with observed.batch_writer() as batch:
        for number in range(4):
            batch.put_item(Item={"pk": f"b{number}", "sk": 0})
    records = read(streams, observed.latest_stream_arn, 7, ShardIteratorType="TRIM_HORIZON")
    found = sorted(record["dynamodb"]["Keys"]["pk"]["S"] for record in records)
    assert found == ["b0", "b1", "b2", "b3", "t0", "t1", "t2"]


@pytest.mark.parametrize(
    "view, images",
    [("KEYS_ONLY", set()), ("NEW_IMAGE", {"NewImage"}), ("OLD_IMAGE", {"OldImage"})],
)
def test_views(resource, streams, name, view, images):
    table = create(
        resource, name, "pk:S", StreamSpecification={"StreamEnabled": True, "StreamViewType": view}
    )
    table.put_item(Item={"pk": "a", "v": 1})
    table.put_item(Item={"pk": "a", "v": 2})
    changed = read(streams, table.latest_stream_arn, 2, ShardIteratorType="TRIM_HORIZON")[1]["dynamodb"]
    assert {"NewImage", "OldImage"} & set(changed) == images


def test_a_stream_is_enabled_and_disabled_later(client, resource, streams, name):
    table = create(resource, name, "pk:S")
    assert table.stream_specification is None and table.latest_stream_arn is None
    client.update_table(TableName=name, StreamSpecification=VIEW)
    table.wait_until_exists()
    table.reload()
    arn = table.latest_stream_arn
    table.put_item(Item={"pk": "a"})
    assert len(read(streams, arn, 1, ShardIteratorType="TRIM_HORIZON")) == 1
    with refused("ValidationException", f"Table already has an enabled stream: TableName: {name}"):
        client.update_table(TableName=name, StreamSpecification=VIEW)
    client.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    table.wait_until_exists()
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] in ("DISABLING", "DISABLED")


def test_what_expires_is_told_from_what_is_deleted(client, streams, observed):
    ttl = {"Enabled": True, "AttributeName": "until"}
    client.update_time_to_live(TableName=observed.name, TimeToLiveSpecification=ttl)
    observed.put_item(Item={"pk": "deleted", "sk": 1})
    observed.delete_item(Key={"pk": "deleted", "sk": 1})
    observed.put_item(Item={"pk": "expired", "sk": 1, "until": int(time.time()) - 60})
    deadline = time.monotonic() + 40
    while "Item" in observed.get_item(Key={"pk": "expired", "sk": 1}):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    records = read(streams, observed.latest_stream_arn, 4, ShardIteratorType="TRIM_HORIZON")
    removed = {
        record["dynamodb"]["Keys"]["pk"]["S"]: record for record in records if record["eventName"] == "REMOVE"
    }
    assert "userIdentity" not in removed["deleted"]
    assert removed["expired"]["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    assert removed["expired"]["dynamodb"]["OldImage"]["pk"] == {"S": "expired"}


def test_reading_from_a_moment_on(streams, observed):
    observed.put_item(Item={"pk": "before", "sk": 1})
    [first] = read(streams, observed.latest_stream_arn, 1, ShardIteratorType="TRIM_HORIZON")
    time.sleep(1.1)
    moment = time.time()
    observed.put_item(Item={"pk": "after", "sk": 1})
    arn = observed.latest_stream_arn
    found = read(streams, arn, 1, ShardIteratorType="AT_TIMESTAMP", Timestamp=moment)
    assert found[0]["dynamodb"]["Keys"]["pk"] == {"S": "after"}
    assert found[0]["dynamodb"]["SequenceNumber"] > first["dynamodb"]["SequenceNumber"]


def test_streams_that_are_not_there(streams, observed):
    arn = observed.latest_stream_arn
    with pytest.raises(streams.exceptions.ResourceNotFoundException):
        streams.describe_stream(StreamArn=arn[:-1] + "x")
    with pytest.raises(streams.exceptions.ResourceNotFoundException):
        streams.get_shard_iterator(
            StreamArn=arn, ShardId="shardId-00000000000000000000-00000000", ShardIteratorType="LATEST"
        )
