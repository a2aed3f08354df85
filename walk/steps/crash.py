"""kill -9 under a write load in several Regions: no acknowledged write is lost, and all Regions end equal."""

import threading
import time

from walk import check
from walk.clients import Boto3
from walk.context import HOME, SECOND, THIRD, n, s

TITLE = "kill -9 under load, write on elsewhere, restart: nothing lost, all Regions equal"
TABLE = "ledger-of-writes"
REGIONS = (HOME, SECOND, THIRD)
WRITING = (HOME, SECOND)
WRITERS_PER_REGION = 3
KEYS_PER_WRITER = 30
LOAD_BEFORE_S, LOAD_WHILE_DOWN_S, LOAD_AFTER_S = 1.5, 2.5, 1.0
RETRY_PAUSE_S = 0.05


def run(walk):
    walk.create_global_table(TABLE, "owner", "id")
    servers = walk.cluster.servers
    if len(servers) == 1:
        for round_number in (1, 2):
            kill_and_restart(walk, servers[0], f"round-{round_number}")
    else:
        # First a Region that only receives, then one that takes writes itself.
        for region in (THIRD, SECOND):
            kill_and_restart(walk, walk.cluster.server_of(region), f"without-{region}")
    by_hand(walk)


class Writer(threading.Thread):
    """Writes its own keys in one Region, one write at a time, and keeps count of what was acknowledged.

    A write that got no answer may have happened or not, so for every key all states from the last acknowledged
    one on are possible; an acknowledged write rules out everything before it.
    """

    def __init__(self, walk, region, name):
        super().__init__(daemon=True)
        self.region = region
        self.name = name
        self._raw = Boto3(walk.cluster.endpoint_of).raw(region)
        self._stopping = threading.Event()
        self.possible = {number: [None] for number in range(KEYS_PER_WRITER)}
        self.acknowledged = 0
        self.unanswered = 0

    def run(self):
        step = 0
        while not self._stopping.is_set():
            number = step % KEYS_PER_WRITER
            try:
                self._write(number, step)
                self.possible[number] = self.possible[number][-1:]
                self.acknowledged += 1
            except Exception:  # refused or cut off: the server is down or going down
                self.unanswered += 1
                self._stopping.wait(RETRY_PAUSE_S)
            step += 1

    def _write(self, number, step):
        key = {"owner": s(self.name), "id": s(f"{number:03}")}
        if step % 7 == 6:
            self.possible[number].append(None)
            self._raw.delete_item(TableName=TABLE, Key=key)
        else:
            item = key | {"step": n(step), "body": s(f"{self.name} {step} " * 20)}
            self.possible[number].append(item)
            self._raw.put_item(TableName=TABLE, Item=item)

    def stop(self):
        self._stopping.set()
        self.join(60)

    def expect_kept(self, items):
        for number, possible in self.possible.items():
            found = items.get((self.name, f"{number:03}"))
            check.that(
                any(check.canonical(found) == check.canonical(state) for state in possible),
                f"{self.name}/{number:03}, written in {self.region}: an acknowledged write is lost\n"
                f"  found:    {found}\n  possible: {possible}",
            )


def kill_and_restart(walk, server, label):
    writers = [
        Writer(walk, region, f"{label}-{region}-{number}")
        for region in WRITING
        for number in range(WRITERS_PER_REGION)
    ]
    for writer in writers:
        writer.start()
    try:
        time.sleep(LOAD_BEFORE_S)
        server.kill()
        at_kill = {writer: writer.acknowledged for writer in writers}
        time.sleep(LOAD_WHILE_DOWN_S)
        for writer in writers:
            if writer.region not in server.regions:
                check.that(
                    writer.acknowledged > at_kill[writer], f"{writer.region} took no writes while another was down"
                )
        server.start()
        at_restart = {writer: writer.acknowledged for writer in writers}
        time.sleep(LOAD_AFTER_S)
    finally:
        for writer in writers:
            writer.stop()
        if not server.running():
            server.start()
    for writer in writers:
        check.that(at_kill[writer], f"no write was acknowledged in {writer.region} before the kill")
        check.that(writer.acknowledged > at_restart[writer], f"{writer.region} took no writes after the restart")
    found = walk.expect_converged(TABLE, ["owner", "id"])
    items = {(item["owner"]["S"], item["id"]["S"]): item for item in found}
    for writer in writers:
        writer.expect_kept(items)


def by_hand(walk):
    """After all that, a write still reaches every Region; seen with the client under test."""
    key = {"owner": s("hand"), "id": s("after")}
    walk.call(SECOND, "PutItem", TableName=TABLE, Item=key)
    for region in REGIONS:
        walk.expect_item(region, TABLE, key, key, f"a put in {SECOND} appears in {region} after the crashes")
