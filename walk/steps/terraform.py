"""The calls of Terraform's AWS provider for `aws_dynamodb_table` with replica blocks and for
`aws_dynamodb_table_replica`: applied, changed, read back as the provider reads it, destroyed.

After every apply, what is read must be what was configured: otherwise the next plan would not be empty.
"""

from walk import check
from walk.context import HOME, SECOND, THIRD, s
from walk.provisioner import Provisioner, index_keys, index_over, tag_list

TITLE = "tables as Terraform provisions them: replica blocks, replicas of their own, everything read back"
TABLE = "terraform-table"
SEPARATE = "terraform-separate"
ITEMS = [{"id": s(f"order-{number:03}"), "status": s(f"s-{number % 3}"), "kind": s("k")} for number in range(120)]


def run(walk):
    tool = Provisioner(walk)
    replica_blocks(walk, tool)
    replica_resources(walk, tool)
    no_legacy_global_tables(walk)


def replica_blocks(walk, tool):
    """`aws_dynamodb_table`: replicas are part of the table's own configuration."""
    wanted = {
        "attributes": {"id": "S", "status": "S"},
        "billing_mode": "PAY_PER_REQUEST",
        "indexes": {"by-status": "status"},
        "stream_view_type": "NEW_AND_OLD_IMAGES",
        "ttl": "expires",
        "table_class": "STANDARD",
        "tags": {"team": "orders", "stage": "test"},
        "deletion_protection": False,
        "recovery": False,
        "replicas": {SECOND: {"tags": {"team": "orders", "stage": "test"}, "deletion_protection": True}},
    }
    create_table(tool, TABLE, wanted)
    apply_replicas(tool, TABLE, wanted)
    expect_no_plan(tool, TABLE, wanted)

    # One more replica, of a table that has items.
    walk.put_all(HOME, TABLE, ITEMS, client=walk.observer)
    wanted["replicas"][THIRD] = {"tags": wanted["tags"], "deletion_protection": False}
    apply_replicas(tool, TABLE, wanted)
    expect_no_plan(tool, TABLE, wanted)
    found = walk.expect_converged(TABLE, ["id"])
    check.equal_items(found, ITEMS, ["id"], f"the items of {TABLE} in every Region")

    # Other tags everywhere, protection here instead of there, another index.
    wanted["tags"] = {"team": "shipping", "cost": "7"}
    wanted["deletion_protection"] = True
    for replica in wanted["replicas"].values():
        replica["tags"] = wanted["tags"]
    wanted["replicas"][SECOND]["deletion_protection"] = False
    wanted["replicas"][THIRD]["deletion_protection"] = True
    wanted["attributes"]["kind"] = "S"
    wanted["indexes"]["by-kind"] = "kind"
    tool.set_deletion_protection(HOME, TABLE, True)
    tool.create_index(HOME, TABLE, "by-kind", "kind")
    tool.set_tags(HOME, tool.table(HOME, TABLE)["TableArn"], wanted["tags"])
    apply_replicas(tool, TABLE, wanted)
    expect_no_plan(tool, TABLE, wanted)
    expect_indexes(tool, TABLE, wanted)

    # What is protected stays, whichever way it is asked to go.
    with check.refused("ValidationException", "has deletion protection enabled"):
        tool.update_replica(HOME, TABLE, "Delete", THIRD)
    with check.refused("ValidationException", "protected against deletion"):
        tool.change(HOME, "DeleteTable", TableName=TABLE)

    # An index less, a replica less, no protection.
    del wanted["attributes"]["kind"], wanted["indexes"]["by-kind"], wanted["replicas"][THIRD]
    wanted["deletion_protection"] = False
    tool.delete_index(HOME, TABLE, "by-kind")
    tool.set_deletion_protection(HOME, TABLE, False)
    tool.set_deletion_protection(THIRD, TABLE, False)
    apply_replicas(tool, TABLE, wanted)
    expect_no_plan(tool, TABLE, wanted)
    expect_indexes(tool, TABLE, wanted)
    tool.wait_gone(THIRD, TABLE)

    # And back again, as somebody does who has changed their mind.
    wanted["replicas"][THIRD] = {"tags": wanted["tags"], "deletion_protection": False}
    apply_replicas(tool, TABLE, wanted)
    expect_no_plan(tool, TABLE, wanted)
    found = walk.expect_converged(TABLE, ["id"])
    check.equal_items(found, ITEMS, ["id"], f"the items of {TABLE} after a replica was made anew")

    for region in list(wanted["replicas"]):
        delete_replica(tool, TABLE, region)
    delete_table(tool, TABLE)
    for region in (SECOND, THIRD):
        tool.wait_gone(region, TABLE)


