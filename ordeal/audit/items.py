"""Whether the items at the end are what the writes allow: nothing acknowledged is lost, nothing came from nowhere.

Versions are not visible to clients, so the order of two writes is taken from what is: one replaced the other, one
began in the same Region after the other had ended, or one began so much later that no clock can have it before.
"""

from collections import defaultdict

from ordeal.journal import ACKNOWLEDGED, REFUSED, UNKNOWN, is_whole

# A write of unknown outcome may go on for a moment after its connection broke.
AFTERMATH_S = 0.5


def by_key(writes, table):
    """The writes of each item of a table that happened or may have."""
    grouped = defaultdict(list)
    for write in writes:
        if write.table == table and write.maybe:
            grouped[write.key].append(write)
    return grouped


def cold(writes, items):
    """Every cold item has one writer, so it must be what its last acknowledged write made of it, or a later one in doubt."""
    problems, noted = [], by_key(writes, "cold")
    for key, history in noted.items():
        possible = [None]
        for write in sorted(history, key=lambda write: write.start):
            state = None if write.kind == "delete" else write.id
            possible = [state] if write.outcome == ACKNOWLEDGED else [*possible, state]
        item = items.get(key)
        found = item and item["id"]["S"]
        if found not in possible:
            problems.append(f"cold item {key} is {found}, possible are {possible}: {_told(history)}")
    problems += [f"cold item {key} was never written" for key in items.keys() - noted.keys()]
    return problems


def transactions(writes, items):
    """All cold items of a transaction are there, or none (of those that nobody changed afterwards)."""
    changed = {write.key for write in writes if write.table == "cold" and write.kind != "put" and write.maybe}
    together = defaultdict(list)
    for write in writes:
        if write.transaction and write.table == "cold" and write.key not in changed:
            together[write.transaction].append(write)
    problems = []
    for token, parts in together.items():
        there = [write for write in parts if write.key in items]
        wanted = {ACKNOWLEDGED: [len(parts)], REFUSED: [0], UNKNOWN: [0, len(parts)]}[parts[0].outcome]
        if len(there) not in wanted:
            problems.append(f"of transaction {token} ({parts[0].outcome}) {len(there)} of {len(parts)} items are there")
    return problems


def hot(writes, items, clocks_apart_s):
    """A hot item is the work of a write that no other write is known to be later than.

    `clocks_apart_s(moment)` says how far the version of a write that ended then can be from other clocks.
    """
    problems, noted = [], by_key(writes, "hot")
    for key, history in noted.items():
        acknowledged = [write for write in history if write.outcome == ACKNOWLEDGED]
        replaced = {write.old: write for write in acknowledged}
        latest = {}
        for write in acknowledged:
            # A delete of nothing writes nothing.
            if not (write.kind == "delete" and write.old is None):
                before = latest.get(write.region)
                if before is None or write.start > before.start:
                    latest[write.region] = write
        item = items.get(key)
        if item is None:
            candidates = [write for write in history if write.kind == "delete"]
            if acknowledged and all(_beaten(write, latest, clocks_apart_s) for write in candidates):
                if latest:
                    problems.append(f"hot item {key} is gone, but no delete can have been the last: {_told(history)}")
            continue
        found = item["id"]["S"]
        winner = next((write for write in history if write.id == found and write.kind != "delete"), None)
        if winner is None:
            problems.append(f"hot item {key} is {found}, which nobody wrote, or was told had failed")
            continue
        if found in replaced:
            problems.append(f"hot item {key} is {found}, which {replaced[found].id} replaced")
        later = _beaten(winner, latest, clocks_apart_s)
        if later:
            problems.append(f"hot item {key} is {found}, but {later.id} came later: {_told([winner, later])}")
    problems += [f"hot item {key} was never written" for key in items.keys() - noted.keys()]
    return problems


def _beaten(write, latest, clocks_apart_s):
    """An acknowledged write of the same item that is certainly later, or None."""
    end = write.end + (AFTERMATH_S if write.outcome == UNKNOWN else 0)
    for region, other in latest.items():
        apart = 0 if region == write.region else clocks_apart_s(end)
        if other.id != write.id and other.start > end + apart:
            return other
    return None


def counters(writes, items):
    """A counter that one Region counts is exact; each number was answered once; a beacon shows its last."""
    problems, noted = [], by_key(writes, "counters")
    for key, history in noted.items():
        sure = sum(write.outcome == ACKNOWLEDGED for write in history)
        told = [write.number for write in history if write.outcome == ACKNOWLEDGED]
        found = int(items[key]["n"]["N"]) if key in items else 0
        if history[0].kind == "beacon":
            possible = [write.number for write in history if write.outcome == UNKNOWN]
            highest = max(told, default=0)
            if found != highest and not (found in possible and found > highest):
                problems.append(f"{key} shows {found}, acknowledged was {highest}")
            continue
        if not sure <= found <= len(history):
            problems.append(f"counter {key} is {found}, {sure} were acknowledged and {len(history) - sure} are in doubt")
        if len(set(told)) != len(told):
            problems.append(f"counter {key} gave the same number twice")
        if told and found < max(told):
            problems.append(f"counter {key} is {found}, but {max(told)} was answered")
    return problems


def whole(items):
    """No item is a mixture of two writes."""
    return [f"{key} is a mixture: {item}" for key, item in items.items() if not is_whole(item)]


def _told(history):
    latest = sorted(history, key=lambda write: write.start)[-6:]
    return "; ".join(
        f"{write.kind} {write.id} {write.outcome} {write.start:.3f}-{write.end:.3f} over {write.old}" for write in latest
    )
