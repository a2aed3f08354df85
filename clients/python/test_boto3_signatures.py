"""Who is answered: the suites' server knows one access key and its secret."""

import os
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from conftest import refused

SECRET = os.environ["AWS_SECRET_ACCESS_KEY"]
ENDPOINT = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]


def with_keys(access_key, secret, token=None):
    return boto3.client(
        "dynamodb", aws_access_key_id=access_key, aws_secret_access_key=secret, aws_session_token=token
    )


def test_the_right_secret_is_answered_and_a_wrong_one_is_not(client, table):
    assert table.name in with_keys("clients", SECRET).list_tables()["TableNames"]
    wrong = with_keys("clients", SECRET + "x")
    with pytest.raises(ClientError) as caught:
        wrong.put_item(TableName=table.name, Item={"pk": {"S": "a"}, "sk": {"N": "1"}})
    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidSignatureException"
    assert error["Message"].startswith(
        "The request signature we calculated does not match the signature you provided."
    )
    assert client.scan(TableName=table.name, Select="COUNT")["Count"] == 0


def test_nobody_else_is_known():
    with refused("UnrecognizedClientException"):
        with_keys("somebody", SECRET).list_tables()
    with refused("UnrecognizedClientException"):
        with_keys("clients", SECRET, "a-session-token").list_tables()


def test_what_changes_on_the_way_is_refused(name):
    client = with_keys("clients", SECRET)

    def change(request, **_):
        request.headers["X-Amz-Target"] = "DynamoDB_20120810.DescribeEndpoints"

    client.meta.events.register("before-send.dynamodb.ListTables", change)
    with refused("InvalidSignatureException"):
        client.list_tables()


def presigned(secret):
    request = AWSRequest(
        "POST", f"{ENDPOINT}/", data=b"", headers={"X-Amz-Target": "DynamoDB_20120810.DescribeEndpoints"}
    )
    SigV4QueryAuth(Credentials("clients", secret), "dynamodb", "us-east-1", expires=60).add_auth(request)
    sent = urllib.request.Request(request.url, data=b"", headers=dict(request.headers), method="POST")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(sent, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_presigned_requests_are_verified():
    status, body = presigned(SECRET)
    # Its sender was believed; that nothing was sent is another matter.
    assert b"SerializationException" in body or status == 200, body
    status, body = presigned("wrong")
    assert status == 400 and b"InvalidSignatureException" in body
