"""Calls as tools that provision tables make them: one boto3 client per Region, retrying what such tools retry, and
polling descriptions until they say what was asked for.

Knows what Terraform and CloudFormation have in common; which calls they make is written in their steps.
"""

import time

from walk import check
from walk.clients import ApiError

RETRIES_TIMEOUT_S = 60
POLLING_TIMEOUT_S = 60
PAUSE_S = 0.2


def is_passing(error):
    """Whether tools try again after this error: something else is under way, or it was asked too often."""
    return error.code in ("ResourceInUseException", "ThrottlingException") or (
        error.code == "LimitExceededException" and "simultaneously" in error.message
    )


class Provisioner:
    """Provisions tables of one walk."""

    def __init__(self, walk):
        self._client = walk.observer

    def read(self, region, operation, **params):
        """A call that reads: tools do not retry those."""
        return self._client.call(region, operation, **params)

    def read_or_none(self, region, operation, absent, **params):
        """A call that reads what may not be there, which the exception `absent` tells."""
        try:
            return self.read(region, operation, **params)
        except ApiError as error:
            if error.code == absent:
                return None
            raise

    def change(self, region, operation, **params):
        """A call that changes something, repeated while something else is under way."""
        deadline = time.monotonic() + RETRIES_TIMEOUT_S
        while True:
            try:
                return self._client.call(region, operation, **params)
            except ApiError as error:
                if not is_passing(error) or time.monotonic() >= deadline:
                    raise
            time.sleep(PAUSE_S)

    def table(self, region, name):
        """What DescribeTable tells, or None if there is no such table."""
        answer = self.read_or_none(region, "DescribeTable", "ResourceNotFoundException", TableName=name)
        return answer and answer["Table"]

    def create_table(self, region, **params):
        """CreateTable. What is there already is in use too, but no reason to try again."""
        return self._client.call(region, "CreateTable", **params)["TableDescription"]

    def update_replica(self, home, name, action, region, **overrides):
        """One UpdateTable with one action on one replica, through the endpoint of `home`."""
        updates = [{action: {"RegionName": region, **overrides}}]
        self.change(home, "UpdateTable", TableName=name, ReplicaUpdates=updates)

    def wait_active(self, region, name):
        """Waits until the table and all its indexes are ACTIVE in `region`; returns the description."""

        def active():
            table = self.table(region, name)
            check.that(table is not None, f"{name} is not there in {region}")
            check.equal(table["TableStatus"], "ACTIVE", f"TableStatus of {name} in {region}")
            for index in table.get("GlobalSecondaryIndexes", []):
                check.equal(index["IndexStatus"], "ACTIVE", f"IndexStatus of {index['IndexName']} in {region}")
            return table

        return check.eventually(f"{name} becomes ACTIVE in {region}", active, POLLING_TIMEOUT_S)

    def wait_gone(self, region, name):
        """Waits until there is no such table in `region`."""
        check.eventually(
            f"{name} is gone in {region}",
            lambda: check.equal(self.table(region, name), None, f"{name} in {region}"),
            POLLING_TIMEOUT_S,
        )

    def wait_replica(self, home, name, region, status):
        """Waits until the description in `home` gives the replica in `region` this status; None is no replica."""

        def reached():
            table = self.table(home, name)
            statuses = {replica["RegionName"]: replica["ReplicaStatus"] for replica in table.get("Replicas", [])}
            check.equal(statuses.get(region), status, f"replica of {name} in {region}, of {statuses} in {home}")

        check.eventually(f"the replica of {name} in {region} becomes {status}", reached, POLLING_TIMEOUT_S)

    def enable_ttl(self, region, name, attribute):
        """Enables the time to live and waits until it is."""
        specification = {"Enabled": True, "AttributeName": attribute}
        self.change(region, "UpdateTimeToLive", TableName=name, TimeToLiveSpecification=specification)
        check.eventually(
            f"time to live of {name} is enabled in {region}",
            lambda: check.equal(self.ttl(region, name), attribute, f"DescribeTimeToLive of {name} in {region}"),
            POLLING_TIMEOUT_S,
        )

    def ttl(self, region, name):
        """The attribute of the enabled time to live, or None."""
        described = self.read(region, "DescribeTimeToLive", TableName=name)["TimeToLiveDescription"]
        return described.get("AttributeName") if described["TimeToLiveStatus"] == "ENABLED" else None

    def tags(self, region, arn):
        """All tags of a resource."""
        answer = self.read(region, "ListTagsOfResource", ResourceArn=arn)
        check.that("NextToken" not in answer, f"tags of {arn} come in pages")
        return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}

    def set_tags(self, region, arn, wanted):
        """Makes the tags of a resource those that are wanted, with as few calls as it takes."""
        found = self.tags(region, arn)
        if removed := sorted(set(found) - set(wanted)):
            self.change(region, "UntagResource", ResourceArn=arn, TagKeys=removed)
        changed = {key: value for key, value in wanted.items() if found.get(key) != value}
        if changed:
            self.change(region, "TagResource", ResourceArn=arn, Tags=tag_list(changed))

    def set_deletion_protection(self, region, name, enabled):
        """Switches the deletion protection of one replica, through its own Region, if it is not as wanted."""
        if self.table(region, name)["DeletionProtectionEnabled"] != enabled:
            self.change(region, "UpdateTable", TableName=name, DeletionProtectionEnabled=enabled)
            self.wait_active(region, name)

    def recovers_points_in_time(self, region, name):
        """Whether point-in-time recovery is enabled."""
        answer = self.read(region, "DescribeContinuousBackups", TableName=name)["ContinuousBackupsDescription"]
        return answer["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"

    def create_index(self, region, name, index, attribute):
        """Adds a global secondary index over one more attribute and waits until it is complete."""
        table = self.table(region, name)
        self.change(
            region,
            "UpdateTable",
            TableName=name,
            AttributeDefinitions=[
                *table["AttributeDefinitions"],
                {"AttributeName": attribute, "AttributeType": "S"},
            ],
            GlobalSecondaryIndexUpdates=[{"Create": index_over(index, attribute)}],
        )
        self.wait_active(region, name)

    def delete_index(self, region, name, index):
        """Takes an index away and waits until it is gone."""
        updates = [{"Delete": {"IndexName": index}}]
        self.change(region, "UpdateTable", TableName=name, GlobalSecondaryIndexUpdates=updates)

        def gone():
            check.that(index not in index_keys(self.table(region, name)), f"{index} is still there in {region}")

        check.eventually(f"{index} of {name} is gone in {region}", gone, POLLING_TIMEOUT_S)
        self.wait_active(region, name)


def tag_list(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def index_over(name, attribute):
    """A global secondary index with everything in it."""
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }


def index_keys(table):
    """The partition keys of a description's global secondary indexes, by index."""
    return {
        index["IndexName"]: index["KeySchema"][0]["AttributeName"]
        for index in table.get("GlobalSecondaryIndexes", [])
    }
