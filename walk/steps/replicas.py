"""A replica added to a table that has items; writes in every Region reach the others; then a third Region."""

import threading

from walk import check
from walk.context import HOME, SECOND, THIRD, n, s

TITLE = "replicas added to a table with items; writes both ways; a third Region under load"
TABLE = "catalog"
REGIONS = (HOME, SECOND, THIRD)


def product(number, revision=0):
    return {"id": s(f"p-{number:03}"), "revision": n(revision), "tags": {"SS": [f"t{number % 7}", "all"]}}


def run(walk):
    walk.create_table(TABLE, "id")
    old = [product(number) for number in range(200)]
    walk.put_all(HOME, TABLE, old, client=walk.observer)
    with check.refused("ResourceNotFoundException"):
        walk.call(SECOND, "DescribeTable", TableName=TABLE)
    walk.add_replica(TABLE, SECOND)
    descriptions(walk)
    check.equal_items(walk.scan(SECOND, TABLE), old, ["id"], f"the old items in {SECOND}")
    both_ways(walk)
    third_region_under_load(walk)


def descriptions(walk):
    seen = {}
    for region, other in ((HOME, SECOND), (SECOND, HOME)):
        table = walk.wait_for_table(region, TABLE)
        check.equal(table.get("GlobalTableVersion"), "2019.11.21", f"GlobalTableVersion in {region}")
        names = [replica["RegionName"] for replica in table["Replicas"]]
        check.equal(names, [other], f"Replicas in {region}: only the other Regions")
        check.that(f":{region}:" in table["TableArn"], f"TableArn in {region}: {table['TableArn']}")
        seen[region] = table
    check.that(seen[HOME]["TableId"] != seen[SECOND]["TableId"], "two replicas share one TableId")


def both_ways(walk):
    for here, there in ((HOME, SECOND), (SECOND, HOME)):
        key = {"id": s(f"new-in-{here}")}
        item = key | {"made": s(here), "detail": {"M": {"list": {"L": [n(1), {"NULL": True}]}}}}
        walk.call(here, "PutItem", TableName=TABLE, Item=item)
        walk.expect_item(there, TABLE, key, item, f"a put in {here} appears in {there}")
        walk.call(
            there,
            "UpdateItem",
            TableName=TABLE,
            Key=key,
            UpdateExpression="SET changed = :by REMOVE detail",
            ExpressionAttributeValues={":by": s(there)},
        )
        changed = key | {"made": s(here), "changed": s(there)}
        walk.expect_item(here, TABLE, key, changed, f"an update in {there} appears in {here}")
        walk.call(here, "DeleteItem", TableName=TABLE, Key=key)
        walk.expect_item(there, TABLE, key, None, f"a delete in {here} appears in {there}")


class Rewriter(threading.Thread):
    """Rewrites its own products in one Region, over and over, until told to stop."""

    def __init__(self, walk, region, numbers):
        super().__init__(daemon=True)
        self._raw = walk.observer.raw(region)
        self._numbers = numbers
        self._stopping = threading.Event()
        self.latest = {}
        self.error = None

    def run(self):
        revision = 0
        try:
            while not self._stopping.is_set():
                revision += 1
                for number in self._numbers:
                    item = product(number, revision)
                    self._raw.put_item(TableName=TABLE, Item=item)
                    self.latest[number] = item
        except Exception as error:  # told by finish(), in the thread that checks
            self.error = error

    def finish(self):
        self._stopping.set()
        self.join(60)
        if self.error:
            raise check.CheckFailed(f"a write while the third Region was added failed: {self.error}")


def third_region_under_load(walk):
    """The third replica is asked for in the second Region: there is no primary."""
    writers = [Rewriter(walk, HOME, range(0, 100)), Rewriter(walk, SECOND, range(100, 200))]
    for writer in writers:
        writer.start()
    try:
        walk.add_replica(TABLE, THIRD, asked_in=SECOND)
    finally:
        for writer in writers:
            writer.finish()
    wanted = [item for writer in writers for item in writer.latest.values()]
    wanted += [product(number) for number in range(200) if all(number not in w.latest for w in writers)]
    found = walk.expect_converged(TABLE, ["id"])
    check.equal_items(found, wanted, ["id"], "the table after a third Region joined under load")

    key = {"id": s("from-the-third")}
    walk.call(THIRD, "PutItem", TableName=TABLE, Item=key)
    for region in (HOME, SECOND):
        walk.expect_item(region, TABLE, key, key, f"a put in {THIRD} appears in {region}")
    for region in REGIONS:
        others = {replica["RegionName"] for replica in walk.wait_for_table(region, TABLE)["Replicas"]}
        check.equal(others, set(REGIONS) - {region}, f"Replicas in {region}")
