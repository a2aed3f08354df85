"""What the tests share: clients made as an application makes them (all settings from the environment), and tables
with names of their own that are dropped afterwards.
"""

import itertools
import re

import boto3
import pytest
from botocore.exceptions import ClientError

_numbers = itertools.count(1)
QUICK = {"Delay": 1, "MaxAttempts": 60}


@pytest.fixture(scope="session")
def client():
    return boto3.client("dynamodb")


@pytest.fixture(scope="session")
def resource():
    return boto3.resource("dynamodb")


@pytest.fixture(scope="session")
def streams():
    return boto3.client("dynamodbstreams")


@pytest.fixture
def name(request, client):
    """The name of a table of this test; whatever table has it at the end is dropped."""
    unique = f"{re.sub('[^A-Za-z0-9]+', '-', request.node.name)[:60]}-{next(_numbers)}"
    yield unique
    try:
        client.delete_table(TableName=unique)
    except client.exceptions.ResourceNotFoundException:
        pass


@pytest.fixture
def table(resource, name):
    """A table with a string partition key `pk` and a number sort key `sk`."""
    return create(resource, name, "pk:S", "sk:N")


def create(resource, name, hash_key, range_key=None, more="", **settings):
    """Makes an on-demand table from keys such as `pk:S`, waits for it, and returns boto3's Table."""
    keys = [key.split(":") for key in (hash_key, range_key) if key]
    attributes = keys + [key.split(":") for key in more.split()]
    made = resource.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in attributes],
        KeySchema=schema(*(key for key, _ in keys)),
        **({"BillingMode": "PAY_PER_REQUEST"} | settings),
    )
    made.wait_until_exists()
    made.reload()
    return made


def schema(*names):
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(names, ("HASH", "RANGE"))]


def refused(code, words=""):
    """For `with`: the block must end in this error, with exactly these words if any are given."""
    return _Refused(code, words)


class _Refused:
    def __init__(self, code, words):
        self.code, self.words, self.response = code, words, None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        assert isinstance(error, ClientError), f"wanted {self.code}, got {error!r}"
        self.response = error.response
        assert error.response["Error"]["Code"] == self.code, error
        if self.words:
            assert error.response["Error"]["Message"] == self.words
        return True
