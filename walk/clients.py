"""The two clients that drive the walk, behind one small interface.

`AwsCli` runs the `aws` command with the flags a person would type; `Boto3` uses the low-level client. Both take
parameters in the shapes of the API, with Python `bytes` for binary values, and answer in the same shapes.
Neither retries: a request that fails, fails the step.
"""

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3
import botocore.config
import botocore.exceptions
from botocore import xform_name

STREAM_OPERATIONS = {"ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"}
ACCESS_KEY = "walk"
SECRET_KEY = "walk-secret"
CLI_TIMEOUT_S = 90

_CLI_ERROR = re.compile(r"An error occurred \((\w+)\) when calling the \w+ operation[^:]*: (.*)", re.DOTALL)
_SHORTHAND_SAFE = re.compile(r"^[A-Za-z0-9_.-]+$")


class ApiError(Exception):
    """The server answered with an error envelope."""

    def __init__(self, code, message, body=None):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.body = body or {}

    @property
    def cancellation_codes(self):
        """The positional reasons of a cancelled transaction; the CLI shows them in the message only."""
        if "CancellationReasons" in self.body:
            return [reason.get("Code") for reason in self.body["CancellationReasons"]]
        listed = re.search(r"\[([^\]]*)\]", self.message)
        return listed.group(1).split(", ") if listed else []


class Unanswered(Exception):
    """No usable answer arrived: connection refused or lost, or a client that failed by itself."""


class Client:
    """One kind of client. Remembers its last request and answer for the report of a failure."""

    name = "?"

    def __init__(self, endpoint_of):
        self._endpoint_of = endpoint_of
        self.last_request = None
        self.last_answer = None
        self.last_sent_at = 0.0

    def _remember(self, request):
        self.last_request, self.last_answer, self.last_sent_at = request, None, time.monotonic()

    def call(self, region, operation, **params):
        """Sends one request to `region` and returns the answer, or raises ApiError."""
        raise NotImplementedError

    def pages(self, region, operation, page_size, max_items, starting_token=None, result="Items", **params):
        """Uses the client's own pagination; returns (what `result` names, token of the next call or None)."""
        raise NotImplementedError

    def wait(self, region, waiter, **params):
        """Uses the client's own waiter, such as TableExists, with its usual pauses."""
        raise NotImplementedError


class Boto3(Client):
    """The low-level boto3 client. Its connections are made per Region and may be used from many threads."""

    name = "boto3"

    def __init__(self, endpoint_of):
        super().__init__(endpoint_of)
        self._clients = {}
        self._lock = threading.Lock()

    def raw(self, region, service="dynamodb"):
        """The boto3 client itself."""
        with self._lock:
            if (region, service) not in self._clients:
                self._clients[region, service] = boto3.session.Session().client(
                    service,
                    region_name=region,
                    endpoint_url=self._endpoint_of(region),
                    aws_access_key_id=ACCESS_KEY,
                    aws_secret_access_key=SECRET_KEY,
                    config=botocore.config.Config(
                        retries={"total_max_attempts": 1, "mode": "standard"},
                        connect_timeout=5,
                        read_timeout=30,
                        max_pool_connections=32,
                    ),
                )
            return self._clients[region, service]

    def call(self, region, operation, **params):
        raw = self.raw(region, "dynamodbstreams" if operation in STREAM_OPERATIONS else "dynamodb")
        return self._send(region, operation, params, lambda: getattr(raw, xform_name(operation))(**params))

    def pages(self, region, operation, page_size, max_items, starting_token=None, result="Items", **params):
        paging = {"PageSize": page_size, "MaxItems": max_items, "StartingToken": starting_token}
        pages = self.raw(region).get_paginator(xform_name(operation)).paginate(PaginationConfig=paging, **params)
        answer = self._send(region, operation, {**params, **paging}, pages.build_full_result)
        return answer[result], answer.get("NextToken")

    def wait(self, region, waiter, **params):
        waiting = self.raw(region).get_waiter(xform_name(waiter))
        self._send(region, f"wait {waiter}", params, lambda: waiting.wait(**params) or {})

    def all_items(self, region, operation, **params):
        """Every item of a Query or Scan, page by page as large as the server makes them."""
        pages = self.raw(region).get_paginator(xform_name(operation)).paginate(**params)
        return self._send(region, operation, params, pages.build_full_result)["Items"]

    def _send(self, region, operation, params, send):
        self._remember(f"boto3 {region} {operation} {params!r}")
        try:
            answer = send()
        except botocore.exceptions.ClientError as error:
            body = {name: value for name, value in error.response.items() if name != "ResponseMetadata"}
            self.last_answer = repr(body)
            raise ApiError(body["Error"].get("Code"), body["Error"].get("Message", ""), body) from None
        except botocore.exceptions.BotoCoreError as error:
            self.last_answer = repr(error)
            raise Unanswered(f"{operation} in {region}: {error}") from None
        answer.pop("ResponseMetadata", None)
        self.last_answer = repr(answer)
        return answer


