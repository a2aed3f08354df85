"""Transactions through boto3: all or nothing, the reasons of the typed error, replays by token, reads as one."""

import uuid

import pytest

from conftest import create, refused


@pytest.fixture
def accounts(client, resource, name):
    create(resource, name, "id:S")
    for owner, balance in (("ann", 100), ("bob", 20)):
        client.put_item(TableName=name, Item=account(owner, balance))
    return name


def account(owner, balance):
    return {"id": {"S": owner}, "balance": {"N": str(balance)}}


def move(table, amount, **more):
    take = {
        "TableName": table,
        "Key": {"id": {"S": "ann"}},
        "UpdateExpression": "SET balance = balance - :a",
        "ConditionExpression": "balance >= :a",
        "ExpressionAttributeValues": {":a": {"N": str(amount)}},
    }
    give = {
        "TableName": table,
        "Key": {"id": {"S": "bob"}},
        "UpdateExpression": "ADD balance :a",
        "ExpressionAttributeValues": {":a": {"N": str(amount)}},
    }
    return [{"Update": take | more}, {"Update": give}]


def balances(client, table):
    return {item["id"]["S"]: int(item["balance"]["N"]) for item in client.scan(TableName=table)["Items"]}


def test_all_actions_at_once(client, accounts):
    client.transact_write_items(
        TransactItems=[
            *move(accounts, 30),
            {
                "Put": {
                    "TableName": accounts,
                    "Item": account("eve", 1),
                    "ConditionExpression": "attribute_not_exists(id)",
                }
            },
            {"Delete": {"TableName": accounts, "Key": {"id": {"S": "nobody"}}}},
            {
                "ConditionCheck": {
                    "TableName": accounts,
                    "Key": {"id": {"S": "zed"}},
                    "ConditionExpression": "attribute_not_exists(id)",
                }
            },
        ]
    )
    assert balances(client, accounts) == {"ann": 70, "bob": 50, "eve": 1}


def test_reasons_of_a_cancelled_transaction(client, accounts):
    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": accounts, "Item": account("eve", 1)}},
                *move(accounts, 500, ReturnValuesOnConditionCheckFailure="ALL_OLD"),
            ]
        )
    response = caught.value.response
    assert response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, None]"
    )
    assert response["CancellationReasons"] == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": account("ann", 100),
        },
        {"Code": "None"},
    ]
    assert balances(client, accounts) == {"ann": 100, "bob": 20}


def test_an_update_that_cannot_be_done_is_a_reason(client, accounts):
    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        client.transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        "TableName": accounts,
                        "Key": {"id": {"S": "ann"}},
                        "UpdateExpression": "SET balance = id + :n",
                        "ExpressionAttributeValues": {":n": {"N": "1"}},
                    }
                }
            ]
        )
    [reason] = caught.value.response["CancellationReasons"]
    assert reason == {
        "Code": "ValidationError",
        "Message": "An operand in the update expression has an incorrect data type",
    }


def test_a_token_makes_it_once(client, accounts):
    token = str(uuid.uuid4())
    for _ in range(3):
        client.transact_write_items(TransactItems=move(accounts, 10), ClientRequestToken=token)
    assert balances(client, accounts) == {"ann": 90, "bob": 30}
    with pytest.raises(client.exceptions.IdempotentParameterMismatchException):
        client.transact_write_items(TransactItems=move(accounts, 11), ClientRequestToken=token)


def test_reads_as_one(client, accounts):
    def get(owner, **more):
        return {"Get": {"TableName": accounts, "Key": {"id": {"S": owner}}} | more}

    answer = client.transact_get_items(
        TransactItems=[get("bob"), get("nobody"), get("ann", ProjectionExpression="balance")],
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"] == [{"Item": account("bob", 20)}, {}, {"Item": {"balance": {"N": "100"}}}]
    assert answer["ConsumedCapacity"] == [
        {"TableName": accounts, "CapacityUnits": 6.0, "ReadCapacityUnits": 6.0}
    ]


def test_transactions_that_are_refused(client, accounts):
    put = {"Put": {"TableName": accounts, "Item": account("eve", 1)}}
    with refused("ValidationException", "Transaction request cannot include multiple operations on one item"):
        client.transact_write_items(TransactItems=[put, put])
    with refused("ResourceNotFoundException", "Requested resource not found"):
        client.transact_write_items(TransactItems=[put, {"Put": put["Put"] | {"TableName": "no-such-table"}}])
    with refused("ValidationException") as caught:
        client.transact_write_items(
            TransactItems=[
                {"Delete": {"TableName": accounts, "Key": {"id": {"S": str(number)}}}}
                for number in range(101)
            ]
        )
    assert "Member must have length less than or equal to 100" in caught.response["Error"]["Message"]
    assert balances(client, accounts) == {"ann": 100, "bob": 20}
