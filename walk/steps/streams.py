"""The stream of every replica: one record for each write, in the order of the writes of each item."""

from walk import check
from walk.context import HOME, SECOND, n, s

TITLE = "streams of two replicas: one record per write, in order, with both images"
TABLE = "observed"
REGIONS = (HOME, SECOND)
ITEMS_PER_REGION = 10
STREAM_TIMEOUT_S = 20
VIEW = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def run(walk):
    walk.create_global_table(TABLE, "id", regions=REGIONS, StreamSpecification=VIEW)
    history = {}
    for region in REGIONS:
        for number in range(ITEMS_PER_REGION):
            write_history(walk, region, f"{region}-{number}", history)
    walk.expect_converged(TABLE, ["id"], regions=REGIONS)
    streams = {}
    for region in REGIONS:
        streams[region] = find_stream(walk, region)
        check.eventually(
            f"the stream in {region} holds every write",
            lambda here=region: expect_history(read_stream(walk.client, here, streams[here]), here, history),
            STREAM_TIMEOUT_S,
        )
    check.that(streams[HOME] != streams[SECOND], "two replicas share one stream")


def write_history(walk, region, name, history):
    """Makes, changes and deletes an item, and notes the records that this must leave."""
    raw, key = walk.observer.raw(region), {"id": s(name)}
    versions = [key | {"step": n(number), "by": s(region)} for number in range(3)]
    for item in versions:
        raw.put_item(TableName=TABLE, Item=item)
    raw.put_item(TableName=TABLE, Item=versions[2])  # changes nothing: no record
    raw.delete_item(TableName=TABLE, Key=key)
    raw.delete_item(TableName=TABLE, Key=key)  # deletes nothing: no record
    raw.put_item(TableName=TABLE, Item=versions[0])
    history[name] = [
        ("INSERT", None, versions[0]),
        ("MODIFY", versions[0], versions[1]),
        ("MODIFY", versions[1], versions[2]),
        ("REMOVE", versions[2], None),
        ("INSERT", None, versions[0]),
    ]


def find_stream(walk, region):
    """The table's one stream, which names its own Region."""
    [stream] = walk.call(region, "ListStreams", TableName=TABLE)["Streams"]
    arn = stream["StreamArn"]
    check.that(f":{region}:" in arn and f"table/{TABLE}/stream/" in arn, f"StreamArn in {region}: {arn}")
    described = walk.call(region, "DescribeStream", StreamArn=arn)["StreamDescription"]
    check.equal(described["StreamViewType"], "NEW_AND_OLD_IMAGES", "StreamViewType")
    check.equal(described["StreamStatus"], "ENABLED", "StreamStatus")
    check.equal(described["KeySchema"], [{"AttributeName": "id", "KeyType": "HASH"}], "KeySchema of the stream")
    return arn


def read_stream(client, region, arn):
    """All records from the oldest on, shard by shard."""
    records, page = [], {}
    while True:
        described = client.call(region, "DescribeStream", StreamArn=arn, **page)["StreamDescription"]
        for shard in described["Shards"]:
            records += read_shard(client, region, arn, shard["ShardId"])
        if "LastEvaluatedShardId" not in described:
            return records
        page = {"ExclusiveStartShardId": described["LastEvaluatedShardId"]}


def find_records(client, region, table):
    """All records of the one stream of a table."""
    [stream] = client.call(region, "ListStreams", TableName=table)["Streams"]
    return read_stream(client, region, stream["StreamArn"])


def read_shard(client, region, arn, shard):
    iterator = client.call(
        region, "GetShardIterator", StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    ).get("ShardIterator")
    records = []
    while iterator:
        page = client.call(region, "GetRecords", ShardIterator=iterator)
        if not page["Records"]:
            break
        records += page["Records"]
        iterator = page.get("NextShardIterator")
    return records


def expect_history(records, region, history):
    by_item, event_ids = {name: [] for name in history}, set()
    for record in records:
        change = record["dynamodb"]
        check.equal(record["awsRegion"], region, "awsRegion of a record")
        check.equal(record["eventSource"], "aws:dynamodb", "eventSource of a record")
        check.that(record["eventID"] not in event_ids, f"eventID {record['eventID']} came twice")
        check.that("userIdentity" not in record, f"a write of ours has a userIdentity: {record}")
        event_ids.add(record["eventID"])
        name = change["Keys"]["id"]["S"]
        check.that(name in by_item, f"a record of an unknown item {name}")
        by_item[name].append(record)
    for name, wanted in history.items():
        found = [
            (record["eventName"], record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage"))
            for record in by_item[name]
        ]
        check.equal(list(found), list(wanted), f"records of {name} in {region}")
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in by_item[name]]
        check.that(numbers == sorted(set(numbers)), f"sequence numbers of {name} do not grow: {numbers}")
