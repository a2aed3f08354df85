"""Every check of a round shown to say yes to what is right and no to what is wrong, on histories of a few writes.

Runs before each ordeal: a check that cannot fail proves nothing.
"""

from ordeal.audit import items, streams
from ordeal.journal import ACKNOWLEDGED, REFUSED, UNKNOWN, UNTOLD, Write, derived
from ordeal.tables import Found

HERE, THERE = "us-east-1", "eu-west-1"


def write(write_id, key="k", table="hot", kind="put", at=0.0, old=UNTOLD, outcome=ACKNOWLEDGED, region=HERE, **more):
    return Write(region, table, key, write_id, kind, at, at + 0.1, outcome, old, **more)


def image(write_id, key="k", number="0"):
    return {"pk": {"S": key}, "id": {"S": write_id}, "n": {"N": number}, **derived(write_id)}


def found(*records, **held):
    """A Region with these records, (old id, new id, number), of one item, which holds what the last one left."""
    made, numbers = [], {None: None}
    for old, new, number in records:
        event = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        before = old and image(old, number=numbers.get(old, "0"))
        numbers[new] = number
        made.append(("k", event, before, new and image(new, number=number)))
    last = made[-1][3] if made else None
    here = {"k": last} if last else {}
    return Found(held.get("items", here), {}, made, list(range(len(made))))


def apart(_moment):
    return 0.5


FIRST, SECOND = write("a", at=0, old=None), write("b", at=1, old="a")
MIXTURE = image("a") | {"filler": derived("b")["filler"]}
IN_TRANSACTION = [write(name, name, "cold", transaction="t") for name in "ab"]
CHAIN = [(None, "a", "0"), ("a", "b", "0")]

# What is checked, what must be right, what must be wrong.
CASES = (
    (
        "a lost cold item",
        lambda: items.cold([write("a", table="cold")], {"k": image("a")}),
        lambda: items.cold([write("a", table="cold")], {}),
    ),
    (
        "a deleted cold item that is back",
        lambda: items.cold([write("a", table="cold"), write("b", table="cold", kind="delete", at=1)], {}),
        lambda: items.cold([write("a", table="cold"), write("b", table="cold", kind="delete", at=1)], {"k": image("a")}),
    ),
    (
        "an item of a refused write",
        lambda: items.cold([write("a", table="cold", outcome=UNKNOWN)], {"k": image("a")}),
        lambda: items.cold([write("a", table="cold", outcome=REFUSED)], {"k": image("a")}),
    ),
    (
        "half a transaction",
        lambda: items.transactions(IN_TRANSACTION, {"a": image("a"), "b": image("b")}),
        lambda: items.transactions(IN_TRANSACTION, {"a": image("a")}),
    ),
    (
        "a hot item that was replaced",
        lambda: items.hot([FIRST, SECOND], {"k": image("b")}, apart),
        lambda: items.hot([FIRST, SECOND], {"k": image("a")}, apart),
    ),
    (
        "a hot item that is older than another Region's write",
        lambda: items.hot([write("a"), write("b", at=0.4, region=THERE)], {"k": image("a")}, apart),
        lambda: items.hot([write("a"), write("b", at=0.7, region=THERE)], {"k": image("a")}, apart),
    ),
    (
        "a hot item that is gone although it was written last",
        lambda: items.hot([FIRST, write("d", kind="delete", at=1, old="a")], {}, apart),
        lambda: items.hot([write("d", kind="delete", old="z"), write("b", at=1)], {}, apart),
    ),
    (
        "an item that nobody wrote",
        lambda: items.hot([FIRST], {"k": image("a")}, apart),
        lambda: items.hot([FIRST], {"k": image("z")}, apart),
    ),
    (
        "a counter that missed one",
        lambda: items.counters(
            [write(str(n), table="counters", kind="add", number=n) for n in (1, 2)], {"k": image("2", number="2")}
        ),
        lambda: items.counters(
            [write(str(n), table="counters", kind="add", number=1) for n in (1, 2)], {"k": image("2", number="1")}
        ),
    ),
    (
        "a beacon that went back",
        lambda: items.counters([write("a", table="counters", kind="beacon", number=7)], {"k": image("a", number="7")}),
        lambda: items.counters([write("a", table="counters", kind="beacon", number=7)], {"k": image("a", number="6")}),
    ),
    ("a mixture of two writes", lambda: items.whole({"k": image("a")}), lambda: items.whole({"k": MIXTURE})),
    (
        "a gap in a stream",
        lambda: streams.chains(found(*CHAIN)),
        lambda: streams.chains(found((None, "a", "0"), ("z", "b", "0"))),
    ),
    (
        "a stream that ends before its item",
        lambda: streams.chains(found(*CHAIN)),
        lambda: streams.chains(found(*CHAIN, items={"k": image("z")})),
    ),
    (
        "a write without a record",
        lambda: streams.once([FIRST, SECOND], found(*CHAIN), "hot", HERE),
        lambda: streams.once([FIRST, SECOND], found((None, "a", "0")), "hot", HERE),
    ),
    (
        "a write with two records",
        lambda: streams.once([FIRST, SECOND], found(*CHAIN), "hot", THERE),
        lambda: streams.once([FIRST, SECOND], found(*CHAIN, ("b", "a", "0")), "hot", THERE),
    ),
    (
        "a record of a refused write",
        lambda: streams.once([FIRST], found((None, "a", "0")), "hot", THERE),
        lambda: streams.once([write("a", outcome=REFUSED)], found((None, "a", "0")), "hot", THERE),
    ),
    (
        "a delete without a record",
        lambda: streams.deletes([write("d", kind="delete", old="a")], found(CHAIN[0], ("a", None, "0")), "hot", HERE),
        lambda: streams.deletes([write("d", kind="delete", old="a")], found(CHAIN[0]), "hot", HERE),
    ),
    (
        "an answer that its record contradicts",
        lambda: streams.replaced([FIRST, SECOND], found(*CHAIN), "hot", HERE),
        lambda: streams.replaced([FIRST, write("b", old="z")], found(*CHAIN), "hot", HERE),
    ),
    (
        "a count that skips",
        lambda: streams.replaced([FIRST, SECOND], found((None, "a", "1"), ("a", "b", "2")), "hot", HERE),
        lambda: streams.replaced([FIRST, SECOND], found((None, "a", "1"), ("a", "b", "3")), "hot", HERE),
    ),
    (
        "an image that differs between Regions",
        lambda: streams.images({HERE: found(*CHAIN), THERE: found(*CHAIN)}),
        lambda: streams.images({HERE: found(*CHAIN), THERE: found((None, "a", "5"))}),
    ),
    (
        "two writes in opposite order",
        lambda: streams.order({HERE: found(*CHAIN), THERE: found((None, "b", "0"))}),
        lambda: streams.order({HERE: found(*CHAIN), THERE: found((None, "b", "0"), ("b", "a", "0"))}),
    ),
)


def problems():
    """The checks that say no to what is right, or yes to what is wrong."""
    wrong = []
    for what, right, bad in CASES:
        if right():
            wrong.append(f"the check for {what} says no to what is right: {right()}")
        if not bad():
            wrong.append(f"the check for {what} does not find it")
    return wrong
