"""Two Regions through two clients of one endpoint: separate tables, and one global table made by UpdateTable."""

import time

import boto3
import pytest

from conftest import create, refused

HOME, OTHER = "us-east-1", "eu-west-1"


@pytest.fixture(scope="module")
def there():
    return boto3.client("dynamodb", region_name=OTHER)


def eventually(attempt, wanted, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while (found := attempt()) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found == wanted


def test_regions_do_not_share_plain_tables(client, there, resource, name):
    arn = create(resource, name, "pk:S").table_arn
    assert f":{HOME}:" in arn
    with refused("ResourceNotFoundException"):
        there.describe_table(TableName=name)
    assert name not in there.list_tables()["TableNames"]


def test_a_global_table(client, there, resource, name):
    table = create(
        resource,
        name,
        "pk:S",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    for number in range(40):
        table.put_item(Item={"pk": f"old{number}", "n": number})
    client.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": OTHER}}])
    eventually(lambda: replicas(client, name), {OTHER: "ACTIVE"})
    there.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    assert set(replicas(there, name)) == {HOME}
    assert there.scan(TableName=name, Select="COUNT", ConsistentRead=True)["Count"] == 40

    for here, elsewhere, region in ((client, there, HOME), (there, client, OTHER)):
        key = {"pk": {"S": f"from {region}"}}
        item = key | {
            "nested": {"M": {"l": {"L": [{"N": "1"}, {"B": b"\x00\xff"}]}}},
            "set": {"SS": ["a", "b"]},
        }
        here.put_item(TableName=name, Item=item)
        eventually(lambda: elsewhere.get_item(TableName=name, Key=key).get("Item"), item)
        elsewhere.update_item(
            TableName=name,
            Key=key,
            UpdateExpression="SET v = :v",
            ExpressionAttributeValues={":v": {"S": "back"}},
        )
        eventually(lambda: here.get_item(TableName=name, Key=key).get("Item", {}).get("v"), {"S": "back"})
        here.delete_item(TableName=name, Key=key)
        eventually(lambda: elsewhere.get_item(TableName=name, Key=key).get("Item"), None)

    client.update_table(TableName=name, ReplicaUpdates=[{"Delete": {"RegionName": OTHER}}])
    eventually(lambda: replicas(client, name), {})
    there.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert client.scan(TableName=name, Select="COUNT")["Count"] == 40


def replicas(client, name):
    table = client.describe_table(TableName=name)["Table"]
    return {replica["RegionName"]: replica["ReplicaStatus"] for replica in table.get("Replicas", [])}
