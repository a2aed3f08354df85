"""Tables through boto3: their life with waiters, listing, indexes added and dropped, tags, TTL, protection."""

import time

import pytest
from boto3.dynamodb.conditions import Key
from botocore.exceptions import WaiterError

from conftest import QUICK, create, refused, schema

THROUGHPUT = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 2}


def test_life_of_a_table_with_waiters(client, name):
    created = client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=schema("pk"),
        ProvisionedThroughput=THROUGHPUT,
    )["TableDescription"]
    assert created["TableStatus"] == "CREATING"
    assert created["TableName"] == name
    assert created["ItemCount"] == 0 and created["TableSizeBytes"] == 0
    assert created["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 0
    assert "BillingModeSummary" not in created
    client.get_waiter("table_exists").wait(TableName=name)
    described = client.describe_table(TableName=name)["Table"]
    assert described["TableStatus"] == "ACTIVE"
    assert described["TableArn"].endswith(f":table/{name}") and described["TableId"]
    assert described["CreationDateTime"].tzinfo is not None
    assert {key: described["ProvisionedThroughput"][key] for key in THROUGHPUT} == THROUGHPUT
    with pytest.raises(client.exceptions.ResourceInUseException) as error:
        client.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=schema("pk"),
            ProvisionedThroughput=THROUGHPUT,
        )
    assert error.value.response["Error"]["Message"] == f"Table already exists: {name}"
    assert client.delete_table(TableName=name)["TableDescription"]["TableStatus"] == "DELETING"
    client.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig=QUICK)
    with refused("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found"):
        client.describe_table(TableName=name)
    with refused("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found"):
        client.delete_table(TableName=name)


def test_waiter_gives_up_on_a_table_that_never_comes(client, name):
    with pytest.raises(WaiterError):
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 2})


def test_the_resource_describes_its_table(resource, name):
    table = create(resource, name, "pk:S", "sk:N")
    assert table.table_status == "ACTIVE"
    assert table.key_schema == schema("pk", "sk")
    assert sorted(item["AttributeName"] for item in table.attribute_definitions) == ["pk", "sk"]
    assert table.billing_mode_summary["BillingMode"] == "PAY_PER_REQUEST"
    assert table.item_count == 0 and table.global_secondary_indexes is None
    assert name in [listed.name for listed in resource.tables.all()]
    table.delete()
    table.wait_until_not_exists()
    with refused("ResourceNotFoundException"):
        table.reload()


def test_list_tables_pages(client, name):
    names = [f"{name}-{letter}" for letter in "abcdefg"]
    for one in names:
        client.create_table(
            TableName=one,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=schema("pk"),
            BillingMode="PAY_PER_REQUEST",
        )
    try:
        pages = list(client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2}))
        found = [one for page in pages for one in page["TableNames"]]
        assert found == sorted(found) and set(names) <= set(found)
        assert all(len(page["TableNames"]) <= 2 for page in pages)
        assert all("LastEvaluatedTableName" in page for page in pages[:-1])
        assert "LastEvaluatedTableName" not in pages[-1]
        after = client.list_tables(ExclusiveStartTableName=names[2], Limit=3)
        assert after["TableNames"] == names[3:6] and after["LastEvaluatedTableName"] == names[5]
    finally:
        for one in names:
            client.delete_table(TableName=one)


def test_billing_changes_to_provisioned_and_back(client, resource, name):
    create(resource, name, "pk:S")
    client.update_table(TableName=name, BillingMode="PROVISIONED", ProvisionedThroughput=THROUGHPUT)
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig=QUICK)
    table = client.describe_table(TableName=name)["Table"]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 3
    with refused(
        "ValidationException",
        "The provisioned throughput for the table will not change. The requested value equals the current value. "
        "Current ReadCapacityUnits provisioned for the table: 3. Requested ReadCapacityUnits: 3. Current "
        "WriteCapacityUnits provisioned for the table: 2. Requested WriteCapacityUnits: 2. Refer to the Amazon "
        "DynamoDB Developer Guide for current limits and how to request higher limits.",
    ):
        client.update_table(TableName=name, ProvisionedThroughput=THROUGHPUT)
    client.update_table(
        TableName=name, ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    )
    assert client.describe_table(TableName=name)["Table"]["ProvisionedThroughput"]["WriteCapacityUnits"] == 5


