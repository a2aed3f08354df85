"""SIGTERM stops a server gracefully, and it starts again where it was."""

from walk import check
from walk.context import HOME, SECOND, n, s

TITLE = "SIGTERM ends with exit code 0, and a new start has everything"
TABLE = "kept"


def run(walk):
    walk.create_global_table(TABLE, "id", regions=(HOME, SECOND))
    items = [{"id": s(f"kept-{number}"), "number": n(number)} for number in range(50)]
    walk.put_all(HOME, TABLE, items, client=walk.observer)
    walk.expect_converged(TABLE, ["id"], regions=(HOME, SECOND))
    for server in walk.cluster.servers:
        check.equal(server.stop(), 0, f"exit code of {server.name} after SIGTERM")
        check.that(not server.healthy(), f"something still answers for {server.name}")
    walk.cluster.start()
    for region in (HOME, SECOND):
        check.equal_items(walk.scan(region, TABLE), items, ["id"], f"{TABLE} in {region} after a new start")
    key = {"id": s("kept-7")}
    walk.call(
        HOME,
        "UpdateItem",
        TableName=TABLE,
        Key=key,
        UpdateExpression="SET again = :yes",
        ExpressionAttributeValues={":yes": {"BOOL": True}},
    )
    changed = items[7] | {"again": {"BOOL": True}}
    walk.expect_item(SECOND, TABLE, key, changed, f"an update after the new start appears in {SECOND}")
    for server in walk.cluster.servers:
        check.equal(server.stop(), 0, f"exit code of {server.name} after the second SIGTERM")
