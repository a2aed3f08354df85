"""Replication is seen and steered with the program's own commands: cut, conflict, heal, journal, figures, errors."""

import json
import subprocess
import time

from walk import check
from walk.clients import ApiError
from walk.context import HOME, SECOND, s

TITLE = "a link is cut and healed by dials; replicas, conflicts and metrics tell of it"
TABLE = "operated"


def run(walk):
    walk.create_global_table(TABLE, "id")
    try:
        cut_and_heal(walk)
        the_journal(walk)
        figures(walk)
        errors(walk)
    finally:
        for server in walk.cluster.servers:
            graticule(walk, server.endpoint, "dials", "reset")


def graticule(walk, endpoint, *arguments):
    """The output of a command against one server."""
    command = [walk.cluster.binary, *arguments, "--endpoint", endpoint]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    check.that(done.returncode == 0, f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def home(walk, *arguments):
    return graticule(walk, walk.cluster.endpoint_of(HOME), *arguments)


def peer_at_home(walk):
    """What HOME knows of the replica in SECOND."""
    answer = json.loads(home(walk, "replicas", "--table", TABLE, "--region", HOME, "--format", "json"))
    [region] = answer["Regions"]
    [link] = [link for link in region["Links"] if link["Region"] == SECOND]
    [table] = region["Tables"]
    [peer] = [peer for peer in table["Peers"] if peer["Region"] == SECOND]
    return link, peer


def cut_and_heal(walk):
    key = {"id": s("1")}
    # One server is told; the links of both directions obey.
    home(walk, "dials", "set", f"cut={HOME}:{SECOND}")

    def down():
        link, _ = peer_at_home(walk)
        check.equal(link["State"], "DOWN", f"the link from {HOME} to {SECOND}")
        there = graticule(walk, walk.cluster.endpoint_of(SECOND), "replicas", "--region", SECOND, "--format", "json")
        [back] = [link for link in json.loads(there)["Regions"][0]["Links"] if link["Region"] == HOME]
        check.equal(back["State"], "DOWN", f"the link from {SECOND} to {HOME}")

    check.eventually("both links are down", down)
    walk.call(HOME, "PutItem", TableName=TABLE, Item=key | {"by": s(HOME)})
    time.sleep(0.05)
    walk.call(SECOND, "PutItem", TableName=TABLE, Item=key | {"by": s(SECOND)})
    check.equal(walk.get(HOME, TABLE, key), key | {"by": s(HOME)}, "before the healing, in the first Region")
    _, peer = peer_at_home(walk)
    check.that(peer["PendingChanges"] >= 1 and peer["PendingBytes"] > 0, f"nothing is pending: {peer}")
    home(walk, "dials", "set", f"heal={HOME}:{SECOND}")
    for region in (HOME, SECOND):
        walk.expect_item(region, TABLE, key, key | {"by": s(SECOND)}, f"the last writer wins in {region}")


def the_journal(walk):
    def listed():
        lines = graticule(
            walk, walk.cluster.endpoint_of(SECOND), "conflicts", "--table", TABLE, "--region", SECOND, "--format", "json"
        ).splitlines()
        check.equal(len(lines), 1, "conflicts listed where the winner was written")
        return json.loads(lines[0])

    conflict = check.eventually("the conflict is listed", listed)
    check.equal(conflict["Winner"]["Region"], SECOND, "the winner")
    check.equal(conflict["Loser"]["Region"], HOME, "the loser")
    check.equal(conflict["Discarded"], {"id": s("1"), "by": s(HOME)}, "what was discarded")


def figures(walk):
    def caught_up():
        link, peer = peer_at_home(walk)
        check.equal(link["State"], "CONNECTED", "the link after the healing")
        check.equal(peer["PendingChanges"], 0, "pending changes after the healing")
        check.that(peer["ReplicationLatency"]["Changes"] >= 1, "no latency was measured")

    check.eventually("replicas show that all is well", caught_up)
    text = home(walk, "replicas", "--table", TABLE)
    check.that(TABLE in text and "CONNECTED" in text, f"replicas for people: {text}")


def errors(walk):
    home(walk, "dials", "set", f"error=ThrottlingException:1:table={TABLE}:operation=GetItem:region={HOME}")
    try:
        walk.get(HOME, TABLE, {"id": s("1")})
    except ApiError as error:
        check.equal(error.code, "ThrottlingException", "the error that was asked for")
    else:
        raise check.CheckFailed("GetItem was not throttled")
    home(walk, "dials", "set", f"error=ThrottlingException:0:table={TABLE}:operation=GetItem:region={HOME}")
    check.that(walk.get(HOME, TABLE, {"id": s("1")}), "GetItem answers again")
