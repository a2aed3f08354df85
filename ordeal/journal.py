"""What the drivers note of every write, and what an item must look like that a noted write made.

Every write has an id of its own that it leaves in the item, and the rest of the item follows from the id. So any
image of an item tells who made it, and whether it is whole.
"""

import hashlib
import json
import zlib
from dataclasses import dataclass

# Outcomes
ACKNOWLEDGED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"
# What a write found when it does not say.
UNTOLD = "?"
GROUPS = 16


@dataclass(slots=True)
class Write:
    """One write of one item."""

    region: str
    table: str  # hot, cold, counters: the part that the table has in the ordeal
    key: str
    id: str
    kind: str  # put, update, delete, add, beacon
    start: float  # wall clock, before it was sent
    end: float  # after the answer, or after the connection broke
    outcome: str
    old: str | None = UNTOLD  # id of the image that it replaced, None for nothing
    number: int | None = None  # what an atomic counter answered, or a beacon said
    transaction: str | None = None

    @property
    def maybe(self):
        """Whether it happened or may have."""
        return self.outcome != REFUSED


def dump(writes, path):
    with open(path, "w", encoding="utf-8") as file:
        for write in writes:
            file.write(json.dumps([getattr(write, name) for name in Write.__slots__]) + "\n")


def load(path):
    with open(path, encoding="utf-8") as file:
        return [Write(*json.loads(line)) for line in file]


def derived(write_id):
    """What every image of an item holds besides keys, id and numbers: index key, padding."""
    check = zlib.crc32(write_id.encode())
    digest = hashlib.sha1(write_id.encode()).hexdigest()
    return {"g": {"S": f"g{check % GROUPS}"}, "filler": {"S": (digest * 8)[: 40 + check % 280]}}


def is_whole(item):
    """Whether an image holds what its id says."""
    return all(item.get(name) == value for name, value in derived(item["id"]["S"]).items())
