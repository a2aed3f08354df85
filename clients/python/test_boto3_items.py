"""Items through boto3's resource: every type comes back as it went, conditions and updates in all their forms."""

from decimal import Decimal

import pytest
from boto3.dynamodb.conditions import Attr
from boto3.dynamodb.types import Binary

from conftest import create, refused

EVERY_TYPE = {
    "string": 'Grüße, 世界 🌍 \u0000 " \\',
    "empty": "",
    "integer": Decimal("-42"),
    "long": Decimal("12345678901234567890123456789012345678"),
    "fraction": Decimal("-1.2345678901234567890123456789012345678E-35"),
    "small": Decimal("1E-130"),
    "zero": Decimal("0"),
    "binary": Binary(bytes(range(256))),
    "no bytes": Binary(b""),
    "true": True,
    "false": False,
    "null": None,
    "list": ["a", Decimal("1"), None, ["deep", {"deeper": [Decimal("2"), []]}], {}],
    "map": {"a": {"b": {"c": [True, {"d.e": "f"}]}}, "": "empty name"},
    "strings": {"a", "b", ""},
    "numbers": {Decimal("1"), Decimal("2.5"), Decimal("-3E+10")},
    "binaries": {Binary(b"\x00"), Binary(b"\xff\xfe")},
}


def test_every_type_comes_back_as_it_went(table):
    item = {"pk": "types", "sk": Decimal(1)} | EVERY_TYPE
    table.put_item(Item=item)
    assert table.get_item(Key={"pk": "types", "sk": 1})["Item"] == item
    assert table.scan()["Items"] == [item]


def test_numbers_keep_their_value_in_one_form(client, table):
    wire = {"0012.500": "12.5", "1E2": "100", "-0": "0", "1e-3": "0.001", "5E+30": "5" + "0" * 30, "+7": "7"}
    wire |= {
        "1e125": "1" + "0" * 125,
        "9" * 38 + "E88": "9" * 38 + "0" * 88,
    }  # which boto3's resource cannot read
    for place, (sent, back) in enumerate(wire.items()):
        key = {"pk": {"S": "n"}, "sk": {"N": str(place)}}
        client.put_item(TableName=table.name, Item=key | {"n": {"N": sent}})
        found = client.get_item(TableName=table.name, Key=key)["Item"]["n"]["N"]
        assert found == back, f"{sent} came back as {found}"


@pytest.mark.parametrize(
    "number, words",
    [
        ("1E126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        (
            "1E-131",
            "Number underflow. Attempting to store a number with magnitude smaller than supported range",
        ),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
        ("ten", "The parameter cannot be converted to a numeric value: ten"),
    ],
)
def test_numbers_out_of_range_are_refused(client, table, number, words):
    with refused("ValidationException", words):
        client.put_item(TableName=table.name, Item={"pk": {"S": "n"}, "sk": {"N": "1"}, "n": {"N": number}})


def test_the_key_must_fit(table):
    with refused("ValidationException", "The provided key element does not match the schema"):
        table.get_item(Key={"pk": "only"})
    with refused(
        "ValidationException",
        "One or more parameter values were invalid: Type mismatch for key sk expected: N actual: S",
    ):
        table.put_item(Item={"pk": "a", "sk": "text"})
    with refused(
        "ValidationException", "One or more parameter values were invalid: Missing the key sk in the item"
    ):
        table.put_item(Item={"pk": "a"})
    with refused(
        "ValidationException",
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
        "empty string value. Key: pk",
    ):
        table.put_item(Item={"pk": "", "sk": 1})


def test_put_returns_what_it_replaced(table):
    first, second = ({"pk": "a", "sk": 1, "v": version} for version in ("one", "two"))
    assert "Attributes" not in table.put_item(Item=first, ReturnValues="ALL_OLD")
    assert table.put_item(Item=second, ReturnValues="ALL_OLD")["Attributes"] == first
    assert table.delete_item(Key={"pk": "a", "sk": 1}, ReturnValues="ALL_OLD")["Attributes"] == second
    assert "Attributes" not in table.delete_item(Key={"pk": "a", "sk": 1}, ReturnValues="ALL_OLD")
    assert "Item" not in table.get_item(Key={"pk": "a", "sk": 1})


