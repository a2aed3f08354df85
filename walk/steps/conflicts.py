"""One item written in two Regions at the same moment: both end with one of the two, whole, or with none."""

import threading
import time

from walk import check
from walk.context import HOME, SECOND, n, s

TITLE = "the same item written in two Regions at once: one whole winner everywhere"
TABLE = "contested"
REGIONS = (HOME, SECOND)
ROUNDS_PER_RACE = 100
SEQUENCES = 40


def run(walk):
    walk.create_global_table(TABLE, "id")
    races(walk)
    the_later_write_wins(walk)
    by_hand(walk)


def put(raw, key, region, mark):
    """Puts an item whose every attribute tells its writer; returns what it wrote."""
    item = key | {"by": s(region), f"only-{region}": n(mark), "twice": s(f"{region} {mark}")}
    raw.put_item(TableName=TABLE, Item=item)
    return item


def update(raw, key, region, mark):
    """Updates part of the item; what it wrote is the whole item as it was then in that Region."""
    answer = raw.update_item(
        TableName=TABLE,
        Key=key,
        UpdateExpression="SET #by = :by, #only = :mark, twice = :twice",
        ExpressionAttributeNames={"#by": "by", "#only": f"only-{region}"},
        ExpressionAttributeValues={":by": s(region), ":mark": n(mark), ":twice": s(f"{region} {mark}")},
        ReturnValues="ALL_NEW",
    )
    return answer["Attributes"]


def delete(raw, key, _region, _mark):
    raw.delete_item(TableName=TABLE, Key=key)
    return None


RACES = {
    "put-put": (put, put),
    "put-delete": (put, delete),
    "delete-put": (delete, put),
    "update-update": (update, update),
    "update-delete": (update, delete),
}


def races(walk):
    keys = {race: [{"id": s(f"{race}-{number}")} for number in range(ROUNDS_PER_RACE)] for race in RACES}
    seeds = [key | {"by": s("seed")} for race in RACES for key in keys[race]]
    walk.put_all(HOME, TABLE, seeds, client=walk.observer)
    check.equal_items(walk.expect_converged(TABLE, ["id"]), seeds, ["id"], "the items before the races")

    written = {}
    for race, actions in RACES.items():
        written |= run_race(walk, keys[race], actions)
    final = {item["id"]["S"]: item for item in walk.expect_converged(TABLE, ["id"])}
    for name, (first, second) in written.items():
        found = check.canonical(final.get(name))
        check.that(
            found in (check.canonical(first), check.canonical(second)),
            f"{name} is neither of what was written\n  {HOME}: {first}\n  {SECOND}: {second}\n"
            f"  found: {final.get(name)}",
        )


def run_race(walk, keys, actions):
    """Both Regions go through `keys` in step; returns what each wrote, by item."""
    results, errors = ({}, {}), []
    start_line = threading.Barrier(len(REGIONS))

    def racer(lane):
        raw, region, action = walk.observer.raw(REGIONS[lane]), REGIONS[lane], actions[lane]
        try:
            for mark, key in enumerate(keys):
                start_line.wait(30)
                results[lane][key["id"]["S"]] = action(raw, key, region, mark)
        except Exception as error:  # told below, in the thread that checks
            errors.append(error)
            start_line.abort()

    threads = [threading.Thread(target=racer, args=(lane,), daemon=True) for lane in range(len(REGIONS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check.that(not errors, f"a racing write failed: {errors}")
    return {name: (results[0][name], results[1][name]) for name in results[0]}


def the_later_write_wins(walk):
    """Writes one after the other in two Regions, too close together for the second to have seen the first."""
    raws = [walk.observer.raw(region) for region in REGIONS]
    keys = [{"id": s(f"sequence-{number}")} for number in range(SEQUENCES)]
    walk.put_all(HOME, TABLE, [key | {"by": s("seed")} for key in keys], client=walk.observer)
    walk.expect_converged(TABLE, ["id"])
    wanted = {}
    for number, key in enumerate(keys):
        early, late = (0, 1) if number % 2 else (1, 0)
        first, second = ((put, put), (put, delete), (delete, put))[number % 3]
        first(raws[early], key, REGIONS[early], number)
        time.sleep(0.003)
        wanted[key["id"]["S"]] = second(raws[late], key, REGIONS[late], number)
    final = {item["id"]["S"]: item for item in walk.expect_converged(TABLE, ["id"])}
    for name, item in wanted.items():
        check.equal(final.get(name), item, f"{name}: the later of two writes")


def by_hand(walk):
    """The same once more with the client under test."""
    key = {"id": s("by-hand")}
    walk.call(HOME, "PutItem", TableName=TABLE, Item=key | {"by": s(HOME), "first": n(1)})
    later = key | {"by": s(SECOND), "second": n(2)}
    walk.call(SECOND, "PutItem", TableName=TABLE, Item=later)
    for region in REGIONS:
        walk.expect_item(region, TABLE, key, later, f"the later put wins in {region}")
    walk.call(HOME, "DeleteItem", TableName=TABLE, Key=key)
    for region in REGIONS:
        walk.expect_item(region, TABLE, key, None, f"the delete wins in {region}")
