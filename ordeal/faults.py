"""What is done to the servers and to the network, each fault a step that ends with everything healed.

Every step says what it does, and checks that the Regions that it leaves running go on taking writes.
"""

import time

from walk import check
from walk.cluster import REGIONS

from ordeal import tables
from ordeal.roads import Quality

USUAL = Quality(delay_ms=39, jitter_ms=2, loss=0.001, mbit_per_s=20)
BAD = Quality(delay_ms=40, jitter_ms=15, loss=0.02, mbit_per_s=20)
NARROW = Quality(delay_ms=40, jitter_ms=5, loss=0.005, mbit_per_s=1.5)
CUT = Quality(cut=True)
# Twice this is what clocks may differ by, with a margin to the bound of 500 ms.
CLOCK_OFFSET_MS = 200
WRONG_CLOCK_MS = 2000
HELD_BACK = "too far ahead are held back"
COMPARED = "a member was compared"
BEHIND = "a member is further behind than the log is kept"
LONGER_CUTS_MAX = 8
MEMBER_TIMEOUT_S = COMPARISON_TIMEOUT_S = 60


class Faults:
    """The kit. Chance decides who is hit; the caller decides what happens and for how long."""

    def __init__(self, round_):
        self.round = round_
        self.network = round_.network
        self.cluster = round_.cluster
        self.chance = round_.chance

    def usual(self, seconds):
        """Nothing but the usual 80 ms round trip."""
        self._while("80 ms round trip, 0.1% loss", REGIONS, seconds)

    def bad_roads(self, seconds):
        self._roads(f"all roads: {BAD}", BAD, seconds)

    def narrow_roads(self, seconds):
        self._roads(f"all roads: {NARROW}", NARROW, seconds)

    def _roads(self, what, quality, seconds):
        self.network.set_all(quality)
        self._while(what, REGIONS, seconds)
        self.network.set_all(USUAL)

    def cut_pair(self, seconds):
        one, other = self.chance.sample(REGIONS, 2)
        self._cut(f"{one} and {other} cut off from each other", [(one, other), (other, one)], seconds)

    def cut_one_way(self, seconds):
        one, other = self.chance.sample(REGIONS, 2)
        self._cut(f"nothing from {one} arrives in {other}", [(one, other)], seconds)

    def isolate(self, seconds):
        alone = self.chance.choice(REGIONS)
        self._cut(f"{alone} cut off from everybody", roads_of(alone), seconds)

    def outlast_the_log(self, seconds):
        """A Region cut off for so long that the others' logs no longer reach back: replicas must be compared."""
        before, behind = self.round.logged(COMPARED), self.round.logged(BEHIND)
        alone = self.chance.choice(REGIONS)
        self.network.set(roads_of(alone), CUT)
        self._while(f"{alone} cut off from everybody", REGIONS, seconds)
        # A busy machine takes longer to write so much.
        for _ in range(LONGER_CUTS_MAX):
            if self.round.logged(BEHIND) > behind:
                break
            self._while(f"{alone} still cut off from everybody", REGIONS, seconds / 2)
        self.network.set_all(USUAL)

        def compared():
            check.that(self.round.logged(COMPARED) > before, "no server says that it compared a member")

        self.round.checked(
            "after that, replicas are compared instead of the log being shipped",
            lambda: check.eventually("a comparison", compared, COMPARISON_TIMEOUT_S),
        )

    def _cut(self, what, roads, seconds):
        self.network.set(roads, CUT)
        self._while(what, REGIONS, seconds)
        self.network.set_all(USUAL)

    def kill(self, down_s, up_s, count=1):
        """kill -9 of some servers at once, under load."""
        killed = self.chance.sample(REGIONS, count)
        self._kill(killed)
        alive = [region for region in REGIONS if region not in killed]
        self._while(f"kill -9 of {' and '.join(killed)}", alive, down_s)
        self._start(killed)
        self._while(f"{' and '.join(killed)} started again", REGIONS, up_s)

    def kill_again_and_again(self, times):
        """One server killed as soon as it is up: catching up begins again and again."""
        [victim] = self.chance.sample(REGIONS, 1)
        alive = [region for region in REGIONS if region != victim]
        for number in range(times):
            self._kill([victim])
            self._while(f"kill -9 of {victim}, {number + 1} of {times}", alive, self.chance.uniform(1, 2))
            self._start([victim])
            time.sleep(self.chance.uniform(0.2, 1.2))

    def kill_while_cut(self, seconds):
        """A Region that is cut off dies, and comes back before the road does."""
        [victim] = self.chance.sample(REGIONS, 1)
        self.network.set(roads_of(victim), CUT)
        self._while(f"{victim} cut off", REGIONS, seconds / 2)
        self._kill([victim])
        self._while(f"kill -9 of {victim}, which is cut off", [r for r in REGIONS if r != victim], 1)
        self._start([victim])
        self._while(f"{victim} started again, still cut off", REGIONS, seconds / 2)
        self.network.set_all(USUAL)

    def _kill(self, regions):
        for region in regions:
            self.cluster.server_of(region).kill()

    def _start(self, regions):
        for region in regions:
            self.cluster.server_of(region).start()

    def freeze(self, seconds):
        """SIGSTOP: connections stay open, nobody answers."""
        [frozen] = self.chance.sample(REGIONS, 1)
        self.cluster.server_of(frozen).freeze()
        self._while(f"{frozen} frozen", [region for region in REGIONS if region != frozen], seconds)
        self.cluster.server_of(frozen).thaw()

    def clocks(self, seconds):
        """One clock ahead, one behind, within what is accepted."""
        ahead, behind = self.chance.sample(REGIONS, 2)
        self._set_clock(ahead, CLOCK_OFFSET_MS)
        self._set_clock(behind, -CLOCK_OFFSET_MS)
        what = f"the clock of {ahead} {CLOCK_OFFSET_MS} ms ahead, that of {behind} {CLOCK_OFFSET_MS} ms behind"
        self._while(what, REGIONS, seconds)
        self._set_clock(ahead, 0)
        self._set_clock(behind, 0)

    def wrong_clock(self, seconds):
        """One clock further ahead than is believed: the others hold its changes back until time has caught up."""
        wrong = self.chance.choice(REGIONS)
        self.round.wrong_clock_since = self.round.wrong_clock_since or time.time()
        before = self.round.logged(HELD_BACK)
        self._set_clock(wrong, WRONG_CLOCK_MS)
        self._while(f"the clock of {wrong} {WRONG_CLOCK_MS} ms ahead", REGIONS, seconds)
        self._set_clock(wrong, 0)
        alarms = self.round.logged(HELD_BACK) - before
        self.round.result("its changes are held back, with an alarm", [] if alarms else ["nobody raised an alarm"], 0)

    def _set_clock(self, region, offset_ms):
        endpoint = self.cluster.endpoint_of(region)
        code, said = self.cluster.graticule(
            region, "dials", "set", "--endpoint", endpoint, f"clock={region}:{offset_ms}"
        )
        check.that(code == 0, f"graticule dials set clock={region}:{offset_ms}: {said}")

    def lose_a_member(self, seconds):
        """A member is taken out of a table of its own while nobody reaches it; its last writes are handed over."""
        lost = self.chance.choice(REGIONS[1:])
        stay = [region for region in REGIONS if region != lost]
        name = f"members-{self.round.label}"
        walk = self.round.walk
        tables.make(walk, "counters", name)
        wanted = {}

        def write(region, when):
            item = {"pk": {"S": f"{when} {region}"}, "from": {"S": region}}
            walk.observer.call(region, "PutItem", TableName=name, Item=item)
            wanted[item["pk"]["S"]] = item

        for region in REGIONS:
            write(region, "before")
        self.network.set(roads_of(lost), CUT)
        write(lost, "unreachable")
        action = [{"Delete": {"RegionName": lost}}]
        walk.observer.call(stay[0], "UpdateTable", TableName=name, ReplicaUpdates=action)
        write(lost, "taken out")
        for region in stay:
            write(region, "without it")
        self._while(f"{lost} cut off and taken out of a table", REGIONS, seconds)
        self.network.set_all(USUAL)

        def gone():
            names = walk.observer.call(lost, "ListTables")["TableNames"]
            check.that(name not in names, f"{lost} still has the table that it was taken out of")
            for region in stay:
                found = {item["pk"]["S"]: item for item in walk.scan(region, name)}
                check.equal(found, wanted, f"items of {name} in {region}")
            for region in stay:
                table = walk.observer.call(region, "DescribeTable", TableName=name)["Table"]
                members = sorted(replica["RegionName"] for replica in table.get("Replicas", []))
                check.that(lost not in members, f"{region} still lists {lost}")

        self.round.checked(
            f"{lost}, taken out while nobody reached it, hands over its last writes and goes",
            lambda: check.eventually("the member goes", gone, MEMBER_TIMEOUT_S),
        )

    def _while(self, what, running, seconds):
        """Lets a state last, and checks that the Regions that run take writes meanwhile."""
        self.round.phase(what, running, seconds)


def roads_of(region):
    """All roads that begin or end in a Region."""
    others = [other for other in REGIONS if other != region]
    return [(region, other) for other in others] + [(other, region) for other in others]
