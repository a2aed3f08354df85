"""One round: tables of its own, drivers in all Regions, a story of faults, and then every check.

A check is counted when it was made: a round that breaks off has failed, whatever it had checked before.
"""

import json
import random
import time

from walk import check
from walk.cluster import REGIONS

from ordeal import journal, tables
from ordeal.audit import items as audit_items
from ordeal.audit import streams as audit_streams
from ordeal.cluster import Driver, HostedBoto3
from ordeal.faults import CLOCK_OFFSET_MS, USUAL, WRONG_CLOCK_MS, Faults
from ordeal.roads import Quality

SETTLE_TIMEOUT_S = 120
# Logical time can be a little ahead of the clock.
LOGICAL_S = 0.05


class Round:
    """What a story and its checks work on."""

    def __init__(self, label, seed, cluster, rate, tally):
        self.label = label
        self.result, self.checked = tally.result, tally.checked
        self.chance = random.Random(seed)
        self.seed = seed
        self.cluster = cluster
        self.network = cluster.network
        self.rate = rate
        self.walk = tables.HostedWalk(cluster, HostedBoto3(cluster))
        self.tables = {part: f"{part}-{label}" for part in tables.PARTS}
        self.drivers = {}
        self.phases = []  # (what, begin, end), wall clock
        self.wrong_clock_since = None
        self.clock = time.monotonic

    def run(self, story):
        self.network.set_all(Quality())
        for part, name in self.tables.items():
            tables.make(self.walk, part, name)
        self.network.set_all(USUAL)
        try:
            for region in REGIONS:
                self.drivers[region] = Driver(self.cluster, region, self.tables, self.seed, self.rate)
            story(Faults(self))
            self.network.set_all(USUAL)
            self._check()
        finally:
            for driver in self.drivers.values():
                driver.close()

    def phase(self, what, running, seconds):
        """Lets the writers work for a while; the Regions in `running` must have taken writes at its end."""
        before = {region: self.drivers[region].counts()["acknowledged"] for region in REGIONS}
        begin = time.time()
        time.sleep(seconds)
        end = time.time()
        after = {region: self.drivers[region].counts()["acknowledged"] for region in REGIONS}
        self.phases.append((what, begin, end))
        rates = ", ".join(f"{(after[region] - before[region]) / (end - begin):.0f}" for region in REGIONS)
        idle = [region for region in running if after[region] == before[region]]
        self.result(f"{what}; writes/s: {rates}", [f"{region} took no writes" for region in idle], end - begin)

    def _everywhere(self, function):
        """Runs function(connection) on every host at once; gives the results in the order of REGIONS."""

        def here(region):
            connection = self.cluster.connection(region)
            try:
                return function(connection)
            finally:
                connection.close()

        pending = [self.cluster.host_of(region).submit(here, region) for region in REGIONS]
        return [one.result() for one in pending]

    def _check(self):
        ends = {region: driver.stop() for region, driver in self.drivers.items()}
        writes = [write for driver in self.drivers.values() for write in journal.load(driver.journal)]
        self._tell(ends)
        for region in REGIONS:
            complaints = [f"{what} ({count} times)" for what, count in ends[region]["complaints"].items()]
            self.result(f"{region} told its writers and readers nothing that cannot be", complaints, 0)
        self.checked("all replicas become equal", self._settle)
        self.checked("nothing is pending any more", self._expect_idle)
        for region in REGIONS:
            self.checked(f"{region}: graticule verify finds replicas equal", lambda here=region: self._verify(here))
        started = time.monotonic()
        found = dict(zip(REGIONS, self._everywhere(lambda here: tables.collect(here, self.tables)), strict=True))
        records = sum(len(part.records) for parts in found.values() for part in parts.values())
        print(f"     read {records} stream records in {time.monotonic() - started:.1f} s", flush=True)
        for region in REGIONS:
            self._check_region(region, found[region], writes)
        for part in self.tables:
            regions = {region: found[region][part] for region in REGIONS}
            if part != "counters":
                self.checked(f"{part}: every write looks the same in all streams", lambda r=regions: audit_streams.images(r))
            self.checked(f"{part}: no two Regions saw two writes in opposite order", lambda r=regions: audit_streams.order(r))

    def _check_region(self, region, found, writes):
        items = {part: found[part].items for part in self.tables}
        checks = {
            "cold items are what their writers made of them": lambda: audit_items.cold(writes, items["cold"]),
            "transactions are whole": lambda: audit_items.transactions(writes, items["cold"]),
            "hot items are the work of a last write": lambda: audit_items.hot(writes, items["hot"], self.clocks_apart_s),
            "counters are exact": lambda: audit_items.counters(writes, items["counters"]),
            "no item is a mixture": lambda: [p for part in items.values() for p in audit_items.whole(part)],
            "indexes hold the items": lambda: [
                f"{part}: {key}"
                for part in ("hot", "cold")
                for key in tables.differences(found[part].items, found[part].index)
            ],
        }
        for what, function in checks.items():
            self.checked(f"{region}: {what}", function)
        for part in self.tables:
            here = found[part]
            stream = {
                "stream without gap, to the item": lambda f=here: audit_streams.chains(f),
                "every write once in the stream": lambda f=here, p=part: audit_streams.once(writes, f, p, region),
                "deletes in the stream": lambda f=here, p=part: audit_streams.deletes(writes, f, p, region),
                "answers agree with the stream": lambda f=here, p=part: audit_streams.replaced(writes, f, p, region),
            }
            for what, function in stream.items():
                self.checked(f"{region}: {part}: {what}", function)

    def logged(self, words):
        """How often the servers have logged these words."""
        return sum(len(server.logged(words)) for server in self.cluster.servers)

    def clocks_apart_s(self, moment):
        """How far the clock behind a version that was given until `moment` can have been from any other."""
        wrong = self.wrong_clock_since is not None and moment >= self.wrong_clock_since
        return (CLOCK_OFFSET_MS + max(CLOCK_OFFSET_MS, WRONG_CLOCK_MS if wrong else 0)) / 1000 + LOGICAL_S

    def _settle(self):
        waited, differing = tables.settle(
            lambda table: self._everywhere(lambda here: tables.scan(here, table)), self.tables, SETTLE_TIMEOUT_S
        )
        return [f"{part}: {len(keys)} keys differ after {waited:.0f} s: {keys[:5]}" for part, keys in differing.items()]

    def _verify(self, region):
        """The servers' own proof, which must come to the same end as reading everything."""
        endpoint, problems = self.cluster.endpoint_of(region), []
        for table in self.tables.values():
            code, said = self.cluster.graticule(region, "verify", "--endpoint", endpoint, "--table", table)
            if code != 0:
                problems.append(f"{table}: exit code {code}: {said.strip()}")
        return problems

    def _expect_idle(self):
        """What the servers say of themselves: nothing pending, nobody to be compared, no tombstone left."""
        found = {}

        def idle():
            for region in REGIONS:
                [status] = self.cluster.status(region)["Regions"]
                found[region] = [table for table in status["Tables"] if table["TableName"] in self.tables.values()]
                unlike = [link for link in status["Links"] if link["State"] != "CONNECTED"]
                check.that(not unlike, f"links of {region}: {unlike}")
                check.equal(len(found[region]), len(self.tables), f"replicas that {region} tells of")
                for table in found[region]:
                    check.that(is_idle(table), f"{region} says: {json.dumps(table)}")

        check.eventually("nothing pending", idle, SETTLE_TIMEOUT_S)
        conflicts = ", ".join(f"{sum(table['ConflictsCounted'] for table in found[region])}" for region in REGIONS)
        print(f"     writes that lost against a later one, as counted in each Region: {conflicts}", flush=True)

    def _tell(self, ends):
        """Figures: writes and lags."""
        for region, counts in ends.items():
            refusals = ", ".join(f"{name} {count}" for name, count in sorted(counts["refusals"].items()))
            print(
                f"     {region}: {counts['acknowledged']} writes acknowledged, {counts['unknown']} in doubt, "
                f"{counts['refused']} refused ({refusals})"
            )
        for what, begin, end in self.phases:
            lags = sorted(lag for counts in ends.values() for at, _, lag in counts["lags"] if begin <= at <= end)
            if lags:
                p50, p99 = lags[len(lags) // 2], lags[len(lags) * 99 // 100]
                print(f"     lag p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {lags[-1]:.0f} ms: {what}")


def is_idle(table):
    """Whether a replica, as the status shows it, owes nothing to anybody and keeps no tombstone."""
    owing = [peer for peer in table["Peers"] if peer["PendingChanges"] or peer.get("ResyncSinceMs")]
    return not owing and len(table["Peers"]) == len(REGIONS) - 1 and not table["TombstonesHeld"]
