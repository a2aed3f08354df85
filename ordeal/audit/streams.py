"""Whether the streams tell the truth: every record once, each going on where the last one of its item ended.

A Region that was resynchronised by comparison got the latest of an item only, so a record of another Region's write may
be missing; what a Region's own clients wrote is in its own stream, always.
"""

from collections import Counter, defaultdict
from itertools import pairwise

from ordeal.journal import ACKNOWLEDGED, REFUSED, is_whole


def _id(image):
    return image and image["id"]["S"]


def chains(found):
    """Per item, each record begins with the image that the one before ended with, and the last is the item."""
    problems, last = [], {}
    for key, event, old, new in found.records:
        before = last.get(key)
        if old != before:
            problems.append(f"{event} of {key} goes on from {_id(old)}, but the record before ended with {_id(before)}")
        expected = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        if event != expected:
            problems.append(f"a record of {key} is called {event}, not {expected}")
        if old == new:
            problems.append(f"{event} of {key} changes nothing")
        last[key] = new
    for key in last.keys() | found.items.keys():
        if last.get(key) != found.items.get(key):
            at_end = _id(found.items.get(key))
            problems.append(f"the last record of {key} ends with {_id(last.get(key))}, but the item is {at_end}")
    for before, after in pairwise(found.sequence_numbers):
        if after <= before:
            problems.append(f"the sequence number {after} comes after {before}")
    return problems


def once(writes, found, part, region):
    """Every id is in a Region's stream once at most; those acknowledged there, exactly once; those refused, never.

    A cold item that was written once has its record in every Region, exactly once.
    """
    problems = []
    noted = {write.id: write for write in writes if write.table == part and write.kind != "delete"}
    times = Counter(_id(new) for _, _, _, new in found.records if new)
    for write_id, count in times.items():
        write = noted.get(write_id)
        if write is None or write.outcome == REFUSED:
            problems.append(f"{write_id} has a record, but {'was refused' if write else 'nobody wrote it'}")
        elif count > 1:
            problems.append(f"{write_id} has {count} records")
    changed = {write.key for write in writes if write.table == "cold" and write.kind != "put" and write.maybe}
    for write in noted.values():
        here = write.region == region
        everywhere = part == "cold" and write.kind == "put" and write.key not in changed
        if write.outcome == ACKNOWLEDGED and (here or everywhere) and times[write.id] != 1:
            problems.append(f"{write.id} of {write.region}, acknowledged, has {times[write.id]} records in {region}")
    return problems


def deletes(writes, found, part, region):
    """Every acknowledged delete that found something has its record in its own Region."""
    removed = Counter((key, _id(old)) for key, event, old, _ in found.records if event == "REMOVE")
    problems = []
    for write in writes:
        known = write.old is not None and write.old != "?"
        if (write.table, write.kind, write.region, write.outcome) == (part, "delete", region, ACKNOWLEDGED) and known:
            # A cold item's writer does not ask what it deleted, but nobody else changes the item.
            if removed[write.key, write.old] < 1:
                problems.append(f"the delete {write.id} of {write.key} over {write.old} has no record in {region}")
    return problems


def replaced(writes, found, part, region):
    """What an acknowledged write said that it replaced is what its record says."""
    told = {write.id: write.old for write in writes if write.table == part and write.outcome == ACKNOWLEDGED}
    here = {write.id for write in writes if write.region == region}
    problems = []
    for key, _, old, new in found.records:
        new_id = _id(new)
        if new_id in here and told.get(new_id, "?") != "?" and told[new_id] != _id(old):
            problems.append(f"{new_id} answered that it replaced {told[new_id]}, its record says {_id(old)} ({key})")
        if new_id in here and new is not None and part == "hot" and new["n"]["N"] != "0":
            before = int(old["n"]["N"]) if old else 0
            if int(new["n"]["N"]) != before + 1:
                problems.append(f"{new_id} counted from {before} to {new['n']['N']}")
    return problems


def images(regions):
    """An id has the same image in every Region, and it is whole."""
    problems, first = [], {}
    for region, found in regions.items():
        for _, _, _, new in found.records:
            if new is None:
                continue
            other = first.setdefault(_id(new), (region, new))
            if other[1] != new:
                problems.append(f"{_id(new)} looks different in {other[0]} and {region}")
            if other[0] == region and not is_whole(new):
                problems.append(f"{_id(new)} is a mixture: {new}")
    return problems


def order(regions):
    """No two Regions saw two writes of an item in opposite order: there is one order that all streams follow."""
    after = defaultdict(lambda: defaultdict(set))  # key -> id -> ids that came later somewhere
    for found in regions.values():
        last = {}
        for key, _, _, new in found.records:
            if new is None:
                continue  # a delete has no id; what is before and after it is in order all the same
            if key in last:
                after[key][last[key]].add(_id(new))
            last[key] = _id(new)
    return [problem for key, edges in after.items() if (problem := _circle(key, edges))]


def _circle(key, edges):
    """Kahn's algorithm: what cannot be put in order."""
    waiting = Counter(target for targets in edges.values() for target in targets)
    nodes = edges.keys() | waiting.keys()
    ready = [node for node in nodes if not waiting[node]]
    done = 0
    while ready:
        node = ready.pop()
        done += 1
        for target in edges.get(node, ()):
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    stuck = sorted(node for node in nodes if waiting[node] > 0)
    return f"writes of {key} in opposite order in two Regions, among {stuck[:6]}" if done < len(nodes) else None
