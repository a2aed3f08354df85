"""The calls of CloudFormation's handler for `AWS::DynamoDB::GlobalTable`: stacks with two and three Regions, created,
read, updated and deleted.

The handler lives in one Region, HOME, and has clients for the others. Deleting, it may only call DeleteTable, so every
replica is deleted in its own Region.
"""

from walk import check
from walk.context import HOME, SECOND, THIRD, s
from walk.provisioner import Provisioner, index_keys, index_over, tag_list

TITLE = "global tables as CloudFormation provisions them: stacks of two and three Regions"
STACK = "stack-of-two"
LARGE_STACK = "stack-of-three"
PROVISIONED_STACK = "stack-provisioned"
THROUGHPUT = {"ReadCapacityUnits": 6, "WriteCapacityUnits": 5}
OFF = {"AutoScalingDisabled": True, "ScalingPolicies": []}
ITEMS = [{"id": s(f"part-{number:03}"), "status": s(f"s-{number % 3}"), "kind": s("k")} for number in range(80)]


def run(walk):
    tool = Provisioner(walk)
    two_regions(walk, tool)
    three_regions(walk, tool)
    provisioned(tool)


def template(name, regions):
    """The properties of a resource, as far as they are used here."""
    return {
        "TableName": name,
        "AttributeDefinitions": {"id": "S", "status": "S"},
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": {"by-status": "status"},
        "TimeToLive": "expires",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
        "Replicas": {region: replica(region) for region in regions},
    }


def replica(region):
    return {"Tags": {"where": region}, "DeletionProtectionEnabled": False}


def two_regions(walk, tool):
    wanted = template(STACK, (HOME, SECOND))
    wanted["Replicas"][SECOND]["DeletionProtectionEnabled"] = True
    create(tool, wanted)
    expect_stack(tool, wanted)
    walk.put_all(SECOND, STACK, ITEMS, client=walk.observer)

    # An update adds at most one replica.
    wanted["Replicas"][THIRD] = replica(THIRD)
    add_replica(tool, STACK, THIRD, wanted["Replicas"][THIRD])
    expect_stack(tool, wanted)
    check.equal_items(walk.expect_converged(STACK, ["id"]), ITEMS, ["id"], f"the items of {STACK}")

    # Another one changes an index, tags and protection.
    wanted["AttributeDefinitions"]["kind"] = "S"
    wanted["GlobalSecondaryIndexes"]["by-kind"] = "kind"
    tool.create_index(HOME, STACK, "by-kind", "kind")
    for region, settings in wanted["Replicas"].items():
        settings["Tags"] = {"moved": "yes", "where": region.upper()}
        settings["DeletionProtectionEnabled"] = region == HOME
        apply_replica(tool, STACK, region, settings)
    expect_stack(tool, wanted)

    # What this server does not have is told, not taken.
    with check.refused("ValidationException", "COMPAT.md"):
        set_recovery(tool, STACK, SECOND, True)
    with check.refused("ValidationException", "COMPAT.md"):
        set_insights(tool, STACK, SECOND, "ENABLE")
    expect_stack(tool, wanted)

    # One replica less.
    del wanted["Replicas"][SECOND]
    tool.update_replica(HOME, STACK, "Delete", SECOND)
    tool.wait_replica(HOME, STACK, SECOND, None)
    tool.wait_gone(SECOND, STACK)
    expect_stack(tool, wanted)

    wanted["Replicas"][HOME]["DeletionProtectionEnabled"] = False
    apply_replica(tool, STACK, HOME, wanted["Replicas"][HOME])
    delete(tool, wanted)


def three_regions(walk, tool):
    wanted = template(LARGE_STACK, (HOME, SECOND, THIRD))
    create(tool, wanted)
    expect_stack(tool, wanted)
    walk.put_all(THIRD, LARGE_STACK, ITEMS, client=walk.observer)
    walk.expect_converged(LARGE_STACK, ["id"])
    delete(tool, wanted)
    # The same stack once more: nothing of the first is in its way.
    create(tool, wanted)
    expect_stack(tool, wanted)
    check.equal(walk.scan(SECOND, LARGE_STACK), [], "items of a stack that was made anew")
    delete(tool, wanted)


