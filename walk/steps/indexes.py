"""Local and global indexes from the start, and one added later while a writer goes on."""

import random
import threading

from walk import check
from walk.context import HOME, key_schema, n, s

TITLE = "local and global indexes; one added while writes go on, then deleted"
BACKFILL_TIMEOUT_S = 90
INDEX_SETTLE_S = 15
OWNERS = [f"owner-{number}" for number in range(5)]


def run(walk):
    indexes_from_the_start(walk)
    index_added_later(walk)


def order(customer, number, status, amount):
    return {
        "customer": s(customer),
        "order": s(f"{number:03}"),
        "status": s(status),
        "placed": n(1000 - number),
        "amount": n(amount),
        "note": s(f"note {number}"),
    }


def indexes_from_the_start(walk):
    walk.create_table(
        "order",
        "customer",
        "order",
        more_attributes=("status", "placed:N"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-status",
                "KeySchema": key_schema("status", "placed"),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["amount"]},
            }
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-placed",
                "KeySchema": key_schema("customer", "placed"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    orders = [order("ann", number, "open" if number % 3 else "sent", number * 10) for number in range(12)]
    orders += [order("bob", number, "open", number * 10) for number in range(100, 103)]
    walk.put_all(HOME, "order", orders)
    unindexed = {"customer": s("ann"), "order": s("draft"), "note": s("in no index")}
    walk.call(HOME, "PutItem", TableName="order", Item=unindexed)

    sent = [item for item in orders if item["status"] == s("sent")][::-1]  # later numbers were placed earlier
    expect_by_status(walk, "sent", sent)
    answer = walk.call(
        HOME,
        "Query",
        TableName="order",
        IndexName="by-placed",
        KeyConditionExpression="customer = :c AND placed < :before",
        ExpressionAttributeValues={":c": s("ann"), ":before": n(993)},
        ConsistentRead=True,
        ScanIndexForward=False,
    )
    wanted = [project(item, "customer", "order", "placed") for item in orders if item["customer"] == s("ann")][8:]
    check.equal(answer["Items"], wanted, "the local index, keys only, latest first")

    moved = orders[0] | {"status": s("open"), "amount": n(1)}
    walk.call(
        HOME,
        "UpdateItem",
        TableName="order",
        Key=project(moved, "customer", "order"),
        UpdateExpression="SET #s = :open, amount = :one",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":open": s("open"), ":one": n(1)},
    )
    walk.call(HOME, "DeleteItem", TableName="order", Key=project(orders[3], "customer", "order"))
    expect_by_status(walk, "sent", [item for item in sent if item not in (orders[0], orders[3])])
    with check.refused("ValidationException", "Consistent reads are not supported on global secondary indexes"):
        walk.call(
            HOME,
            "Query",
            TableName="order",
            IndexName="by-status",
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":s": s("open")},
            ConsistentRead=True,
        )


def project(item, *names):
    return {name: item[name] for name in names if name in item}


def expect_by_status(walk, status, orders):
    def same():
        answer = walk.call(
            HOME,
            "Query",
            TableName="order",
            IndexName="by-status",
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":s": s(status)},
        )
        wanted = [project(item, "status", "placed", "customer", "order", "amount") for item in orders]
        check.equal(answer["Items"], wanted, f"orders by status {status}, oldest first")

    check.eventually("the global index follows the table", same, INDEX_SETTLE_S)


class Writer(threading.Thread):
    """Moves items between index partitions, adds and deletes, and knows what the table must hold in the end."""

    def __init__(self, observer, items):
        super().__init__(daemon=True)
        self._raw = observer.raw(HOME)
        self._random = random.Random(7)
        self._stopping = threading.Event()
        self.items = {item["id"]["S"]: item for item in items}
        self.writes = 0
        self.error = None

    def run(self):
        try:
            while not self._stopping.is_set():
                self._write()
                self.writes += 1
        except Exception as error:  # told by finish(), in the thread that checks
            self.error = error

    def _write(self):
        name = f"item-{self._random.randrange(1200):04}"
        if self._random.random() < 0.2:
            self._raw.delete_item(TableName="asset", Key={"id": s(name)})
            self.items.pop(name, None)
        else:
            item = asset(name, self._random.choice([*OWNERS, None]), self.writes)
            self._raw.put_item(TableName="asset", Item=item)
            self.items[name] = item

    def finish(self):
        self._stopping.set()
        self.join(60)
        if self.error:
            raise check.CheckFailed(f"a write during the backfill failed: {self.error}")