def create_table(tool, name, wanted):
    created = tool.create_table(
        HOME,
        TableName=name,
        BillingMode=wanted["billing_mode"],
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": kind} for attribute, kind in wanted["attributes"].items()
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[index_over(*index) for index in wanted["indexes"].items()],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": wanted["stream_view_type"]},
        TableClass=wanted["table_class"],
        DeletionProtectionEnabled=wanted["deletion_protection"],
        Tags=tag_list(wanted["tags"]),
    )
    tool.wait_active(HOME, name)
    if wanted["ttl"]:
        tool.enable_ttl(HOME, name, wanted["ttl"])
    return created["TableArn"]


def apply_replicas(tool, name, wanted):
    """Takes out what is not configured, adds what is missing, and sets each replica's own settings in its Region."""
    table = tool.table(HOME, name)
    there = {replica["RegionName"] for replica in table.get("Replicas", [])}
    for region in sorted(there - set(wanted["replicas"])):
        delete_replica(tool, name, region)
    for region in wanted["replicas"]:
        if region not in there:
            tool.update_replica(HOME, name, "Create", region)
            tool.wait_replica(HOME, name, region, "ACTIVE")
    for region, replica in wanted["replicas"].items():
        tool.set_deletion_protection(region, name, replica["deletion_protection"])
        # The provider makes the replica's ARN from the table's.
        tool.set_tags(region, table["TableArn"].replace(f":{HOME}:", f":{region}:"), replica["tags"])


def expect_no_plan(tool, name, wanted):
    """Reads everything that the provider reads on refresh and compares it with the configuration."""
    table = tool.wait_active(HOME, name)
    replicas = {}
    for listed in table.get("Replicas", []):
        region = listed["RegionName"]
        check.that("KMSMasterKeyId" not in listed, f"a key in {listed}")
        here = tool.table(region, name)
        check.equal(tool.recovers_points_in_time(region, name), False, f"recovery in {region}")
        check.that(here["TableArn"] == table["TableArn"].replace(f":{HOME}:", f":{region}:"), here["TableArn"])
        check.that(f":{region}:" in here["LatestStreamArn"], f"stream in {region}: {here['LatestStreamArn']}")
        replicas[region] = {
            "tags": tool.tags(region, here["TableArn"]),
            "deletion_protection": here["DeletionProtectionEnabled"],
        }
    found = {
        "attributes": {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]},
        "billing_mode": table["BillingModeSummary"]["BillingMode"],
        "indexes": index_keys(table),
        "stream_view_type": table["StreamSpecification"]["StreamViewType"],
        "ttl": tool.ttl(HOME, name),
        "table_class": table.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
        "tags": tool.tags(HOME, table["TableArn"]),
        "deletion_protection": table["DeletionProtectionEnabled"],
        "recovery": tool.recovers_points_in_time(HOME, name),
        "replicas": replicas,
    }
    check.equal(found, wanted, f"{name} as it is read back")


def expect_indexes(tool, name, wanted):
    """Indexes and time to live are the same in every replica, a moment later."""
    for region in wanted["replicas"]:

        def same(region=region):
            table = tool.wait_active(region, name)
            check.equal(index_keys(table), wanted["indexes"], f"indexes of {name} in {region}")
            check.equal(tool.ttl(region, name), wanted["ttl"], f"time to live of {name} in {region}")

        check.eventually(f"{region} has the indexes of {name}", same)


def delete_replica(tool, name, region):
    tool.update_replica(HOME, name, "Delete", region)
    tool.wait_replica(HOME, name, region, None)


def delete_table(tool, name):
    tool.change(HOME, "DeleteTable", TableName=name)
    tool.wait_gone(HOME, name)


