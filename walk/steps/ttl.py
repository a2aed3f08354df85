"""Time to live: an expired item disappears in every Region, and nothing else does."""

import time

from walk import check
from walk.context import HOME, SECOND, n, s
from walk.steps.streams import VIEW, find_records

TITLE = "time to live: expired items go in every Region, others stay"
TABLE = "session"
REGIONS = (HOME, SECOND)
EXPIRY_TIMEOUT_S = 60
YEAR_S = 365 * 24 * 3600


def run(walk):
    walk.create_global_table(TABLE, "id", regions=REGIONS, StreamSpecification=VIEW)
    now = int(time.time())
    expired = [{"id": s(f"expired-{number}"), "expires": n(now - 60 - number)} for number in range(3)]
    kept = [
        {"id": s("later"), "expires": n(now + 3600)},
        {"id": s("never")},
        {"id": s("not-a-number"), "expires": s(str(now - 60))},
        {"id": s("long-ago"), "expires": n(now - 6 * YEAR_S)},  # more than five years: not taken for a time
    ]
    walk.put_all(HOME, TABLE, kept + expired[:1])
    answer = walk.call(
        HOME,
        "UpdateTimeToLive",
        TableName=TABLE,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"},
    )
    wanted = {"Enabled": True, "AttributeName": "expires"}
    check.equal(answer["TimeToLiveSpecification"], wanted, "UpdateTimeToLive")
    for region in REGIONS:
        check.eventually(
            f"time to live is enabled in {region}", lambda here=region: expect_enabled(walk, here), EXPIRY_TIMEOUT_S
        )
    walk.put_all(SECOND, TABLE, expired[1:])
    for region in REGIONS:
        check.eventually(
            f"expired items are gone in {region}",
            lambda here=region: check.equal_items(walk.scan(here, TABLE), kept, ["id"], f"{TABLE} in {here}"),
            EXPIRY_TIMEOUT_S,
            pause_s=0.5,
        )
    expect_told_by_the_service(walk, expired)


def expect_enabled(walk, region):
    described = walk.call(region, "DescribeTimeToLive", TableName=TABLE)["TimeToLiveDescription"]
    wanted = {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    check.equal(described, wanted, f"DescribeTimeToLive in {region}")


def expect_told_by_the_service(walk, expired):
    """Where an item expired, its REMOVE record says that it was the service, not a user."""
    by_service = []
    for region in REGIONS:
        removed = [r for r in find_records(walk.observer, region, TABLE) if r["eventName"] == "REMOVE"]
        names = sorted(record["dynamodb"]["Keys"]["id"]["S"] for record in removed)
        check.equal(names, sorted(item["id"]["S"] for item in expired), f"REMOVE records in {region}")
        by_service += [record for record in removed if "userIdentity" in record]
    for record in by_service:
        wanted = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
        check.equal(record["userIdentity"], wanted, "userIdentity of an expiry")
    named = {record["dynamodb"]["Keys"]["id"]["S"] for record in by_service}
    check.equal(named, {item["id"]["S"] for item in expired}, "items whose expiry is marked in some Region")