def test_an_index_is_added_filled_and_dropped(client, resource, name):
    table = create(resource, name, "pk:S")
    for number in range(30):
        table.put_item(Item={"pk": f"p{number}", "team": f"t{number % 3}", "score": number})
    client.update_table(
        TableName=name,
        AttributeDefinitions=[
            {"AttributeName": "team", "AttributeType": "S"},
            {"AttributeName": "score", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "by-team",
                    "KeySchema": schema("team", "score"),
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            }
        ],
    )
    index = wait_for_index(client, name, "by-team")
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert index["IndexArn"].endswith(f"table/{name}/index/by-team")
    found = table.query(
        IndexName="by-team",
        KeyConditionExpression=Key("team").eq("t1") & Key("score").gt(10),
        ScanIndexForward=False,
    )["Items"]
    assert [item["pk"] for item in found] == ["p28", "p25", "p22", "p19", "p16", "p13"]
    client.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-team"}}])
    wait_for_index(client, name, "by-team", gone=True)
    with refused("ValidationException", "The table does not have the specified index: by-team"):
        table.query(IndexName="by-team", KeyConditionExpression=Key("team").eq("t1"))


def wait_for_index(client, table, index, gone=False):
    for _ in range(100):
        indexes = client.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", [])
        found = next((one for one in indexes if one["IndexName"] == index), None)
        if gone and found is None:
            return None
        if not gone and found["IndexStatus"] == "ACTIVE":
            return found
        time.sleep(0.1)
    raise AssertionError(f"{index}: {found}")


def test_tags_page_and_go(client, resource, name):
    arn = create(resource, name, "pk:S", Tags=[{"Key": "a", "Value": "1"}]).table_arn
    tags = [{"Key": f"k{number:02}", "Value": f"v{number}"} for number in range(20)]
    client.tag_resource(ResourceArn=arn, Tags=tags)
    client.untag_resource(ResourceArn=arn, TagKeys=["k03", "not-there"])
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    pages = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    found = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
    assert found == {tag["Key"]: tag["Value"] for tag in tags if tag["Key"] != "k03"} | {"a": "2"}


def test_time_to_live(client, resource, name):
    create(resource, name, "pk:S")
    assert client.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "DISABLED"
    }
    wanted = {"Enabled": True, "AttributeName": "expires"}
    answer = client.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted)
    assert answer["TimeToLiveSpecification"] == wanted
    described = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert (
        described["TimeToLiveStatus"] in ("ENABLING", "ENABLED") and described["AttributeName"] == "expires"
    )


def test_a_protected_table_stays(client, resource, name):
    create(resource, name, "pk:S", DeletionProtectionEnabled=True)
    with refused(
        "ValidationException",
        "Resource cannot be deleted as it is currently protected against deletion. "
        "Disable deletion protection first.",
    ):
        client.delete_table(TableName=name)
    client.update_table(TableName=name, DeletionProtectionEnabled=False)
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig=QUICK)
    client.delete_table(TableName=name)


def test_a_table_by_its_arn(client, resource, name):
    arn = create(resource, name, "pk:S").table_arn
    client.put_item(TableName=arn, Item={"pk": {"S": "a"}})
    assert client.describe_table(TableName=arn)["Table"]["TableName"] == name
    assert (
        client.query(
            TableName=arn, KeyConditionExpression="pk = :a", ExpressionAttributeValues={":a": {"S": "a"}}
        )["Count"]
        == 1
    )
    assert client.batch_get_item(RequestItems={arn: {"Keys": [{"pk": {"S": "a"}}]}})["Responses"] == {
        arn: [{"pk": {"S": "a"}}]
    }
    assert resource.Table(arn).scan()["Count"] == 1
    with refused("ResourceNotFoundException"):
        client.describe_table(TableName=arn + "-not")


def test_what_an_application_asks_at_its_start(client):
    limits = client.describe_limits()
    assert limits["AccountMaxReadCapacityUnits"] >= limits["TableMaxReadCapacityUnits"] > 0
    assert client.describe_endpoints()["Endpoints"][0]["CachePeriodInMinutes"] == 1440
