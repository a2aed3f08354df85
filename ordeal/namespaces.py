"""Hosts without machines: one network namespace for each, which nothing but the processes in it keeps alive.

A namespace has no name in the file system, so none is left behind when a run is killed. Knows nothing of how
hosts are connected.
"""

import ctypes
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

CLONE_NEWNET = 0x40000000
ENTER_TIMEOUT_S = 10
THREADS_PER_HOST = 8

_libc = ctypes.CDLL(None, use_errno=True)


class NotPossible(Exception):
    """This machine does not allow what the ordeal needs. The message says what, and what to do."""


def enter(path):
    """Moves the calling thread, and no other, into the namespace at `path`; sockets that it opens stay there."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if _libc.setns(descriptor, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)


class Host:
    """One namespace with a loopback device of its own. The network adds the way to the other hosts."""

    def __init__(self, name, address):
        self.name = name
        self.address = address
        # `cat` reads from a pipe of ours, so it ends when this process does, however it ends.
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self.path = f"/proc/{self._holder.pid}/ns/net"
        self._wait_for_namespace()
        self.ip("link", "set", "lo", "up")
        self._threads = ThreadPoolExecutor(THREADS_PER_HOST, initializer=enter, initargs=(self.path,))

    def _wait_for_namespace(self):
        ours = os.readlink("/proc/self/ns/net")
        deadline = time.monotonic() + ENTER_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._holder.poll() is not None:
                reason = self._holder.stderr.read().decode(errors="replace").strip()
                raise NotPossible(f"a network namespace cannot be made: {reason}")
            try:
                if os.readlink(self.path) != ours:
                    return
            except OSError:
                pass
            time.sleep(0.005)
        raise NotPossible("a network namespace was not there in time")

    def command(self, *command):
        """`command` as it runs on this host. It is killed when the thread that starts it ends."""
        return ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net={self.path}", "--", *map(str, command)]

    def ip(self, *arguments):
        """Runs `ip` on this host."""
        run(self.command("ip", *arguments))

    def call(self, function, *arguments):
        """Runs a function in a thread on this host and returns what it returns."""
        return self.submit(function, *arguments).result()

    def submit(self, function, *arguments):
        """The same, without waiting: gives the future."""
        return self._threads.submit(function, *arguments)

    def close(self):
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._holder.kill()
        self._holder.wait()


def run(command):
    """Runs a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise NotPossible(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
