"""The network between the hosts: who does it (the kernel's netem or our emulator), and how every road is now.

Both ways of doing it offer `shape`; whether what was asked for is what happens is measured before anything else.
"""

import itertools
import json
import os
import select
import socket
import subprocess
import sys
import time

from ordeal.emulator import DEVICE
from ordeal.namespaces import Host, NotPossible, run
from ordeal.roads import Quality

ANSWER_TIMEOUT_S = 10
PROBE_PORT = 9
PROBES = 10
NETEM_PACKETS_MAX = 10_000


class Emulator:
    """Our own router, in a process of its own."""

    name = "emulator (packets of TUN devices, routed in user space)"

    def __init__(self, hosts, seed):
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            raise NotPossible("/dev/net/tun is missing or closed to us; it is needed where the kernel has no netem")
        ends = [f"{host.name}={host.address}={host.path}" for host in hosts]
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "ordeal.emulator", str(seed), *ends],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        if self._answer() != b"ready\n":
            raise NotPossible("the emulator did not start; what it said is above")
        for host in hosts:
            host.ip("address", "add", f"{host.address}/24", "dev", DEVICE)
            host.ip("link", "set", DEVICE, "up")

    def _answer(self):
        ready, _, _ = select.select([self._process.stdout], [], [], ANSWER_TIMEOUT_S)
        return self._process.stdout.readline() if ready else b""

    def shape(self, roads):
        """Sets the quality of roads, a list of (from, to, quality); answers what went over each."""
        lines = [(source.name, target.name, quality.to_json()) for source, target, quality in roads]
        self._process.stdin.write(json.dumps(lines).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._answer()
        if not answer:
            raise NotPossible("the emulator does not answer")
        return {(source, target): numbers for source, target, *numbers in json.loads(answer)}

    def close(self):
        self._process.kill()
        self._process.wait()


class Netem:
    """The kernel's: a veth pair for every two hosts, and a queue at each end, so every direction has its own."""

    name = "netem (the kernel's network emulation)"

    def __init__(self, hosts, seed):
        del seed  # the kernel rolls its own dice
        self._devices = {}
        for host in hosts:
            host.ip("address", "add", f"{host.address}/32", "dev", "lo")
        for (one, host), (two, other) in itertools.combinations(enumerate(hosts), 2):
            # The device is named after the host that it leads to.
            here, there = f"to{two}", f"to{one}"
            pid = other.path.split("/")[2]
            host.ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", pid)
            for end, device, far in ((host, here, other), (other, there, host)):
                end.ip("link", "set", device, "up")
                end.ip("route", "add", f"{far.address}/32", "dev", device, "src", end.address)
                self._devices[end.name, far.name] = device

    @staticmethod
    def is_there():
        """Whether the kernel has it: asked with a device in a namespace that is gone right after."""
        host = Host("probe", "127.0.0.1")
        try:
            host.ip("link", "add", "probe0", "type", "veth", "peer", "name", "probe1")
            run(host.command("tc", "qdisc", "add", "dev", "probe0", "root", "netem", "delay", "1ms"))
            return True
        except (NotPossible, FileNotFoundError):
            return False
        finally:
            host.close()

    def shape(self, roads):
        for source, target, quality in roads:
            device = self._devices[source.name, target.name]
            # netem wants the middle of the jitter, we say its beginning.
            middle, spread = quality.delay_ms + quality.jitter_ms / 2, quality.jitter_ms / 2
            loss = 100 if quality.cut else quality.loss * 100
            netem = ["delay", f"{middle:g}ms", f"{spread:g}ms", "loss", f"{loss:g}%", "limit", str(NETEM_PACKETS_MAX)]
            if quality.mbit_per_s:
                netem += ["rate", f"{quality.mbit_per_s:g}mbit"]
            run(source.command("tc", "qdisc", "replace", "dev", device, "root", "netem", *netem))
        return {}

    def close(self):
        """The devices go with their namespaces."""


class Network:
    """Hosts, and roads in both directions between every two of them."""

    def __init__(self, names, seed, kind="auto"):
        if os.geteuid() != 0:
            raise NotPossible("network namespaces need root: sudo make ordeal")
        self.hosts = {}
        self._way = None
        self._now = {}
        try:
            netem = kind == "netem" or (kind == "auto" and Netem.is_there())
            for number, name in enumerate(names, 1):
                self.hosts[name] = Host(name, f"10.77.0.{number}")
            self._way = (Netem if netem else Emulator)(list(self.hosts.values()), seed)
            self.name = self._way.name
            self.set_all(Quality())
        except BaseException:
            self.close()
            raise

    def set_all(self, quality):
        """Every road gets this quality."""
        return self.set(itertools.permutations(self.hosts, 2), quality)

    def set(self, roads, quality):
        """These roads, pairs (from, to), get this quality."""
        roads = list(roads)
        self._now.update(dict.fromkeys(roads, quality))
        return self._way.shape([(self.hosts[one], self.hosts[other], quality) for one, other in roads])

    def traffic(self):
        """Packets passed, packets lost and octets of every road so far, if who carries them counts."""
        return self._way.shape([])

    def round_trips_ms(self, one, other):
        """Measures: the sorted round trips of the datagrams that came back, of PROBES that were sent."""
        here, there = self.hosts[one], self.hosts[other]
        echo = there.call(_socket)
        probe = here.call(_socket)
        with echo, probe:
            echo.bind((there.address, PROBE_PORT))
            probe.bind((here.address, PROBE_PORT))
            return sorted(filter(None, (_round_trip_ms(probe, echo, there.address) for _ in range(PROBES))))

    def close(self):
        if self._way:
            self._way.close()
        for host in self.hosts.values():
            host.close()


def _socket():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def _round_trip_ms(probe, echo, address):
    probe.settimeout(0.5)
    echo.settimeout(0.5)
    sent = time.monotonic()
    probe.sendto(b"probe", (address, PROBE_PORT))
    try:
        datagram, back = echo.recvfrom(64)
        echo.sendto(datagram, back)
        probe.recv(64)
    except TimeoutError:
        return None
    return (time.monotonic() - sent) * 1000
