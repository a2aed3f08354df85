"""The tables of the ordeal, how they are made, and how everything in them is read back.

Reading goes through every page of items, index and stream of one Region; nothing is judged here.
"""

import time
from dataclasses import dataclass, field

from walk.cluster import REGIONS
from walk.context import Walk

INDEX = "by-group"
STREAM_IDLE_PAGES = 2
# Hash key, sort key and whether there is an index, of each part.
PARTS = {"hot": ("pk", None, True), "cold": ("pk", "sk", True), "counters": ("pk", None, False)}
SEGMENTS = 1


@dataclass
class Found:
    """What one Region has of one table."""

    items: dict = field(default_factory=dict)  # key -> item
    index: dict = field(default_factory=dict)
    records: list = field(default_factory=list)  # (key, event name, old image, new image), in order
    sequence_numbers: list = field(default_factory=list)


def make(walk, part, name):
    """Makes the table of a part, with a replica in every Region and a stream."""
    partition, sort, indexed = PARTS[part]
    more = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
    attributes = ()
    if indexed:
        attributes = ("g",)
        keys = [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": sort or partition, "KeyType": "RANGE"}]
        more["GlobalSecondaryIndexes"] = [
            {"IndexName": INDEX, "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}
        ]
    walk.create_table(name, partition, sort, attributes, through=walk.observer, **more)
    for region in REGIONS[1:]:
        walk.add_replica(name, region, through=walk.observer)


def key_of(item):
    return "/".join(item[name]["S"] for name in ("pk", "sk") if name in item)


def scan(connection, table, index=None):
    """All items of a table or an index, by key."""
    request, items, count = {"TableName": table}, {}, 0
    request |= {"IndexName": index} if index else {"ConsistentRead": True}
    while True:
        page = connection.call("Scan", request)
        for item in page["Items"]:
            items[key_of(item)] = item
        count += page["Count"]
        if "LastEvaluatedKey" not in page:
            break
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    if count != len(items):
        raise ValueError(f"a Scan of {table} {index or ''} gave {count} items of {len(items)} keys")
    return items


def read_stream(connection, table, found):
    """Every record of the table's stream, from the oldest on."""
    streams = connection.call("ListStreams", {"TableName": table})["Streams"]
    arn, page = streams[0]["StreamArn"], {}
    while True:
        described = connection.call("DescribeStream", {"StreamArn": arn, **page})["StreamDescription"]
        for shard in described["Shards"]:
            _read_shard(connection, arn, shard, found)
        if "LastEvaluatedShardId" not in described:
            return
        page = {"ExclusiveStartShardId": described["LastEvaluatedShardId"]}


def _read_shard(connection, arn, shard, found):
    start = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator, idle = connection.call("GetShardIterator", start)["ShardIterator"], 0
    while iterator and idle < STREAM_IDLE_PAGES:
        page = connection.call("GetRecords", {"ShardIterator": iterator})
        for record in page["Records"]:
            change = record["dynamodb"]
            key = key_of(change["Keys"])
            found.records.append((key, record["eventName"], change.get("OldImage"), change.get("NewImage")))
            found.sequence_numbers.append(int(change["SequenceNumber"]))
        idle = 0 if page["Records"] else idle + 1
        iterator = page.get("NextShardIterator")


def collect(connection, tables):
    """Everything that the server behind a connection has: part -> Found."""
    everything = {}
    for part, table in tables.items():
        found = everything[part] = Found(scan(connection, table))
        if PARTS[part][2]:
            found.index = scan(connection, table, INDEX)
        read_stream(connection, table, found)
    return everything


class HostedWalk(Walk):
    """The walk's helpers, through a client that reaches every host."""

    def __init__(self, cluster, client):
        super().__init__(cluster, client)
        self.observer = client


def differences(one, other):
    """The keys whose items differ."""
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def settle(snapshots, tables, timeout_s):
    """Waits until all Regions hold the same items; `snapshots` scans a table everywhere. Gives (seconds, differing)."""
    started = time.monotonic()
    while True:
        differing = {}
        for part, table in tables.items():
            first, *others = snapshots(table)
            keys = sorted({key for other in others for key in differences(first, other)})
            if keys:
                differing[part] = keys
        waited = time.monotonic() - started
        if not differing or waited > timeout_s:
            return waited, differing
        time.sleep(0.5)