def provisioned(tool):
    """An update to provisioned capacity: one UpdateTable, then the settings for scaling. Nothing scales by them, but
    every Region tells them, and a table whose writes are to be scaled may have another replica."""
    wanted = template(PROVISIONED_STACK, (HOME, SECOND))
    create(tool, wanted)
    wanted["BillingMode"] = "PROVISIONED"
    tool.change(
        HOME,
        "UpdateTable",
        TableName=PROVISIONED_STACK,
        BillingMode="PROVISIONED",
        ProvisionedThroughput=THROUGHPUT,
        GlobalSecondaryIndexUpdates=[
            {"Update": {"IndexName": index, "ProvisionedThroughput": THROUGHPUT}}
            for index in wanted["GlobalSecondaryIndexes"]
        ],
    )
    tool.wait_active(HOME, PROVISIONED_STACK)
    with check.refused("ValidationException", "should either be Pay-Per-Request or AutoScaled"):
        tool.update_replica(HOME, PROVISIONED_STACK, "Create", THIRD)
    writes = {"ProvisionedWriteCapacityAutoScalingUpdate": scaling(5, 50)}
    wanted["Scaling"] = {"writes": shown(scaling(5, 50)), SECOND: shown(scaling(6, 60))}
    tool.change(
        HOME,
        "UpdateTableReplicaAutoScaling",
        TableName=PROVISIONED_STACK,
        GlobalSecondaryIndexUpdates=[{"IndexName": index, **writes} for index in wanted["GlobalSecondaryIndexes"]],
        ReplicaUpdates=[
            {"RegionName": SECOND, "ReplicaProvisionedReadCapacityAutoScalingUpdate": scaling(6, 60)}
        ],
        **writes,
    )
    expect_stack(tool, wanted)
    wanted["Replicas"][THIRD] = replica(THIRD)
    add_replica(tool, PROVISIONED_STACK, THIRD, wanted["Replicas"][THIRD])
    expect_stack(tool, wanted)
    for region in wanted["Replicas"]:
        capacity = tool.table(region, PROVISIONED_STACK)["ProvisionedThroughput"]
        check.equal({key: capacity[key] for key in THROUGHPUT}, THROUGHPUT, f"capacity in {region}")
    delete(tool, wanted)


def scaling(minimum, maximum):
    """An update of one setting, with a policy that tracks 70 percent."""
    target = {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0}, "PolicyName": "track"}
    return {"MinimumUnits": minimum, "MaximumUnits": maximum, "ScalingPolicyUpdate": target}


def shown(update):
    """A setting as it is told after an update, without the role."""
    told = {key: value for key, value in update.items() if key != "ScalingPolicyUpdate"}
    return told | {"AutoScalingDisabled": False, "ScalingPolicies": [update["ScalingPolicyUpdate"]]}


def create(tool, wanted):
    """The table in the stack's own Region with its settings, then the other replicas, one after the other."""
    name, here = wanted["TableName"], wanted["Replicas"][HOME]
    tool.create_table(
        HOME,
        TableName=name,
        BillingMode=wanted["BillingMode"],
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": kind}
            for attribute, kind in wanted["AttributeDefinitions"].items()
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[index_over(*index) for index in wanted["GlobalSecondaryIndexes"].items()],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": wanted["StreamViewType"]},
        DeletionProtectionEnabled=here["DeletionProtectionEnabled"],
        Tags=tag_list(here["Tags"]),
    )
    tool.wait_active(HOME, name)
    tool.enable_ttl(HOME, name, wanted["TimeToLive"])
    apply_replica(tool, name, HOME, here)
    for region, settings in wanted["Replicas"].items():
        if region != HOME:
            add_replica(tool, name, region, settings)


def add_replica(tool, name, region, settings):
    tool.update_replica(HOME, name, "Create", region)
    tool.wait_replica(HOME, name, region, "ACTIVE")
    tool.wait_active(HOME, name)
    tool.wait_active(region, name)
    apply_replica(tool, name, region, settings)


def apply_replica(tool, name, region, settings):
    """What belongs to one replica alone, through its Region; what the template has switched off is switched off."""
    tool.set_tags(region, tool.table(region, name)["TableArn"], settings["Tags"])
    tool.set_deletion_protection(region, name, settings["DeletionProtectionEnabled"])
    set_recovery(tool, name, region, False)
    set_insights(tool, name, region, "DISABLE")
    for index in index_keys(tool.table(region, name)):
        set_insights(tool, name, region, "DISABLE", IndexName=index)


def set_recovery(tool, name, region, enabled):
    specification = {"PointInTimeRecoveryEnabled": enabled}
    tool.change(
        region, "UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=specification
    )


def set_insights(tool, name, region, action, **index):
    tool.change(region, "UpdateContributorInsights", TableName=name, ContributorInsightsAction=action, **index)


