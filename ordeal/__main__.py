"""`python -m ordeal`: rounds of faults under load, each followed by its checks, until the time is over."""

import argparse
import os
import random
import shutil
import signal
import sys
import time

from walk import check
from walk.cluster import REGIONS

from ordeal import story
from ordeal.audit import proof
from ordeal.cluster import HostedCluster
from ordeal.faults import HELD_BACK, USUAL
from ordeal.namespaces import NotPossible
from ordeal.network import PROBES, Network
from ordeal.roads import Quality
from ordeal.round import Round
from ordeal.tally import EXPECTED_FAILURES, Tally

# So few that a Region that was cut off for LONG_CUT_S has to be compared with.
LOG_CHANGES_MAX = 1500
MADE_UP_S = 120
FAULTS = r"\bERROR\b|panicked at"
SOUND_PROBES_MIN = PROBES * 0.8


def main():
    options, tally = parse_arguments(), Tally()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"     seed {options.seed}; a round is told again with the flags beside it", flush=True)
    try:
        network = Network(REGIONS, options.seed, options.network)
    except NotPossible as reason:
        print(f"ordeal: {reason}", file=sys.stderr)
        return 2
    try:
        print(f"     network: {network.name}", flush=True)
        ordeal(network, options, tally)
    finally:
        network.close()
    print(f"{tally.passed} passed, {tally.failed} failed", flush=True)
    return 1 if tally.failed or not tally.passed else 0


def parse_arguments():
    parser = argparse.ArgumentParser(prog="python -m ordeal", description=__doc__)
    parser.add_argument("--binary", required=True, help="the graticule executable")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="decides who is hit, and when")
    parser.add_argument("--minutes", type=float, default=0, help="go on with rounds of random faults for so long")
    parser.add_argument("--rate", type=float, default=250, help="writes a second in each Region, at most")
    parser.add_argument("--network", choices=("auto", "netem", "emulator"), default="auto", help="who delays packets")
    parser.add_argument("--made-up", action="store_true", help="random faults in the first round already")
    parser.add_argument("--keep", action="store_true", help="keep data, logs and journals even if nothing failed")
    options = parser.parse_args()
    binary = shutil.which(options.binary)
    if binary is None:
        parser.error(f"{options.binary} is not an executable file; build it with: make build")
    options.binary = os.path.abspath(binary)
    return options


def ordeal(network, options, tally):
    """All rounds, on one set of servers."""
    ends = time.monotonic() + options.minutes * 60
    flags = ["--log-changes-max", str(LOG_CHANGES_MAX), "--cache-mib", "128"]
    cluster = HostedCluster(options.binary, network, flags)
    try:
        tally.checked("every check tells right from wrong", proof.problems)
        tally.checked("the network is what it is said to be", lambda: measure(network))
        cluster.start()
        number = 0
        while number == 0 or time.monotonic() < ends:
            seed = options.seed + number
            number += 1
            made_up = number > 1 or options.made_up
            print(f"--- round {number}: --seed {seed}{' --made-up' if made_up else ''}", flush=True)
            told = (lambda faults: story.made_up(faults, MADE_UP_S)) if made_up else story.everything
            Round(str(number), seed, cluster, options.rate, tally).run(told)
        tally.checked("servers logged no errors", lambda: errors(cluster))
        tally.checked("servers stop as they are asked to", lambda: stop(cluster))
    except EXPECTED_FAILURES as failure:
        tally.result("the ordeal comes to its end", [f"{type(failure).__name__}: {failure}"], 0)
    finally:
        if tally.failed:
            for server in cluster.servers:
                print(server.log_tail())
        keep = options.keep or tally.failed > 0
        cluster.close(keep_files=keep)
        if keep:
            print(f"     kept: {cluster.root}", flush=True)


def measure(network):
    """Whether the roads are as long as they were asked to be, before anything is concluded from it."""
    first, second = REGIONS[:2]
    network.set_all(USUAL)
    trips = network.round_trips_ms(first, second)
    check.that(len(trips) >= SOUND_PROBES_MIN, f"only {len(trips)} of {PROBES} probes came back")
    check.that(trips[0] >= 2 * USUAL.delay_ms, f"round trips of {trips[0]:.0f} ms, wanted {2 * USUAL.delay_ms}")
    network.set([(first, second)], Quality(cut=True))
    check.equal(network.round_trips_ms(first, second), [], "round trips over a cut road")
    print(f"     round trips of {trips[0]:.0f} to {trips[-1]:.0f} ms", flush=True)


def errors(cluster):
    """What servers logged as errors, but for the alarms that wrong clocks are to raise."""
    logged = [f"{server.name}: {line}" for server in cluster.servers for line in server.logged(FAULTS)]
    return [line for line in logged if HELD_BACK not in line]


def stop(cluster):
    problems = []
    for server in cluster.servers:
        code = server.stop()
        if code != 0:
            problems.append(f"{server.name} ended with exit code {code}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