def asset(name, owner, revision):
    item = {"id": s(name), "revision": n(revision), "body": s(f"{name} {revision} " + "x" * 200)}
    return item | {"owner": s(owner)} if owner else item


def index_added_later(walk):
    walk.create_table("asset", "id")
    items = [asset(f"item-{number:04}", OWNERS[number % len(OWNERS)], -1) for number in range(1000)]
    walk.put_all(HOME, "asset", items, client=walk.observer)
    writer = Writer(walk.observer, items)
    writer.start()
    try:
        walk.call(
            HOME,
            "UpdateTable",
            TableName="asset",
            AttributeDefinitions=[
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "owner", "AttributeType": "S"},
                {"AttributeName": "revision", "AttributeType": "N"},
            ],
            GlobalSecondaryIndexUpdates=[
                {
                    "Create": {
                        "IndexName": "by-owner",
                        "KeySchema": key_schema("owner", "revision"),
                        "Projection": {"ProjectionType": "ALL"},
                    }
                }
            ],
        )
        at_start = writer.writes
        check.eventually("the new index becomes ACTIVE", lambda: expect_active(walk), BACKFILL_TIMEOUT_S)
        check.that(writer.writes > at_start, "the writer stood still while the index was made")
    finally:
        writer.finish()
    wanted = list(writer.items.values())
    check.equal_items(walk.scan(HOME, "asset"), wanted, ["id"], "the table after the writer")
    check.eventually("the index holds what the table holds", lambda: expect_index(walk, wanted), INDEX_SETTLE_S)
    delete_index(walk)


def expect_active(walk):
    table = walk.call(HOME, "DescribeTable", TableName="asset")["Table"]
    [index] = table["GlobalSecondaryIndexes"]
    check.equal((index["IndexName"], index["IndexStatus"]), ("by-owner", "ACTIVE"), "the index")
    check.that(not index.get("Backfilling"), "an ACTIVE index still says Backfilling")


def expect_index(walk, items):
    owned = [item for item in items if "owner" in item]
    check.equal_items(walk.scan(HOME, "asset", IndexName="by-owner"), owned, ["id"], "a scan of the index")
    for owner in OWNERS[:2]:
        wanted = sorted((i for i in owned if i["owner"] == s(owner)), key=lambda i: int(i["revision"]["N"]))
        found = walk.call(
            HOME,
            "Query",
            TableName="asset",
            IndexName="by-owner",
            KeyConditionExpression="#o = :o AND revision >= :zero",
            ExpressionAttributeNames={"#o": "owner"},
            ExpressionAttributeValues={":o": s(owner), ":zero": n(0)},
        )["Items"]
        check.equal(found, [item for item in wanted if int(item["revision"]["N"]) >= 0], f"assets of {owner}")


def delete_index(walk):
    walk.call(
        HOME, "UpdateTable", TableName="asset", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-owner"}}]
    )

    def gone():
        table = walk.call(HOME, "DescribeTable", TableName="asset")["Table"]
        check.that(not table.get("GlobalSecondaryIndexes"), f"the index is still there: {table}")
        check.equal(table["TableStatus"], "ACTIVE", "status of the table")

    check.eventually("the index is deleted", gone, BACKFILL_TIMEOUT_S)
    with check.refused("ValidationException", "by-owner"):
        walk.call(
            HOME,
            "Query",
            TableName="asset",
            IndexName="by-owner",
            KeyConditionExpression="#o = :o",
            ExpressionAttributeNames={"#o": "owner"},
            ExpressionAttributeValues={":o": s(OWNERS[0])},
        )
