"""Many clients at once: counters lose nothing, one of many conditions wins, transfers keep the sum."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import create

THREADS = 8


@pytest.fixture
def pool():
    with ThreadPoolExecutor(THREADS) as pool:
        yield pool


def test_counters_lose_nothing(client, resource, name, pool):
    create(resource, name, "pk:S")

    def add(number):
        client.update_item(
            TableName=name,
            Key={"pk": {"S": f"c{number % 2}"}},
            UpdateExpression="ADD hits :one SET latest = :n",
            ExpressionAttributeValues={":one": {"N": "1"}, ":n": {"N": str(number)}},
        )

    list(pool.map(add, range(300)))
    hits = {item["pk"]["S"]: item["hits"]["N"] for item in client.scan(TableName=name)["Items"]}
    assert hits == {"c0": "150", "c1": "150"}


def test_one_of_many_conditions_wins(client, resource, name, pool):
    create(resource, name, "pk:S")

    def claim(owner):
        try:
            client.put_item(
                TableName=name,
                Item={"pk": {"S": "lock"}, "owner": {"N": str(owner)}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except client.exceptions.ConditionalCheckFailedException:
            return None
        return owner

    winners = [owner for owner in pool.map(claim, range(64)) if owner is not None]
    assert len(winners) == 1
    assert client.get_item(TableName=name, Key={"pk": {"S": "lock"}})["Item"]["owner"] == {
        "N": str(winners[0])
    }


def test_transfers_keep_the_sum(client, resource, name, pool):
    create(resource, name, "pk:S")
    for number in range(4):
        client.put_item(TableName=name, Item={"pk": {"S": f"a{number}"}, "balance": {"N": "100"}})

    def change(account, amount, **more):
        update = {
            "TableName": name,
            "Key": {"pk": {"S": f"a{account}"}},
            "UpdateExpression": "SET balance = balance + :a",
            "ExpressionAttributeValues": {":a": {"N": str(amount)}},
        }
        return {"Update": update | more}

    def transfer(seed):
        """Tried again when it met another transaction, as the SDK's guide says; given up when there is not enough."""
        source, target = random.Random(seed).sample(range(4), 2)
        enough = {"ConditionExpression": "balance >= :least"}
        take = change(source, -30, **enough)
        take["Update"]["ExpressionAttributeValues"][":least"] = {"N": "30"}
        while True:
            try:
                client.transact_write_items(TransactItems=[take, change(target, 30)])
                return "done"
            except client.exceptions.TransactionCanceledException as error:
                codes = {reason["Code"] for reason in error.response["CancellationReasons"]}
                if "ConditionalCheckFailed" in codes:
                    return "not enough"
                assert codes <= {"None", "TransactionConflict"}, codes

    outcomes = list(pool.map(transfer, range(120)))
    assert "done" in outcomes
    balances = [
        int(item["balance"]["N"]) for item in client.scan(TableName=name, ConsistentRead=True)["Items"]
    ]
    assert sum(balances) == 400 and all(balance >= 0 for balance in balances)