def replica_resources(walk, tool):
    """`aws_dynamodb_table_replica`: a resource of its own, made through the Region of the table that its ARN names."""
    settings = {
        "attributes": {"id": "S", "status": "S"},
        "billing_mode": "PAY_PER_REQUEST",
        "indexes": {"by-status": "status"},
        "stream_view_type": "NEW_AND_OLD_IMAGES",
        "ttl": None,
        "table_class": "STANDARD",
        "tags": {"of": "the table"},
        "deletion_protection": False,
    }
    main_arn = create_table(tool, SEPARATE, settings)
    walk.put_all(HOME, SEPARATE, ITEMS, client=walk.observer)
    main = main_arn.split(":")[3]
    for region in (SECOND, THIRD):
        tool.update_replica(main, SEPARATE, "Create", region)
        tool.wait_replica(main, SEPARATE, region, "ACTIVE")
        tool.set_tags(region, replica_arn(tool, main, region), {"of": region})
        tool.set_deletion_protection(region, SEPARATE, region == THIRD)
    for region in (SECOND, THIRD):
        expect_replica(tool, main, region, {"of": region}, region == THIRD, "STANDARD")
    check.equal_items(walk.expect_converged(SEPARATE, ["id"]), ITEMS, ["id"], f"the items of {SEPARATE}")

    # `table_class_override`, then the tags and the protection.
    tool.update_replica(main, SEPARATE, "Update", SECOND, TableClassOverride="STANDARD_INFREQUENT_ACCESS")
    tool.wait_replica(main, SEPARATE, SECOND, "ACTIVE")
    tool.set_tags(THIRD, replica_arn(tool, main, THIRD), {"changed": "yes"})
    tool.set_deletion_protection(THIRD, SEPARATE, False)
    expect_replica(tool, main, SECOND, {"of": SECOND}, False, "STANDARD_INFREQUENT_ACCESS")
    expect_replica(tool, main, THIRD, {"changed": "yes"}, False, "STANDARD")
    check.equal(tool.tags(main, main_arn), settings["tags"], "tags of the table itself")

    for region in (THIRD, SECOND):
        tool.update_replica(main, SEPARATE, "Delete", region)
        tool.wait_replica(main, SEPARATE, region, None)
    delete_table(tool, SEPARATE)


def replica_arn(tool, main, region):
    """The provider looks the replica up in the table's Region and then describes it in its own."""
    listed = [replica["RegionName"] for replica in tool.table(main, SEPARATE)["Replicas"]]
    check.that(region in listed, f"{region} is not among {listed}")
    return tool.table(region, SEPARATE)["TableArn"]


def expect_replica(tool, main, region, tags, protected, table_class):
    """What the resource's refresh reads, in both Regions."""

    def as_configured():
        listed = next(each for each in tool.table(main, SEPARATE)["Replicas"] if each["RegionName"] == region)
        there = listed.get("ReplicaTableClassSummary", {}).get("TableClass", "STANDARD")
        check.equal(there, table_class, f"class of the replica in {region}, told in {main}")
        table = tool.wait_active(region, SEPARATE)
        here = table.get("TableClassSummary", {}).get("TableClass", "STANDARD")
        check.equal(here, table_class, f"class of the replica in {region}")
        check.equal(table["DeletionProtectionEnabled"], protected, f"protection in {region}")
        check.equal(tool.tags(region, table["TableArn"]), tags, f"tags in {region}")
        check.equal(tool.recovers_points_in_time(region, SEPARATE), False, f"recovery in {region}")
        others = {replica["RegionName"] for replica in table["Replicas"]}
        check.equal(others, {HOME, SECOND, THIRD} - {region}, f"Replicas in {region}")

    check.eventually(f"the replica in {region} is as configured", as_configured)


def no_legacy_global_tables(walk):
    """`aws_dynamodb_global_table`: the provider's error tells what to use instead."""
    group = [{"RegionName": HOME}, {"RegionName": SECOND}]
    with check.refused("ValidationException", "version 2017.11.29 is not supported"):
        walk.call(HOME, "CreateGlobalTable", GlobalTableName=TABLE, ReplicationGroup=group)
    with check.refused("GlobalTableNotFoundException", f"Global table with name: '{TABLE}' does not exist"):
        walk.call(HOME, "DescribeGlobalTable", GlobalTableName=TABLE)
    check.equal(walk.call(HOME, "ListGlobalTables")["GlobalTables"], [], "ListGlobalTables")
