"""PartiQL through boto3: single statements, pages, batches and transactions, with their typed errors."""

import pytest
from boto3.dynamodb.types import TypeSerializer

from conftest import refused

serialize = TypeSerializer().serialize


@pytest.fixture
def execute(client, table):
    """Runs a statement in which `T` stands for the table."""

    def run(statement, *parameters, **more):
        if parameters:
            more["Parameters"] = [serialize(parameter) for parameter in parameters]
        return client.execute_statement(Statement=statement.replace(" T", f' "{table.name}"'), **more)

    return run


def test_the_four_statements(client, table, execute):
    assert (
        execute("INSERT INTO T VALUE {'pk': ?, 'sk': ?, 'v': ?}", "a", 1, {"deep": [1, "x"]})["Items"] == []
    )
    [item] = execute("SELECT * FROM T WHERE pk = ? AND sk = ?", "a", 1)["Items"]
    assert item == {"pk": {"S": "a"}, "sk": {"N": "1"}, "v": serialize({"deep": [1, "x"]})}
    [changed] = execute(
        "UPDATE T SET n = ? SET v.deep[0] = 2 WHERE pk = 'a' AND sk = 1 RETURNING ALL NEW *", 5
    )["Items"]
    assert changed["n"] == {"N": "5"} and changed["v"] == serialize({"deep": [2, "x"]})
    [found] = execute(
        "SELECT v.deep[1], n FROM T WHERE pk = 'a' AND begins_with(pk, 'a') AND n BETWEEN 1 AND 9"
    )["Items"]
    assert found["n"] == {"N": "5"}
    [old] = execute("DELETE FROM T WHERE pk = 'a' AND sk = 1 RETURNING ALL OLD *")["Items"]
    assert old == changed
    assert execute("SELECT * FROM T")["Items"] == []


def test_typed_errors(client, execute):
    execute("INSERT INTO T VALUE {'pk': 'a', 'sk': 1}")
    with pytest.raises(client.exceptions.DuplicateItemException):
        execute("INSERT INTO T VALUE {'pk': 'a', 'sk': 1}")
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        execute("UPDATE T SET n = 1 WHERE pk = 'a' AND sk = 1 AND n = 5")
    with refused("ValidationException"):
        execute("SELEKT * FROM T")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.execute_statement(Statement='SELECT * FROM "no-such-table"')


def test_pages(table, execute):
    with table.batch_writer() as batch:
        for number in range(12):
            batch.put_item(Item={"pk": "a", "sk": number})
    found, more, pages = [], {}, 0
    while more is not None:
        answer = execute("SELECT * FROM T WHERE pk = ?", "a", Limit=5, **more)
        found += [int(item["sk"]["N"]) for item in answer["Items"]]
        pages += 1
        more = {"NextToken": answer["NextToken"]} if "NextToken" in answer else None
    assert found == list(range(12)) and pages == 3


def test_batches(client, table, execute):
    statement = f"""INSERT INTO "{table.name}" VALUE {{'pk': ?, 'sk': ?}}"""
    inserts = [
        {"Statement": statement, "Parameters": [serialize("b"), serialize(number)]} for number in (0, 1, 2, 1)
    ]
    # The last is a duplicate of another: each statement is answered by itself.
    responses = client.batch_execute_statement(Statements=inserts[:3])["Responses"]
    assert all("Error" not in response for response in responses)
    [response] = client.batch_execute_statement(Statements=inserts[3:])["Responses"]
    assert response["Error"]["Code"] == "DuplicateItem"
    select = f"""SELECT sk FROM "{table.name}" WHERE pk = 'b' AND sk = """
    responses = client.batch_execute_statement(
        Statements=[{"Statement": select + str(n)} for n in (2, 0, 7)]
    )["Responses"]
    assert [response.get("Item") for response in responses] == [{"sk": {"N": "2"}}, {"sk": {"N": "0"}}, None]
    assert all(response["TableName"] == table.name for response in responses)


def test_transactions(client, table, execute):
    name = table.name
    client.execute_transaction(
        TransactStatements=[
            {"Statement": f"""INSERT INTO "{name}" VALUE {{'pk': 't', 'sk': 1, 'n': 1}}"""},
            {"Statement": f"""INSERT INTO "{name}" VALUE {{'pk': 't', 'sk': 2}}"""},
        ]
    )
    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        client.execute_transaction(
            TransactStatements=[
                {"Statement": f"""UPDATE "{name}" SET n = 5 WHERE pk = 't' AND sk = 1"""},
                {"Statement": f"""INSERT INTO "{name}" VALUE {{'pk': 't', 'sk': 2}}"""},
            ]
        )
    codes = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert codes == ["None", "DuplicateItem"]
    answer = client.execute_transaction(
        TransactStatements=[{"Statement": f"""SELECT n FROM "{name}" WHERE pk = 't' AND sk = 1"""}]
    )
    assert answer["Responses"] == [{"Item": {"n": {"N": "1"}}}]
