"""Starts, kills and stops real server processes, each on its own free ports and in its own directory.

Two forms: one process that hosts every Region, and three linked processes with one Region each. Only
processes started here are ever signalled.
"""

import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20
LOG_LINES_SHOWN = 40

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServerFailed(Exception):
    """A server did not start, or did not stop as it should."""


def free_port(taken=set()):  # noqa: B006 - one set for the whole run, on purpose
    """A port that is free now, outside the range from which the system picks for clients."""
    for _ in range(1000):
        port = random.randrange(20000, 30000)
        if port in taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        taken.add(port)
        return port
    raise ServerFailed("no free port between 20000 and 30000 on 127.0.0.1")


class Server:
    """One `graticule serve` process that can be started again and again on the same data."""

    def __init__(self, name, binary, directory, flags, data_dir, regions):
        self.name = name
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.endpoint = f"http://{self.address}"
        self.data_dir = Path(data_dir)
        self.regions = regions
        self.command = [str(binary), "serve", "--listen", self.address, *flags]
        self.process = None
        self.stdout = self.directory / "stdout.log"
        self.stderr = self.directory / "stderr.log"

    def start(self):
        """Starts the process and waits until it says where it listens and its health endpoint answers 200."""
        said_before = len(self.printed())
        with self.stdout.open("ab") as out, self.stderr.open("ab") as err:
            self.process = subprocess.Popen(
                self.command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerFailed(f"{self.name} ended with exit code {self.process.returncode} while starting")
            if self._announced(self.printed()[said_before:]) and self.healthy():
                return
            time.sleep(0.02)
        raise ServerFailed(
            f"{self.name} was not ready within {START_TIMEOUT_S} s (waiting for a line 'graticule ... "
            f"{self.endpoint}' on stdout and 200 from /health)"
        )

    def _announced(self, text):
        return any(
            line.startswith("graticule ") and self.endpoint in line
            for line in text.splitlines(keepends=True)
            if line.endswith("\n")
        )

    def printed(self):
        """Everything the server wrote to its standard output, all starts together."""
        return self.stdout.read_text(errors="replace") if self.stdout.exists() else ""

    def healthy(self):
        try:
            with _direct.open(f"{self.endpoint}/health", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9: no chance to flush or say goodbye."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(f"{self.name} was still running {STOP_TIMEOUT_S} s after SIGTERM") from None

    def log_tail(self):
        lines = self.stderr.read_text(errors="replace").splitlines() if self.stderr.exists() else []
        plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines[-LOG_LINES_SHOWN:]]
        state = "running" if self.running() else f"not running, exit code {getattr(self.process, 'returncode', None)}"
        return "\n".join([f"--- {self.name} ({state}): {' '.join(self.command)}", *plain])


class Cluster:
    """Servers that together host REGIONS."""

    form = "?"
    prefix = "graticule-walk-"

    def __init__(self, binary):
        self.binary = binary
        self.root = Path(tempfile.mkdtemp(prefix=self.prefix))
        self.servers = []

    def server_of(self, region):
        return next(server for server in self.servers if region in server.regions)

    def endpoint_of(self, region):
        return self.server_of(region).endpoint

    def start(self):
        for server in self.servers:
            server.start()

    def revive(self):
        """Starts again whatever is not running; returns the names of those."""
        dead = [server for server in self.servers if not server.running()]
        for server in dead:
            server.start()
        return [server.name for server in dead]

    def close(self, keep_files=False):
        for server in self.servers:
            if server.running():
                server.kill()
        if not keep_files:
            shutil.rmtree(self.root, ignore_errors=True)


def make_certificates(binary, directory):
    """A CA and a certificate for the server of each Region, in a directory, which is given back."""
    command = [str(binary), "certificates", "--out", str(directory)]
    for region in REGIONS:
        command += ["--region", region]
    result = subprocess.run(command, capture_output=True, text=True, timeout=START_TIMEOUT_S)
    if result.returncode != 0:
        raise ServerFailed(f"no certificates: {result.stderr}")
    return directory


def link_flags(region, links, certificates):
    """How the server of a Region finds the others, which serve links at the addresses `links`, and proves itself."""
    flags = ["--link-listen", links[region]]
    for other in REGIONS:
        if other != region:
            flags += ["--peer", f"{other}={links[other]}"]
    flags += ["--link-ca", str(certificates / "ca.pem"), "--link-certificate", str(certificates / f"{region}.pem")]
    return [*flags, "--link-key", str(certificates / f"{region}-key.pem")]


class OneProcess(Cluster):
    """One process without configuration hosts any Region a client names; data in the default directory."""

    form = "one-process"

    def __init__(self, binary):
        super().__init__(binary)
        home = self.root / "server"
        self.servers = [Server("server", binary, home, [], home / "graticule-data", REGIONS)]


class ThreeProcesses(Cluster):
    """One process per Region, with separate data, linked over the network by flags."""

    form = "three-processes"

    def __init__(self, binary):
        super().__init__(binary)
        made = make_certificates(binary, self.root / "links")
        links = {region: f"127.0.0.1:{free_port()}" for region in REGIONS}
        for region in REGIONS:
            data_dir = self.root / region / "data"
            flags = ["--region", region, "--data-dir", str(data_dir), *link_flags(region, links, made)]
            self.servers.append(Server(region, binary, self.root / region, flags, data_dir, (region,)))


FORMS = {cluster.form: cluster for cluster in (OneProcess, ThreeProcesses)}
