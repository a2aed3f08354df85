"""One connection to one server that sends signed requests as fast as Python can, and tells the three ways they end.

A request is answered, refused, or of unknown outcome: once its first octet may have left, a broken connection
says nothing about what happened. Never repeats a request by itself. Knows nothing of what is asked.
"""

import datetime
import hashlib
import hmac
import json
import socket

ACCESS_KEY, SECRET_KEY = "ordeal", "ordeal-secret"
TIMEOUT_S = 90
RECEIVE_OCTETS = 1 << 18
STREAMS = {"ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"}
SIGNED_HEADERS = "host;x-amz-date;x-amz-target"


class Refused(Exception):
    """The server said no: the write did not happen."""

    def __init__(self, code, body):
        super().__init__(f"{code}: {body.get('message') or body.get('Message')}")
        self.code = code
        self.body = body


class Unsent(Exception):
    """There was no connection: nothing was asked."""


class Unknown(Exception):
    """The request went out, and no answer came or one that does not say whether it was done."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


class Connection:
    """Requests to one server, one at a time. Opens its connection when it is needed."""

    def __init__(self, region, address):
        self._region = region
        self._address = address
        self._host = f"{address[0]}:{address[1]}"
        self._socket = None
        self._received = b""
        self._signing = (None, None)  # day, key

    def call(self, operation, parameters):
        """Sends one request and returns the answer; raises Refused, Unsent or Unknown."""
        body = json.dumps(parameters, separators=(",", ":")).encode()
        if self._socket is None:
            self._open()
        try:
            self._socket.sendall(self._head(operation, body) + body)
            status, answer = self._receive()
        except (OSError, ValueError) as error:
            self.close()
            raise Unknown(f"{operation}: {error!r}") from None
        if status == 200:
            return answer
        code = answer.get("__type", "").rpartition("#")[2]
        if status >= 500:
            raise Unknown(f"{operation}: {status} {code}", status)
        raise Refused(code, answer)

    def close(self):
        if self._socket is not None:
            self._socket.close()
        self._socket, self._received = None, b""

    def _open(self):
        try:
            self._socket = socket.create_connection(self._address, TIMEOUT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            self.close()
            raise Unsent(str(error)) from None

    def _receive(self):
        while b"\r\n\r\n" not in self._received:
            self._more()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        size = int(headers["content-length"])
        parts, missing = [self._received], size - len(self._received)
        while missing > 0:
            part = self._socket.recv(RECEIVE_OCTETS)
            if not part:
                raise OSError("closed in the middle of an answer")
            parts.append(part)
            missing -= len(part)
        everything = b"".join(parts)
        self._received = everything[size:]
        status = int(lines[0].split(" ")[1])
        if headers.get("connection") == "close":
            self.close()
        return status, json.loads(everything[:size] or b"{}")

    def _more(self):
        part = self._socket.recv(RECEIVE_OCTETS)
        if not part:
            raise OSError("closed before an answer")
        self._received += part

    def _head(self, operation, body):
        """The request's head, signed with Signature Version 4."""
        service = "DynamoDBStreams" if operation in STREAMS else "DynamoDB"
        target = f"{service}_20120810.{operation}"
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        scope = f"{day}/{self._region}/dynamodb/aws4_request"
        canonical = (
            f"POST\n/\n\nhost:{self._host}\nx-amz-date:{stamp}\nx-amz-target:{target}\n\n{SIGNED_HEADERS}\n"
            + hashlib.sha256(body).hexdigest()
        )
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self._signing_key(day), to_sign.encode(), "sha256").hexdigest()
        return (
            f"POST / HTTP/1.1\r\nHost: {self._host}\r\nX-Amz-Date: {stamp}\r\nX-Amz-Target: {target}\r\n"
            f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n"
            f"Authorization: AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={SIGNED_HEADERS}, "
            f"Signature={signature}\r\n\r\n"
        ).encode()

    def _signing_key(self, day):
        if self._signing[0] != day:
            key = f"AWS4{SECRET_KEY}".encode()
            for part in (day, self._region, "dynamodb", "aws4_request"):
                key = hmac.new(key, part.encode(), "sha256").digest()
            self._signing = (day, key)
        return self._signing[1]
