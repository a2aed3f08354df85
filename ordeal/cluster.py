"""Three servers on three hosts, and the drivers that write to them.

Builds on the walk's servers; what is different is where they run. Only processes started here are ever signalled.
"""

import json
import re
import signal
import subprocess
import sys
import urllib.request

from walk.clients import Boto3
from walk.cluster import REGIONS, Cluster, Server, ServerFailed, link_flags, make_certificates

from ordeal.request import Connection

CLIENT_PORT, LINK_PORT = 8000, 9000
STOP_TIMEOUT_S = 100

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class HostedServer(Server):
    """A server in its host's namespace, where it listens on the loopback address like any other."""

    def __init__(self, name, binary, directory, flags, data_dir, host):
        super().__init__(name, binary, directory, [], data_dir, (name,))
        self.host = host
        self.port = CLIENT_PORT
        self.address = f"127.0.0.1:{CLIENT_PORT}"
        self.endpoint = f"http://{self.address}"
        self.started_with = [str(binary), "serve", "--listen", self.address, *flags]
        self.command = host.command(*self.started_with)
        self.kills = 0

    def healthy(self):
        return self.host.call(super().healthy)

    def kill(self):
        super().kill()
        self.kills += 1

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def logged(self, pattern):
        """The lines of the server's log, without colours, in which `pattern` is found."""
        log = _COLOURS.sub("", self.stderr.read_text(errors="replace")) if self.stderr.exists() else ""
        return [line for line in log.splitlines() if re.search(pattern, line)]


class HostedBoto3(Boto3):
    """The walk's client, whose requests leave from the host of the Region that they are for."""

    def __init__(self, cluster):
        super().__init__(cluster.endpoint_of)
        self._cluster = cluster

    def _send(self, region, operation, params, send):
        here = super()._send
        return self._cluster.host_of(region).call(lambda: here(region, operation, params, send))


class HostedCluster(Cluster):
    """One server per Region and host, linked over the roads."""

    form = "three hosts"
    prefix = "graticule-ordeal-"

    def __init__(self, binary, network, more_flags):
        super().__init__(binary)
        self.network = network
        certificates = make_certificates(binary, self.root / "links")
        links = {region: f"{network.hosts[region].address}:{LINK_PORT}" for region in REGIONS}
        for region in REGIONS:
            data_dir = self.root / region / "data"
            flags = ["--region", region, "--data-dir", str(data_dir), *link_flags(region, links, certificates)]
            flags += more_flags
            host = network.hosts[region]
            self.servers.append(HostedServer(region, binary, self.root / region, flags, data_dir, host))

    def host_of(self, region):
        return self.network.hosts[region]

    def connection(self, region):
        """A connection whose calls must be made on the host of the Region."""
        return Connection(region, ("127.0.0.1", CLIENT_PORT))

    def status(self, region):
        """What a server says of its links and replicas."""
        return self.host_of(region).call(fetch, f"{self.endpoint_of(region)}/_graticule/replication")

    def graticule(self, region, *arguments):
        """Runs a command of the program on the host of a Region; gives exit code and output."""
        command = self.host_of(region).command(self.binary, *arguments)
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        return done.returncode, done.stdout + done.stderr


def fetch(url):
    """The JSON at an address on the host of the calling thread."""
    with _direct.open(url, timeout=10) as answer:
        return json.load(answer)


class Driver:
    """The writers of one Region, in a process on its host."""

    def __init__(self, cluster, region, tables, seed, rate):
        self.region = region
        self.journal = cluster.root / f"journal-{region}-{seed}"
        options = {
            "--region": region,
            "--regions": ",".join(REGIONS),
            "--port": CLIENT_PORT,
            "--tables": json.dumps(tables),
            "--journal": self.journal,
            "--seed": seed,
            "--rate": rate,
        }
        words = [word for pair in options.items() for word in pair]
        self._process = subprocess.Popen(
            cluster.host_of(region).command(sys.executable, "-m", "ordeal.load", *words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def order(self, word):
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def counts(self):
        """How many writes were acknowledged, refused and of unknown outcome so far."""
        self.order("count")
        return self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise ServerFailed(f"the driver of {self.region} ended by itself")
        return json.loads(line)

    def stop(self):
        """Ends the writing; gives the final counts and the lags, and leaves the journal."""
        self.order("stop")
        answer = self._answer()
        self._process.wait(STOP_TIMEOUT_S)
        return answer

    def close(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
