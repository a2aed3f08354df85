"""Idempotency of Powertools for Lambda: a record in progress, a stored answer, a payload that differs, an expiry."""

import json
import time

import pytest
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyValidationError,
)

from conftest import create

# Outside of Lambda nobody knows the remaining time.
pytestmark = pytest.mark.filterwarnings("ignore:Couldn't determine the remaining time left")


@pytest.fixture
def layer(resource, name):
    return DynamoDBPersistenceLayer(table_name=create(resource, name, "id:S").name)


def test_work_is_done_once(layer, client):
    done = []

    @idempotent_function(data_keyword_argument="order", persistence_store=layer, config=IdempotencyConfig())
    def work(order):
        done.append(order)
        return {"number": order["number"], "of": len(done)}

    assert [work(order={"number": 7}) for _ in range(3)] == [{"number": 7, "of": 1}] * 3
    assert work(order={"number": 8}) == {"number": 8, "of": 2}
    records = client.scan(TableName=layer.table_name)["Items"]
    assert {record["status"]["S"] for record in records} == {"COMPLETED"}
    assert json.loads(records[0]["data"]["S"])["number"] in (7, 8)


def test_the_same_work_is_refused_while_it_runs(layer):
    @idempotent_function(data_keyword_argument="order", persistence_store=layer, config=IdempotencyConfig())
    def work(order):
        return work(order=order)

    with pytest.raises(IdempotencyAlreadyInProgressError):
        work(order={"number": 1})
    # The record of work that failed is taken away.
    with pytest.raises(IdempotencyAlreadyInProgressError):
        work(order={"number": 1})


def test_another_payload_under_the_same_key_is_refused(layer):
    config = IdempotencyConfig(event_key_jmespath="id", payload_validation_jmespath="amount")

    @idempotent_function(data_keyword_argument="order", persistence_store=layer, config=config)
    def work(order):
        return order["amount"]

    assert work(order={"id": "a", "amount": 1}) == 1
    with pytest.raises(IdempotencyValidationError):
        work(order={"id": "a", "amount": 2})


def test_a_record_expires(layer):
    done = []
    config = IdempotencyConfig(expires_after_seconds=1)

    @idempotent_function(data_keyword_argument="order", persistence_store=layer, config=config)
    def work(order):
        done.append(order)
        return len(done)

    assert work(order={"number": 1}) == 1
    time.sleep(2.1)
    assert work(order={"number": 1}) == 2
