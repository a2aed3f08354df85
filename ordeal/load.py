"""`python -m ordeal.load`: the writers of one Region, which note every write in a journal.

Runs on the host of its Region and takes its orders from standard input, a word a line: pause, resume, count, stop.
`count` and `stop` are answered with a line of JSON; the journal is written at `stop`. What a server must never do
and a writer can see at once is a complaint.
"""

import argparse
import collections
import json
import random
import sys
import threading
import time
import uuid

from ordeal.journal import ACKNOWLEDGED, REFUSED, UNKNOWN, UNTOLD, Write, derived, dump
from ordeal.request import Connection, Refused, Unknown, Unsent

WRITERS = 8
HOT_KEYS = 200
COUNTERS = 8
COLD_COLLECTIONS = 64
COLD_PER_TRANSACTION = 3
BEACON_INTERVAL_S = 0.1
WATCH_INTERVAL_S = 0.01
DOWN_PAUSE_S = 0.05
# Refusals that the load provokes.
EXPECTED = {"ConditionalCheckFailedException", "TransactionConflictException", "TransactionCanceledException"}
MIX = (
    ("hot_put", 14),
    ("hot_update", 16),
    ("hot_delete", 5),
    ("hot_conditional", 10),
    ("cold_put", 25),
    ("cold_change", 6),
    ("transaction", 8),
    ("counter", 10),
)
# Transactions are sent again with their token until they are answered.
AGAIN = {"TransactionInProgressException"}


class Driver:
    """All that writers share."""

    def __init__(self, options):
        self.region = options.region
        self.regions = options.regions.split(",")
        self.tables = json.loads(options.tables)
        self.address = ("127.0.0.1", options.port)
        self.interval_s = WRITERS / options.rate
        self.seed = options.seed
        self.writing = threading.Event()
        self.stopping = threading.Event()
        self.writes = []  # appending is atomic
        self.complaints = collections.Counter()
        self.refusals = collections.Counter()
        self.lags = []  # (wall clock, source Region, ms)
        self.seen_last = {}  # hot key -> id that somebody here saw there last
        self.cold = collections.deque(maxlen=4000)  # (key, id) that can be changed once

    def connection(self):
        return Connection(self.region, self.address)

    def counts(self):
        counted = collections.Counter(write.outcome for write in self.writes)
        return {
            "acknowledged": counted[ACKNOWLEDGED],
            "refused": counted[REFUSED],
            "unknown": counted[UNKNOWN],
            "refusals": dict(self.refusals),
            "complaints": dict(self.complaints),
        }


