"""What every step gets: the servers, the client under test, and a boto3 observer for load and whole tables."""

import itertools

from walk import check
from walk.clients import ApiError, Boto3
from walk.cluster import REGIONS

HOME, SECOND, THIRD = REGIONS
REPLICA_TIMEOUT_S = 60
CONVERGENCE_TIMEOUT_S = 60


class Walk:
    """One walk of one client through one form of the server."""

    def __init__(self, cluster, client):
        self.cluster = cluster
        self.client = client
        self.observer = Boto3(cluster.endpoint_of)

    def call(self, region, operation, **params):
        """One request through the client under test."""
        return self.client.call(region, operation, **params)

    def create_table(self, name, partition_key, sort_key=None, more_attributes=(), through=None, **params):
        """Creates an on-demand table in HOME with string keys ('name' or 'name:N') and waits until it is ACTIVE."""
        keys = [key for key in (partition_key, sort_key) if key]
        created = (through or self.client).call(
            HOME,
            "CreateTable",
            TableName=name,
            AttributeDefinitions=[_definition(attribute) for attribute in (*keys, *more_attributes)],
            KeySchema=key_schema(*keys),
            BillingMode="PAY_PER_REQUEST",
            **params,
        )["TableDescription"]
        check.equal(created["TableName"], name, "CreateTable answers with another table")
        check.that(created["TableStatus"] in ("CREATING", "ACTIVE"), f"new table is {created['TableStatus']}")
        self.wait_for_table(HOME, name)

    def wait_for_table(self, region, name):
        """Waits until the table is ACTIVE in `region` and returns its description."""

        def active():
            try:
                table = self.client.call(region, "DescribeTable", TableName=name)["Table"]
            except ApiError as error:
                raise check.CheckFailed(f"DescribeTable in {region}: {error}") from None
            check.equal(table["TableStatus"], "ACTIVE", f"status of {name} in {region}")
            return table

        return check.eventually(f"{name} becomes ACTIVE in {region}", active, REPLICA_TIMEOUT_S)

    def add_replica(self, name, new_region, asked_in=HOME, through=None):
        """Adds a replica through the endpoint of `asked_in` and waits until both sides call it ACTIVE."""
        client = through or self.client
        client.call(
            asked_in, "UpdateTable", TableName=name, ReplicaUpdates=[{"Create": {"RegionName": new_region}}]
        )

        def replica_active():
            table = client.call(asked_in, "DescribeTable", TableName=name)["Table"]
            statuses = {replica["RegionName"]: replica["ReplicaStatus"] for replica in table.get("Replicas", [])}
            check.equal(statuses.get(new_region), "ACTIVE", f"Replicas of {name} in {asked_in}: {statuses}")
            check.equal(table["TableStatus"], "ACTIVE", f"status of {name} in {asked_in}")

        check.eventually(f"the replica of {name} in {new_region} becomes ACTIVE", replica_active, REPLICA_TIMEOUT_S)
        self.wait_for_table(new_region, name)

    def create_global_table(self, name, partition_key, sort_key=None, regions=REGIONS, **params):
        """A table with replicas, made by the observer: for steps that are not about making one."""
        self.create_table(name, partition_key, sort_key, through=self.observer, **params)
        for region in regions[1:]:
            self.add_replica(name, region, through=self.observer)

    def scan(self, region, name, **params):
        """Every item of a table or an index in `region`, consistently read where that is possible."""
        if "IndexName" not in params:
            params["ConsistentRead"] = True
        return self.observer.all_items(region, "Scan", TableName=name, **params)

    def get(self, region, name, key, client=None):
        """One item of `region`, consistently read, or None."""
        answer = (client or self.client).call(region, "GetItem", TableName=name, Key=key, ConsistentRead=True)
        return answer.get("Item")

    def expect_item(self, region, name, key, wanted, what):
        """Waits until `region` holds exactly `wanted` (None: nothing) under `key`."""
        check.eventually(
            what, lambda: check.equal(self.get(region, name, key), wanted, f"{name} {key!r} in {region}")
        )

    def expect_converged(self, name, key, regions=REGIONS):
        """Waits until whole-table scans of all `regions` are equal; returns the items."""

        def equal_everywhere():
            first = self.scan(regions[0], name)
            for region in regions[1:]:
                check.equal_items(self.scan(region, name), first, key, f"{name} in {region} against {regions[0]}")
            return first

        return check.eventually(
            f"{name} is the same in {', '.join(regions)}", equal_everywhere, CONVERGENCE_TIMEOUT_S, pause_s=0.3
        )

    def put_all(self, region, name, items, client=None):
        """BatchWriteItem in batches of 25, with nothing left over."""
        for batch in batches(items, 25):
            puts = [{"PutRequest": {"Item": item}} for item in batch]
            answer = (client or self.client).call(region, "BatchWriteItem", RequestItems={name: puts})
            check.that(not answer.get("UnprocessedItems"), "BatchWriteItem left items unprocessed")


def batches(items, size):
    items = iter(items)
    while batch := list(itertools.islice(items, size)):
        yield batch


def key_schema(*keys):
    """KeySchema of a partition key and perhaps a sort key."""
    return [
        {"AttributeName": key.split(":")[0], "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
    ]


def _definition(attribute):
    name, _, kind = attribute.partition(":")
    return {"AttributeName": name, "AttributeType": kind or "S"}


def s(text):
    """A string value."""
    return {"S": text}


def n(number):
    """A number value."""
    return {"N": str(number)}
