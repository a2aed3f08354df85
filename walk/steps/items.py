"""A first table, and items with every attribute type: put, get, update, delete, with conditions."""

from walk import check
from walk.context import HOME, n, s

TITLE = "items of every attribute type: put, get, update, delete"
TABLE = "entity"
KEY = {"id": s("e-1")}
ITEM = KEY | {
    "string": s("naïve ☃ \"quoted\" \\ text"),
    "blank": s(""),
    "number": n("-12345678901234567890.123456789012345678"),
    "tiny": n("1E-130"),
    "count": n("7.50"),
    "payload": {"B": b"bytes \x00\x01 of the item"},
    "yes": {"BOOL": True},
    "no": {"BOOL": False},
    "nothing": {"NULL": True},
    "strings": {"SS": ["b", "a", "c"]},
    "numbers": {"NS": ["3", "-1.5", "2"]},
    "binaries": {"BS": [b"two", b"one"]},
    "list": {"L": [s("x"), n(1), {"L": []}, {"M": {"deep": {"L": [{"NULL": True}]}}}]},
    "map": {"M": {"a": {"M": {"b": {"M": {"c": n(42)}}}}, "empty": {"M": {}}}},
}


def run(walk):
    walk.create_table(TABLE, "id")
    check.equal(walk.call(HOME, "ListTables")["TableNames"], [TABLE], "ListTables")
    with check.refused("ResourceInUseException", TABLE):
        walk.create_table(TABLE, "id")
    put_and_get(walk)
    update(walk)
    conditions(walk)
    delete(walk)
    wrong_requests(walk)


def put_and_get(walk):
    check.equal(walk.get(HOME, TABLE, KEY), None, "an item that was never put")
    walk.call(HOME, "PutItem", TableName=TABLE, Item=ITEM)
    check.equal(walk.get(HOME, TABLE, KEY), ITEM, "GetItem after PutItem")
    part = walk.call(
        HOME,
        "GetItem",
        TableName=TABLE,
        Key=KEY,
        ProjectionExpression="#m.a.b, #l[1], binaries",
        ExpressionAttributeNames={"#m": "map", "#l": "list"},
    )["Item"]
    wanted = {"map": {"M": {"a": {"M": {"b": {"M": {"c": n(42)}}}}}}, "list": {"L": [n(1)]}, "binaries": ITEM["binaries"]}
    check.equal(part, wanted, "GetItem with a projection of nested paths")


def update(walk):
    answer = walk.call(
        HOME,
        "UpdateItem",
        TableName=TABLE,
        Key=KEY,
        UpdateExpression=(
            "SET #map.a.b.c = #map.a.b.c + :one, #list[0] = :text, fresh = if_not_exists(fresh, :text), "
            "#list[3].deep = list_append(#list[3].deep, :more) REMOVE blank, #list[2] "
            "ADD #count :some, numbers :numbers DELETE strings :strings"
        ),
        ExpressionAttributeNames={"#map": "map", "#list": "list", "#count": "count"},
        ExpressionAttributeValues={
            ":one": n(1),
            ":some": n("0.25"),
            ":text": s("new"),
            ":more": {"L": [{"BOOL": True}]},
            ":numbers": {"NS": ["7"]},
            ":strings": {"SS": ["a", "zzz"]},
        },
        ReturnValues="ALL_NEW",
    )
    wanted = dict(ITEM)
    del wanted["blank"]
    wanted["fresh"] = s("new")
    wanted["strings"] = {"SS": ["b", "c"]}
    wanted["numbers"] = {"NS": ["3", "-1.5", "2", "7"]}
    wanted["list"] = {"L": [s("new"), n(1), {"M": {"deep": {"L": [{"NULL": True}, {"BOOL": True}]}}}]}
    wanted["map"] = {"M": {"a": {"M": {"b": {"M": {"c": n(43)}}}}, "empty": {"M": {}}}}
    wanted["count"] = n("7.75")
    check.equal(answer["Attributes"], wanted, "ALL_NEW of UpdateItem")
    check.equal(walk.get(HOME, TABLE, KEY), wanted, "GetItem after UpdateItem")

    made = {"id": s("e-2")}
    answer = walk.call(
        HOME,
        "UpdateItem",
        TableName=TABLE,
        Key=made,
        UpdateExpression="ADD visits :one",
        ExpressionAttributeValues={":one": n(1)},
        ReturnValues="UPDATED_NEW",
    )
    check.equal(answer["Attributes"], {"visits": n(1)}, "UPDATED_NEW of an item that UpdateItem makes")


def conditions(walk):
    before = walk.get(HOME, TABLE, KEY)
    with check.refused("ConditionalCheckFailedException", "The conditional request failed"):
        walk.call(
            HOME, "PutItem", TableName=TABLE, Item=KEY, ConditionExpression="attribute_not_exists(id)"
        )
    with check.refused("ConditionalCheckFailedException"):
        walk.call(
            HOME,
            "UpdateItem",
            TableName=TABLE,
            Key=KEY,
            UpdateExpression="SET fresh = :new",
            ConditionExpression="#m.a.b.c BETWEEN :low AND :high OR contains(strings, :gone)",
            ExpressionAttributeNames={"#m": "map"},
            ExpressionAttributeValues={":new": s("never"), ":low": n(44), ":high": n(50), ":gone": s("a")},
        )
    check.equal(walk.get(HOME, TABLE, KEY), before, "the item after conditions that failed")
    walk.call(
        HOME,
        "PutItem",
        TableName=TABLE,
        Item=KEY | {"kept": n(1)},
        ConditionExpression="size(strings) = :two AND attribute_type(payload, :b) AND begins_with(fresh, :n)",
        ExpressionAttributeValues={":two": n(2), ":b": s("B"), ":n": s("ne")},
    )
    check.equal(walk.get(HOME, TABLE, KEY), KEY | {"kept": n(1)}, "PutItem replaces the whole item")


def delete(walk):
    with check.refused("ConditionalCheckFailedException"):
        walk.call(
            HOME,
            "DeleteItem",
            TableName=TABLE,
            Key=KEY,
            ConditionExpression="kept > :one",
            ExpressionAttributeValues={":one": n(1)},
        )
    gone = walk.call(HOME, "DeleteItem", TableName=TABLE, Key=KEY, ReturnValues="ALL_OLD")
    check.equal(gone["Attributes"], KEY | {"kept": n(1)}, "ALL_OLD of DeleteItem")
    check.equal(walk.get(HOME, TABLE, KEY), None, "GetItem after DeleteItem")
    again = walk.call(HOME, "DeleteItem", TableName=TABLE, Key=KEY, ReturnValues="ALL_OLD")
    check.that("Attributes" not in again, f"a second DeleteItem found something: {again}")
    left = walk.scan(HOME, TABLE)
    check.equal(left, [{"id": s("e-2"), "visits": n(1)}], "what is left in the table")


def wrong_requests(walk):
    with check.refused("ResourceNotFoundException"):
        walk.call(HOME, "GetItem", TableName="no-such-table", Key=KEY)
    with check.refused("ValidationException", "The provided key element does not match the schema"):
        walk.call(HOME, "GetItem", TableName=TABLE, Key={"id": n(1)})
