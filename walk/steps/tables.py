"""Tables as a person makes them by hand: waiters, pages of names, tags, limits, a table that is dropped."""

from walk import check
from walk.context import HOME, SECOND, key_schema

TITLE = "tables with waiters, pages of names, tags, provisioned throughput"
NAMES = [f"shelf-{letter}" for letter in "abcde"]
THROUGHPUT = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 4}


def run(walk):
    first, *others = NAMES
    create(walk.client, first)
    walk.client.wait(HOME, "TableExists", TableName=first)
    for name in others:
        create(walk.observer, name)
        walk.observer.wait(HOME, "TableExists", TableName=name)
    described(walk, first)
    listed(walk)
    dropped(walk)


def create(client, name):
    client.call(
        HOME,
        "CreateTable",
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=key_schema("id"),
        ProvisionedThroughput=THROUGHPUT,
        Tags=[{"Key": "room", "Value": name}],
    )


def described(walk, name):
    table = walk.wait_for_table(HOME, name)
    found = {name: table["ProvisionedThroughput"][name] for name in THROUGHPUT}
    check.equal(found, THROUGHPUT, "ProvisionedThroughput of a new table")
    check.equal(table["KeySchema"], key_schema("id"), "KeySchema of a new table")
    tags = walk.call(HOME, "ListTagsOfResource", ResourceArn=table["TableArn"])["Tags"]
    check.equal(tags, [{"Key": "room", "Value": name}], "tags given with CreateTable")
    with check.refused("ResourceInUseException", f"Table already exists: {name}"):
        create(walk.client, name)


def listed(walk):
    """The client's own pages: three names, in pages of two, and then the rest."""
    first, token = walk.client.pages(HOME, "ListTables", page_size=2, max_items=3, result="TableNames")
    check.equal(len(first), 3, "names when three are wanted")
    check.that(token is not None, "three names of five and more, but no token to go on")
    rest, token = walk.client.pages(
        HOME, "ListTables", page_size=2, max_items=1000, starting_token=token, result="TableNames"
    )
    check.that(token is None, "all names were listed, but there is a token to go on")
    names = first + rest
    check.equal(names, sorted(names), "the order of the names")
    check.that(set(NAMES) <= set(names), f"not all tables are listed: {names}")
    check.that(
        not set(NAMES) & set(walk.call(SECOND, "ListTables").get("TableNames", [])),
        f"tables of {HOME} are listed in {SECOND}",
    )


def dropped(walk):
    first, *others = NAMES
    for client, names in ((walk.client, [first]), (walk.observer, others)):
        for name in names:
            client.call(HOME, "DeleteTable", TableName=name)

    def gone():
        left = set(NAMES) & set(walk.observer.call(HOME, "ListTables")["TableNames"])
        check.that(not left, f"still listed: {left}")

    check.eventually("dropped tables are no longer listed", gone)
    walk.client.wait(HOME, "TableNotExists", TableName=first)
    with check.refused(
        "ResourceNotFoundException", f"Requested resource not found: Table: {first} not found"
    ):
        walk.call(HOME, "DescribeTable", TableName=first)