def test_conditions_of_the_library(table):
    key = {"pk": "a", "sk": 1}
    table.put_item(
        Item=key
        | {"n": 5, "s": "hello world", "tags": {"x", "y"}, "list": [1, 2, 3], "map": {"in": {"ner": "v"}}}
    )
    true = [
        Attr("n").eq(5),
        Attr("n").ne(6) & Attr("n").lt(6) & Attr("n").lte(5) & Attr("n").gt(4) & Attr("n").gte(5),
        Attr("n").between(1, 5),
        Attr("n").is_in([1, 3, 5]),
        Attr("s").begins_with("hello") & Attr("s").contains("o w"),
        Attr("tags").contains("x") & ~Attr("tags").contains("z"),
        Attr("list").contains(3),
        Attr("list[1]").eq(2),
        Attr("map.in.ner").eq("v"),
        Attr("map").attribute_type("M") & Attr("s").attribute_type("S"),
        Attr("absent").not_exists() & Attr("n").exists(),
        Attr("s").size().eq(11) | Attr("n").eq(0),
        ~(Attr("n").eq(1) | Attr("n").eq(2)),
        Attr("list").eq([1, 2, 3]),
        Attr("absent").ne("x"),
    ]
    false = [
        Attr("n").eq("5"),
        Attr("absent").eq(1),
        Attr("s").lt(1),
        Attr("n").between(6, 10),
        Attr("list[7]").exists(),
        Attr("tags").contains("z"),
        Attr("map.in.ner").attribute_type("N"),
        ~Attr("n").exists(),
    ]
    for condition in true:
        table.update_item(
            Key=key,
            UpdateExpression="SET seen = if_not_exists(seen, :zero) + :one",
            ConditionExpression=condition,
            ExpressionAttributeValues={":zero": 0, ":one": 1},
        )
    for condition in false:
        with refused("ConditionalCheckFailedException", "The conditional request failed"):
            table.delete_item(Key=key, ConditionExpression=condition)
    assert table.get_item(Key=key)["Item"]["seen"] == len(true)


def test_a_failed_condition_shows_the_item(client, resource, table):
    item = {"pk": "a", "sk": 1, "n": Decimal("5")}
    table.put_item(Item=item)
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
        client.put_item(
            TableName=table.name,
            Item={"pk": {"S": "a"}, "sk": {"N": "1"}},
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Item"] == {"pk": {"S": "a"}, "sk": {"N": "1"}, "n": {"N": "5"}}
    with pytest.raises(resource.meta.client.exceptions.ConditionalCheckFailedException) as caught:
        table.put_item(
            Item={"pk": "a", "sk": 1},
            ConditionExpression=Attr("pk").not_exists(),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    # The resource leaves items of errors in the form of the wire.
    assert caught.value.response["Item"]["n"] in ({"N": "5"}, Decimal("5"))


def test_updates(table):
    key = {"pk": "u", "sk": 1}

    def update(expression, returned="ALL_NEW", names=None, **values):
        arguments = (
            {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}}
            if values
            else {}
        )
        if names:
            arguments["ExpressionAttributeNames"] = names
        answer = table.update_item(Key=key, UpdateExpression=expression, ReturnValues=returned, **arguments)
        return answer.get("Attributes")

    assert update("SET n = :n, l = :l, m = :m", n=1, l=[1, 2], m={"a": {"b": 1}}) == key | {
        "n": 1,
        "l": [1, 2],
        "m": {"a": {"b": 1}},
    }
    assert update("SET n = n + :d, #r = :x", "UPDATED_NEW", {"#r": "ref"}, d=Decimal("0.5"), x="w") == {
        "n": Decimal("1.5"),
        "ref": "w",
    }
    assert update("SET n = n - :d REMOVE #r", "UPDATED_OLD", {"#r": "ref"}, d=2) == {
        "n": Decimal("1.5"),
        "ref": "w",
    }
    assert update("SET l = list_append(l, :l)", "UPDATED_NEW", l=[3]) == {"l": [1, 2, 3]}
    assert update("REMOVE l[0]", "ALL_NEW")["l"] == [2, 3]
    assert update("SET l[7] = :end", "ALL_NEW", end="e")["l"] == [2, 3, "e"]
    assert update("SET m.a.c = :c, m.z = if_not_exists(m.z, :c)", c=[True])["m"] == {
        "a": {"b": 1, "c": [True]},
        "z": [True],
    }
    assert update("ADD n :one, s :s", one=1, s={"a", "b"})["s"] == {"a", "b"}
    assert update("DELETE s :s ADD m.a.b :one", s={"a"}, one=5)["s"] == {"b"}
    assert "s" not in update("DELETE s :s", s={"b"})
    assert update("SET #n = :v", "ALL_OLD", {"#n": "a.b"}, v=1)["m"]["a"]["b"] == 6
    assert table.get_item(
        Key=key, ProjectionExpression="#n, m.a.c[0], l[2]", ExpressionAttributeNames={"#n": "a.b"}
    )["Item"] == {"a.b": 1, "m": {"a": {"c": [True]}}, "l": ["e"]}


def test_updates_that_are_refused(table):
    key = {"pk": "u", "sk": 1}
    table.put_item(Item=key | {"s": "text", "m": {}})

    def refuse(expression, words, **values):
        arguments = (
            {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}}
            if values
            else {}
        )
        with refused("ValidationException", words):
            table.update_item(Key=key, UpdateExpression=expression, **arguments)

    refuse(
        "SET pk = :v",
        "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
        v=1,
    )
    refuse("SET s = s + :v", "An operand in the update expression has an incorrect data type", v=1)
    refuse("SET a = absent", "The provided expression refers to an attribute that does not exist in the item")
    refuse(
        "SET absent.a = :v", "The document path provided in the update expression is invalid for update", v=1
    )
    refuse(
        "SET a = :v, a = :w",
        "1 validation error detected: Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these "
        "paths; path one: [a], path two: [a]",
        v=1,
        w=2,
    )
    refuse("SET a = ", '1 validation error detected: Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "="')
    refuse(
        "SET a = :v",
        "1 validation error detected: Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}",
        v=1,
        w=2,
    )
    refuse(
        "SET a = :v, b = :x",
        "1 validation error detected: Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :x",
        v=1,
    )


