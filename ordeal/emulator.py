"""`python -m ordeal.emulator`: the router between the hosts, for kernels without netem.

Every host has a TUN device as its way out. This process reads the packets of all of them and writes each to the
host that it is for, when the road between the two says so. Roads change by lines of JSON on standard input,
each answered by a line with what went over every road. Ends with its standard input.
"""

import fcntl
import heapq
import json
import os
import random
import select
import socket
import struct
import sys
import time

from ordeal.namespaces import enter
from ordeal.roads import Quality, Road

DEVICE = "road0"
PACKET_OCTETS_MAX = 65536
PACKETS_AT_ONCE = 64
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def open_device(namespace):
    """A TUN device in a namespace. Its packets are read and written here, wherever this process is."""
    enter(namespace)
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    return device


class Router:
    """Carries packets between devices."""

    def __init__(self, hosts, seed):
        self._names, self._devices = {}, {}
        for name, address, namespace in hosts:
            device = open_device(namespace)
            self._names[socket.inet_aton(address)] = name
            self._devices[name] = device
        self._roads = {
            (source, target): Road(Quality()) for source in self._devices for target in self._devices if source != target
        }
        self._chance = random.Random(seed).random
        self._under_way = []  # (due, number, device, packet)
        self._number = 0
        self._commands = b""

    def run(self):
        poll = select.epoll()
        devices = set(self._devices.values())
        for descriptor in (0, *devices):
            poll.register(descriptor, select.EPOLLIN)
        while True:
            wait_s = max(0.0, self._under_way[0][0] - time.monotonic()) if self._under_way else -1
            for descriptor, _ in poll.poll(wait_s):
                if descriptor in devices:
                    self._take_in(descriptor)
                elif not self._obey():
                    return
            self._give_out()

    def _take_in(self, device):
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = os.read(device, PACKET_OCTETS_MAX)
            except BlockingIOError:
                return
            if packet[0] >> 4 != 4:
                continue  # IPv6 neighbours that nobody has
            road = (self._names.get(packet[12:16]), self._names.get(packet[16:20]))
            if road not in self._roads:
                continue
            due = self._roads[road].due(time.monotonic(), len(packet), self._chance)
            if due is not None:
                self._number += 1
                heapq.heappush(self._under_way, (due, self._number, self._devices[road[1]], packet))

    def _give_out(self):
        now = time.monotonic()
        while self._under_way and self._under_way[0][0] <= now:
            _, _, device, packet = heapq.heappop(self._under_way)
            try:
                os.write(device, packet)
            except OSError:
                pass  # full, or not up yet: lost, as on any network

    def _obey(self):
        """Carries out the commands that have come; False at the end of input."""
        read = os.read(0, 65536)
        *lines, self._commands = (self._commands + read).split(b"\n")
        for line in lines:
            for source, target, quality in json.loads(line):
                self._roads[source, target].quality = Quality(**quality)
            traffic = [[*ends, road.passed, road.lost, road.octets] for ends, road in self._roads.items()]
            print(json.dumps(traffic), flush=True)
        return bool(read)


def main():
    seed, *hosts = sys.argv[1:]
    # A busy machine must not make the roads longer than they were asked to be.
    os.nice(-10)
    router = Router([host.split("=") for host in hosts], int(seed))
    print("ready", flush=True)
    router.run()


if __name__ == "__main__":
    main()