def delete(tool, wanted):
    """The other replicas first, each in its own Region; the stack's Region last."""
    name = wanted["TableName"]
    for region in [region for region in wanted["Replicas"] if region != HOME] + [HOME]:
        tool.change(region, "DeleteTable", TableName=name)
        tool.wait_gone(region, name)
        if region != HOME:
            tool.wait_replica(HOME, name, region, None)


def expect_stack(tool, wanted):
    """What the read handler reads, in every Region of the stack."""
    regions = set(wanted["Replicas"])
    for region, settings in wanted["Replicas"].items():
        check.eventually(
            f"{wanted['TableName']} is as configured in {region}",
            lambda region=region, settings=settings: expect_replica(tool, wanted, regions, region, settings),
        )


def expect_replica(tool, wanted, regions, region, settings):
    name = wanted["TableName"]
    table = tool.wait_active(region, name)
    found = {
        "TableName": table["TableName"],
        "AttributeDefinitions": {
            each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]
        },
        # A provisioned global table has no summary.
        "BillingMode": table.get("BillingModeSummary", {"BillingMode": "PROVISIONED"})["BillingMode"],
        "GlobalSecondaryIndexes": index_keys(table),
        "TimeToLive": tool.ttl(region, name),
        "StreamViewType": table["StreamSpecification"]["StreamViewType"],
    }
    check.equal(found, {key: wanted[key] for key in found}, f"{name} as it is read in {region}")
    others = {each["RegionName"]: each["ReplicaStatus"] for each in table.get("Replicas", [])}
    check.equal(others, dict.fromkeys(regions - {region}, "ACTIVE"), f"Replicas of {name} in {region}")
    version = table.get("GlobalTableVersion")
    check.equal(version, "2019.11.21" if others else None, f"GlobalTableVersion of {name} in {region}")
    check.equal(tool.tags(region, table["TableArn"]), settings["Tags"], f"tags in {region}")
    protected = table["DeletionProtectionEnabled"]
    check.equal(protected, settings["DeletionProtectionEnabled"], f"protection in {region}")
    expect_nothing_else(tool, table, region)
    expect_auto_scaling(tool, wanted, region)


def expect_nothing_else(tool, table, region):
    """No recovery, insights, Kinesis destination or policy: each is asked for, of the table and what belongs to it."""
    name = table["TableName"]
    check.equal(tool.recovers_points_in_time(region, name), False, f"recovery in {region}")
    for index in [{}, *({"IndexName": index} for index in index_keys(table))]:
        insights = tool.read(region, "DescribeContributorInsights", TableName=name, **index)
        check.equal(insights["ContributorInsightsStatus"], "DISABLED", f"insights {index} in {region}")
    kinesis = tool.read(region, "DescribeKinesisStreamingDestination", TableName=name)
    check.equal(kinesis["KinesisDataStreamDestinations"], [], f"Kinesis destinations in {region}")
    for arn in (table["TableArn"], table["LatestStreamArn"]):
        policy = tool.read_or_none(region, "GetResourcePolicy", "PolicyNotFoundException", ResourceArn=arn)
        check.equal(policy, None, f"policy of {arn}")


def expect_auto_scaling(tool, wanted, region):
    """A table of one Region has no such settings; in a global one, every member tells of all."""
    name, regions, scaled = wanted["TableName"], sorted(wanted["Replicas"]), wanted.get("Scaling", {})
    answer = tool.read_or_none(
        region, "DescribeTableReplicaAutoScaling", "ResourceNotFoundException", TableName=name
    )
    if len(regions) == 1:
        check.equal(answer, None, f"auto scaling of {name}")
        return
    described = answer["TableAutoScalingDescription"]["Replicas"]
    check.equal([each["RegionName"] for each in described], regions, f"members told in {region}")
    for each in described:
        reads = without_role(each["ReplicaProvisionedReadCapacityAutoScalingSettings"])
        writes = without_role(each["ReplicaProvisionedWriteCapacityAutoScalingSettings"])
        check.equal(reads, scaled.get(each["RegionName"], OFF), f"reads of {each}, told in {region}")
        check.equal(writes, scaled.get("writes", OFF), f"writes of {each}, told in {region}")
        for index in each["GlobalSecondaryIndexes"]:
            writes = without_role(index["ProvisionedWriteCapacityAutoScalingSettings"])
            check.equal(writes, scaled.get("writes", OFF), f"writes of {index}, told in {region}")


def without_role(setting):
    return {key: value for key, value in setting.items() if key != "AutoScalingRoleArn"}