class Writer(threading.Thread):
    """Writes one thing after the other, as often as it is told to."""

    def __init__(self, driver, number):
        super().__init__(daemon=True)
        self.driver = driver
        self.number = number
        self.random = random.Random(f"{driver.seed} {driver.region} {number}")
        self.connection = driver.connection()
        self.sequence = 0
        self.actions = [getattr(self, name) for name, _ in MIX]
        self.weights = [weight for _, weight in MIX]

    def run(self):
        due = time.monotonic()
        while not self.driver.stopping.is_set():
            self.driver.writing.wait()
            self.random.choices(self.actions, self.weights)[0]()
            # What was missed is not made up for: a server that was down is not flooded.
            due = max(due + self.driver.interval_s, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))

    def new_id(self):
        self.sequence += 1
        return f"{self.driver.region}.{self.number}.{self.sequence}"

    def send(self, writes, operation, parameters):
        """Sends a request that makes these writes; gives the answer if it was acknowledged."""
        answer, end = None, None
        start = time.time()
        try:
            answer = self.connection.call(operation, parameters)
            outcome = ACKNOWLEDGED
        except Unsent:
            time.sleep(DOWN_PAUSE_S)
            return None
        except Unknown as unknown:
            outcome = UNKNOWN
            if unknown.status is not None:
                self.driver.complaints[str(unknown)] += 1
        except Refused as refused:
            outcome = REFUSED
            self.refused = refused
            self.driver.refusals[refused.code] += 1
            if refused.code not in EXPECTED | AGAIN:
                self.driver.complaints[f"{operation}: {refused}"] += 1
        end = time.time()
        for write in writes:
            write.start, write.end, write.outcome = start, end, outcome
        return answer

    def note(self, *writes):
        self.driver.writes.extend(write for write in writes if write.outcome)

    def write(self, table, key, write_id, kind, **more):
        return Write(self.driver.region, table, key, write_id, kind, 0, 0, "", **more)

    def hot_key(self):
        return f"h{self.random.randrange(HOT_KEYS)}"

    def one(self, write, operation, parameters):
        """A single write of a hot item, which tells what it replaced."""
        parameters |= {"TableName": self.driver.tables["hot"], "ReturnValues": "ALL_OLD"}
        answer = self.send([write], operation, parameters)
        if answer is not None:
            write.old = answer.get("Attributes", {}).get("id", {}).get("S")
            self.driver.seen_last[write.key] = None if write.kind == "delete" else write.id
        self.note(write)

    def hot_put(self):
        key, new = self.hot_key(), self.new_id()
        item = {"pk": {"S": key}, "id": {"S": new}, "n": {"N": "0"}, **derived(new)}
        self.one(self.write("hot", key, new, "put"), "PutItem", {"Item": item})

    def hot_update(self):
        key, new = self.hot_key(), self.new_id()
        self.one(self.write("hot", key, new, "update"), "UpdateItem", {"Key": {"pk": {"S": key}}, **_update(new)})

    def hot_delete(self):
        key = self.hot_key()
        self.one(self.write("hot", key, self.new_id(), "delete"), "DeleteItem", {"Key": {"pk": {"S": key}}})

    def hot_conditional(self):
        """Optimistic locking: only over what was seen there last."""
        key, new = self.hot_key(), self.new_id()
        seen = self.driver.seen_last.get(key)
        item = {"pk": {"S": key}, "id": {"S": new}, "n": {"N": "0"}, **derived(new)}
        condition = {"ConditionExpression": "attribute_not_exists(pk)"}
        if seen:
            condition = {"ConditionExpression": "id = :seen", "ExpressionAttributeValues": {":seen": {"S": seen}}}
        write = self.write("hot", key, new, "put")
        self.one(write, "PutItem", {"Item": item, "ReturnValuesOnConditionCheckFailure": "ALL_OLD", **condition})
        if write.outcome == ACKNOWLEDGED and write.old != seen:
            self.driver.complaints[f"the condition that {key} is {seen} held, but it was {write.old}"] += 1
        if write.outcome == REFUSED:
            self.driver.seen_last[key] = self.refused.body.get("Item", {}).get("id", {}).get("S")

    def cold_item(self):
        new = self.new_id()
        collection = f"c{self.random.randrange(COLD_COLLECTIONS)}"
        item = {"pk": {"S": collection}, "sk": {"S": new}, "id": {"S": new}, **derived(new)}
        put = {"TableName": self.driver.tables["cold"], "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        return f"{collection}/{new}", new, put

    def cold_put(self):
        key, new, put = self.cold_item()
        write = self.write("cold", key, new, "put")
        if self.send([write], "PutItem", put) is not None:
            self.driver.cold.append((key, new))
        self.note(write)

    def cold_change(self):
        """Changes or deletes a cold item of this Region, once."""
        try:
            key, old = self.driver.cold.popleft()
        except IndexError:
            return
        collection, sort = key.split("/")
        target = {"TableName": self.driver.tables["cold"], "Key": {"pk": {"S": collection}, "sk": {"S": sort}}}
        new = self.new_id()
        if self.random.random() < 0.5:
            write = self.write("cold", key, new, "delete", old=old)
            self.send([write], "DeleteItem", target)
        else:
            write = self.write("cold", key, new, "update", old=old)
            self.send([write], "UpdateItem", target | _update(new))
        self.note(write)

    def transaction(self):
        """New cold items, and sometimes a hot one, together. Sent again with its token until the outcome is known."""
        token, writes, actions = str(uuid.UUID(int=self.random.getrandbits(128))), [], []
        for _ in range(COLD_PER_TRANSACTION):
            key, new, put = self.cold_item()
            writes.append(self.write("cold", key, new, "put", transaction=token))
            actions.append({"Put": put})
        if self.random.random() < 0.5:
            key, new = self.hot_key(), self.new_id()
            writes.append(self.write("hot", key, new, "update", transaction=token))
            update = {"TableName": self.driver.tables["hot"], "Key": {"pk": {"S": key}}, **_update(new)}
            actions.append({"Update": update})
        request = {"TransactItems": actions, "ClientRequestToken": token}
        first_start = None
        while True:
            self.send(writes, "TransactWriteItems", request)
            outcome = writes[0].outcome
            if not outcome:
                return  # never sent
            first_start = first_start or writes[0].start
            in_doubt = outcome == UNKNOWN or (outcome == REFUSED and self.refused.code in AGAIN)
            if not in_doubt or self.driver.stopping.is_set():
                break
            time.sleep(DOWN_PAUSE_S)
        for write in writes:
            write.start = first_start
            if in_doubt:
                write.outcome = UNKNOWN
        self.note(*writes)

    def counter(self):
        """An atomic counter that only this Region counts, so it must be exact."""
        key, new = f"{self.driver.region}.{self.random.randrange(COUNTERS)}", self.new_id()
        write = self.write("counters", key, new, "add")
        update = {"TableName": self.driver.tables["counters"], "Key": {"pk": {"S": key}}, **_update(new)}
        answer = self.send([write], "UpdateItem", update | {"ReturnValues": "ALL_NEW"})
        if answer is not None:
            write.number = int(answer["Attributes"]["n"]["N"])
        self.note(write)


class Beacon(Writer):
    """Writes the time into one item, again and again: the others see by it how late they are."""

    def run(self):
        key = f"beacon.{self.driver.region}"
        while not self.driver.stopping.is_set():
            new = self.new_id()
            write = self.write("counters", key, new, "beacon", number=self.sequence)
            number, moment = {"N": str(self.sequence)}, {"N": repr(time.time())}
            item = {"pk": {"S": key}, "id": {"S": new}, "n": number, "t": moment, **derived(new)}
            self.send([write], "PutItem", {"TableName": self.driver.tables["counters"], "Item": item})
            self.note(write)
            time.sleep(BEACON_INTERVAL_S)


class Watcher(Writer):
    """Reads the others' beacons and counters: how late they come, and that no number ever goes back."""

    def run(self):
        others = [region for region in self.driver.regions if region != self.driver.region]
        names = [f"beacon.{region}" for region in others] + [f"{region}.0" for region in self.driver.regions]
        table, highest = self.driver.tables["counters"], {}
        wanted = {table: {"Keys": [{"pk": {"S": name}} for name in names], "ConsistentRead": True}}
        while not self.driver.stopping.is_set():
            try:
                items = self.connection.call("BatchGetItem", {"RequestItems": wanted})["Responses"][table]
            except (Unsent, Unknown):
                time.sleep(DOWN_PAUSE_S)
                continue
            except Refused as refused:
                self.driver.complaints[f"BatchGetItem: {refused}"] += 1
                time.sleep(DOWN_PAUSE_S)
                continue
            now = time.time()
            for item in items:
                name, number = item["pk"]["S"], int(item["n"]["N"])
                before = highest.get(name, 0)
                if number < before:
                    self.driver.complaints[f"{name} went back from {before} to {number}"] += 1
                if number > before and "t" in item:
                    source = name.removeprefix("beacon.")
                    self.driver.lags.append((now, source, round((now - float(item["t"]["N"])) * 1000, 1)))
                highest[name] = max(number, before)
            time.sleep(WATCH_INTERVAL_S)


def _update(new):
    """An update that leaves its id and counts."""
    more = derived(new)
    return {
        "UpdateExpression": "SET id = :id, g = :g, filler = :filler ADD n :one",
        "ExpressionAttributeValues": {":id": {"S": new}, ":g": more["g"], ":filler": more["filler"], ":one": {"N": "1"}},
    }


def main():
    parser = argparse.ArgumentParser(prog="python -m ordeal.load", description=__doc__)
    parser.add_argument("--region", required=True)
    parser.add_argument("--regions", required=True)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--tables", required=True, help="JSON: the table of each part")
    parser.add_argument("--journal", required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--rate", required=True, type=float, help="writes a second, at most")
    driver = Driver(parser.parse_args())
    options = parser.parse_args()
    threads = [Writer(driver, number) for number in range(WRITERS)]
    threads += [Beacon(driver, "beacon"), Watcher(driver, "watcher")]
    threading.excepthook = lambda fault: driver.complaints.update([f"a thread ended: {fault.exc_value!r}"])
    driver.writing.set()
    for thread in threads:
        thread.start()
    for line in sys.stdin:
        order = line.strip()
        if order == "pause":
            driver.writing.clear()
        elif order == "resume":
            driver.writing.set()
        elif order == "count":
            print(json.dumps(driver.counts()), flush=True)
        elif order == "stop":
            break
    driver.stopping.set()
    driver.writing.set()
    for thread in threads:
        thread.join()
    dump(driver.writes, options.journal)
    print(json.dumps(driver.counts() | {"lags": driver.lags}), flush=True)


if __name__ == "__main__":
    main()
