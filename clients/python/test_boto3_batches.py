"""Batches through boto3: the batch writer, its sorting out of duplicates, reads with unprocessed keys asked again."""

from decimal import Decimal

from boto3.dynamodb.types import TypeSerializer

from conftest import create, refused

serialize = TypeSerializer().serialize


def wire(item):
    return {name: serialize(value) for name, value in item.items()}


def test_the_batch_writer_puts_and_deletes(table):
    with table.batch_writer() as batch:
        for number in range(130):
            batch.put_item(Item={"pk": f"p{number % 4}", "sk": number, "v": f"v{number}"})
        for number in range(0, 130, 2):
            batch.delete_item(Key={"pk": f"p{number % 4}", "sk": number})
    assert sorted(int(item["sk"]) for item in table.scan()["Items"]) == list(range(1, 130, 2))


def test_the_batch_writer_keeps_the_last_of_duplicates(table):
    with table.batch_writer(overwrite_by_pkeys=["pk", "sk"]) as batch:
        for version in range(10):
            batch.put_item(Item={"pk": "same", "sk": 1, "version": version})
    assert table.scan()["Items"] == [{"pk": "same", "sk": 1, "version": 9}]
    with refused("ValidationException", "Provided list of item keys contains duplicates"):
        with table.batch_writer() as batch:
            for version in range(2):
                batch.put_item(Item={"pk": "same", "sk": 1, "version": version})


def test_writes_and_reads_over_two_tables(resource, client, name, table):
    other = create(resource, f"{name}-other", "id:S")
    try:
        answer = resource.batch_write_item(
            RequestItems={
                name: [
                    {"PutRequest": {"Item": {"pk": "a", "sk": number, "v": number}}} for number in range(20)
                ],
                other.name: [{"PutRequest": {"Item": {"id": f"i{number}"}}} for number in range(5)],
            },
            ReturnConsumedCapacity="TOTAL",
        )
        assert answer["UnprocessedItems"] == {}
        units = {one["TableName"]: one["CapacityUnits"] for one in answer["ConsumedCapacity"]}
        assert units == {name: 20.0, other.name: 5.0}
        answer = resource.batch_get_item(
            RequestItems={
                name: {
                    "Keys": [{"pk": "a", "sk": number} for number in (3, 4, 99)],
                    "ProjectionExpression": "v",
                },
                other.name: {"Keys": [{"id": "i1"}, {"id": "none"}], "ConsistentRead": True},
            }
        )
        assert sorted(item["v"] for item in answer["Responses"][name]) == [3, 4]
        assert answer["Responses"][other.name] == [{"id": "i1"}]
        assert answer["UnprocessedKeys"] == {}
    finally:
        client.delete_table(TableName=other.name)


def test_unprocessed_keys_are_asked_again(resource, table):
    """50 items of 380 KB are more than the 16 MB of one answer."""
    with table.batch_writer() as batch:
        for number in range(50):
            batch.put_item(Item={"pk": "big", "sk": number, "v": "x" * 380_000})
    wanted = {table.name: {"Keys": [{"pk": "big", "sk": Decimal(number)} for number in range(50)]}}
    found, rounds = [], 0
    while wanted:
        answer = resource.batch_get_item(RequestItems=wanted)
        found += [int(item["sk"]) for item in answer["Responses"][table.name]]
        wanted, rounds = answer["UnprocessedKeys"], rounds + 1
        assert rounds < 10
    assert sorted(found) == list(range(50)) and rounds > 1


def test_batches_that_are_refused(client, table):
    put = [{"PutRequest": {"Item": wire({"pk": "a", "sk": number})}} for number in range(26)]
    with refused("ValidationException") as caught:
        client.batch_write_item(RequestItems={table.name: put})
    message = caught.response["Error"]["Message"]
    assert "Member must have length less than or equal to 25" in message, message
    keys = {"Keys": [wire({"pk": "a", "sk": number}) for number in range(60)]}
    with refused("ValidationException", "Too many items requested for the BatchGetItem call"):
        client.batch_get_item(RequestItems={table.name: keys, "other": keys})
    with refused("ResourceNotFoundException", "Requested resource not found"):
        client.batch_write_item(RequestItems={table.name: put[:1], "no-such-table": put[:1]})
    assert table.scan()["Items"] == []