class AwsCli(Client):
    """The `aws` command, with the endpoint, the Region and the credentials in its environment only."""

    name = "cli"

    def __init__(self, endpoint_of):
        super().__init__(endpoint_of)
        beside_python = Path(sys.executable).parent / "aws"
        self._command = str(beside_python) if beside_python.exists() else shutil.which("aws")
        if self._command is None:
            raise Unanswered("the aws command is missing: pip install -r walk/requirements.txt")

    def call(self, region, operation, **params):
        return _bytes_from_cli(self._run(region, operation, _flags(params)))

    def pages(self, region, operation, page_size, max_items, starting_token=None, result="Items", **params):
        paging = ["--page-size", str(page_size), "--max-items", str(max_items)]
        if starting_token is not None:
            paging += ["--starting-token", starting_token]
        answer = _bytes_from_cli(self._run(region, operation, _flags(params) + paging))
        return answer[result], answer.get("NextToken")

    def wait(self, region, waiter, **params):
        self._run(region, waiter, _flags(params), command=("dynamodb", "wait"))

    def _run(self, region, operation, flags, command=None):
        command = command or ["dynamodbstreams" if operation in STREAM_OPERATIONS else "dynamodb"]
        words = ["aws", *command, xform_name(operation, "-"), *flags]
        self._remember(f"AWS_DEFAULT_REGION={region} {shlex.join(words)}")
        try:
            done = subprocess.run(
                [self._command, *words[1:]],
                env=self._environment(region),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=CLI_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            self.last_answer = f"none within {CLI_TIMEOUT_S} s"
            raise Unanswered(f"{operation} in {region}: the aws command did not end") from None
        self.last_answer = (done.stdout + done.stderr).strip() or "(empty)"
        if done.returncode == 0:
            return json.loads(done.stdout) if done.stdout.strip() else {}
        error = _CLI_ERROR.search(done.stderr)
        if error:
            raise ApiError(error.group(1), error.group(2).strip())
        raise Unanswered(f"{operation} in {region}: {done.stderr.strip()}")

    def _environment(self, region):
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
        }
        return kept | {
            "AWS_ENDPOINT_URL": self._endpoint_of(region),
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_MAX_ATTEMPTS": "1",
        }


KINDS = {client.name: client for client in (AwsCli, Boto3)}


def _flags(params):
    """API parameters as the command line a person would write: shorthand where it is simple, else JSON."""
    flags = []
    for name, value in params.items():
        flag = "--" + xform_name(name, "-")
        if isinstance(value, bool):
            flags.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, (str, int)):
            flags += [flag, str(value)]
        elif _is_shorthand(value):
            flags += [flag, *(_shorthand(element) for element in value)]
        else:
            flags += [flag, json.dumps(_bytes_to_cli(value), separators=(",", ":"), ensure_ascii=False)]
    return flags


def _is_shorthand(value):
    return isinstance(value, list) and all(
        isinstance(element, dict)
        and all(isinstance(content, str) and _SHORTHAND_SAFE.match(content) for content in element.values())
        for element in value
    )


def _shorthand(element):
    return ",".join(f"{name}={content}" for name, content in element.items())


def _bytes_to_cli(value):
    """Version 1 of the CLI takes binary values as they are, so they must be text, and encodes them itself."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, dict):
        return {name: _bytes_to_cli(content) for name, content in value.items()}
    if isinstance(value, list):
        return [_bytes_to_cli(element) for element in value]
    return value


def _bytes_from_cli(value):
    """... but prints them in base64."""
    if isinstance(value, list):
        return [_bytes_from_cli(element) for element in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(kind, content)] = value.items()
        if kind == "B" and isinstance(content, str):
            return {"B": base64.b64decode(content)}
        if kind == "BS" and isinstance(content, list) and all(isinstance(element, str) for element in content):
            return {"BS": [base64.b64decode(element) for element in content]}
    return {name: _bytes_from_cli(content) for name, content in value.items()}
