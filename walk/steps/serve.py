"""The server says where it is, speaks the protocol, and refuses to start with a clear reason."""

import http.client
import json
import subprocess
import zlib

from walk import check
from walk.cluster import OneProcess, Server, free_port

TITLE = "start-up line, health, protocol, clear refusals"
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=walk/20300101/{region}/dynamodb/aws4_request, "
    "SignedHeaders=host;x-amz-date;x-amz-target, Signature=" + "0" * 64
)


def run(walk):
    for server in walk.cluster.servers:
        said = server.printed()
        check.that(server.data_dir.name in said, f"the start-up text does not say where data is: {said!r}")
        check.that(server.data_dir.is_dir(), f"{server.name} keeps no data in {server.data_dir}")
        if len(server.regions) == 1:
            check.that(server.regions[0] in said, f"the start-up text does not name its Region: {said!r}")
        speaks_the_protocol(server)
    help_explains_itself(walk.cluster.binary)
    refuses_a_port_in_use(walk)
    refuses_a_directory_in_use(walk)
    if isinstance(walk.cluster, OneProcess):
        keeps_nothing_on_disk_in_memory(walk)


def speaks_the_protocol(server):
    region = server.regions[0]
    status, body = post(server, "DynamoDB_20120810.ListTables", region)
    check.equal((status, body), (200, {"TableNames": []}), "ListTables of a new server")
    status, body = post(server, "DynamoDB_20120810.MakeCoffee", region)
    check.equal(status, 400, "status of an unknown operation")
    check.that(body["__type"].endswith("#UnknownOperationException"), f"unknown operation: {body}")
    status, body = post(server, "DynamoDB_20120810.ListTables", region=None)
    check.equal(status, 400, "status of a request without a signature")
    check.that("MissingAuthenticationToken" in body["__type"], f"request without a signature: {body}")


def post(server, target, region):
    """One bare HTTP request, to see the headers that clients rely on; returns status and body."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
    if region:
        headers |= {"Authorization": AUTHORIZATION.format(region=region), "X-Amz-Date": "20300101T000000Z"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("POST", "/", "{}", headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    check.that(answer.getheader("x-amzn-RequestId"), f"{target}: no x-amzn-RequestId")
    check.equal(answer.getheader("x-amz-crc32"), str(zlib.crc32(body)), f"{target}: x-amz-crc32")
    return answer.status, json.loads(body)


def help_explains_itself(binary):
    shown = subprocess.run([binary, "serve", "--help"], capture_output=True, text=True, timeout=10)
    check.equal(shown.returncode, 0, "exit code of --help")
    for flag in ("--listen", "--data-dir", "--in-memory"):
        check.that(flag in shown.stdout, f"serve --help does not mention {flag}")


def refuses_a_port_in_use(walk):
    taken = walk.cluster.servers[0]
    words = ["--listen", taken.address, "--data-dir", str(walk.cluster.root / "never")]
    refuses_to_start(walk, words, str(taken.port))


def refuses_a_directory_in_use(walk):
    taken = walk.cluster.servers[0]
    words = ["--listen", f"127.0.0.1:{free_port()}", "--data-dir", str(taken.data_dir)]
    refuses_to_start(walk, words, str(taken.data_dir))


def refuses_to_start(walk, words, named):
    try:
        tried = subprocess.run(
            [walk.cluster.binary, "serve", *words],
            cwd=walk.cluster.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
        )
    except subprocess.TimeoutExpired:
        raise check.CheckFailed(f"a second server with {words} did not give up") from None
    check.that(tried.returncode != 0, f"a second server with {words} ended with exit code 0")
    check.that(named in tried.stderr, f"the refusal does not name {named}: {tried.stderr!r}")
    check.that("panicked" not in tried.stderr, f"the refusal is a panic: {tried.stderr!r}")


def keeps_nothing_on_disk_in_memory(walk):
    directory = walk.cluster.root / "in-memory"
    server = Server("in-memory", walk.cluster.binary, directory, ["--in-memory"], directory, ("us-east-1",))
    try:
        server.start()
        speaks_the_protocol(server)
        files = sorted(path.name for path in directory.iterdir())
        check.equal(files, ["stderr.log", "stdout.log"], "files of a server that runs in memory")
        check.equal(server.stop(), 0, "exit code after SIGTERM")
    finally:
        if server.running():
            server.kill()