def test_an_update_makes_the_item(table):
    key = {"pk": "new", "sk": Decimal("2")}
    assert "Attributes" not in table.update_item(Key=key)
    assert table.get_item(Key=key)["Item"] == key
    table.update_item(
        Key={"pk": "counter", "sk": 0},
        UpdateExpression="ADD hits :one",
        ExpressionAttributeValues={":one": 1},
    )
    assert table.get_item(Key={"pk": "counter", "sk": 0})["Item"]["hits"] == 1


def test_capacity_is_told(table):
    answer = table.put_item(Item={"pk": "c", "sk": 1, "v": "x" * 2500}, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == {"TableName": table.name, "CapacityUnits": 3.0}
    answer = table.get_item(Key={"pk": "c", "sk": 1}, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"]["CapacityUnits"] == 0.5
    answer = table.get_item(Key={"pk": "c", "sk": 1}, ReturnConsumedCapacity="INDEXES", ConsistentRead=True)
    assert answer["ConsumedCapacity"] == {
        "TableName": table.name,
        "CapacityUnits": 1.0,
        "Table": {"CapacityUnits": 1.0},
    }


def test_an_item_may_be_400_kb_and_no_more(table):
    room = 400 * 1024 - len("pkbigskv") - 2
    table.put_item(Item={"pk": "big", "sk": 1, "v": "x" * room})
    assert len(table.get_item(Key={"pk": "big", "sk": 1})["Item"]["v"]) == room
    with refused("ValidationException", "Item size has exceeded the maximum allowed size"):
        table.put_item(Item={"pk": "big", "sk": 1, "v": "x" * (room + 1)})


def test_parameters_are_checked_by_the_server_too(client, table):
    with refused("ResourceNotFoundException", "Requested resource not found"):
        client.get_item(TableName="no-such-table", Key={"pk": {"S": "a"}})
    with refused(
        "ValidationException",
        "1 validation error detected: Value 'SOME' at 'returnValues' failed to satisfy constraint: Member must "
        "satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
    ):
        client.put_item(TableName=table.name, Item={"pk": {"S": "a"}, "sk": {"N": "1"}}, ReturnValues="SOME")


def test_binary_and_number_keys(resource, name):
    table = create(resource, name, "id:B", "at:B")
    keys = [{"id": Binary(b"\x00"), "at": Binary(bytes([byte]))} for byte in (0, 1, 127, 128, 255)]
    for key in reversed(keys):
        table.put_item(Item=key)
    found = table.query(
        KeyConditionExpression="id = :id", ExpressionAttributeValues={":id": Binary(b"\x00")}
    )["Items"]
    assert found == keys
