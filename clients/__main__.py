"""`python -m clients`: prepares each chosen suite, runs it against a server of its own and adds up how it went."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from clients.suites import SUITES, SuiteFailed
from walk.cluster import Server, ServerFailed

# The Regions that the suites name; one process without configuration hosts any.
REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")
# Every request of the suites is verified under this secret.
ACCESS_KEY, SECRET_KEY = "clients", "clients-secret/with+all=kinds"


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    passed = failed = skipped = 0
    for name in options.suite:
        counts = run_suite(SUITES[name](options.cache), options)
        print(f"     {name}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped", flush=True)
        passed, failed, skipped = passed + counts[0], failed + counts[1], skipped + counts[2]
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    return 1 if failed or not passed else 0


def parse_arguments():
    parser = argparse.ArgumentParser(prog="python -m clients", description=__doc__)
    parser.add_argument("--binary", required=True, help="the graticule executable")
    parser.add_argument("--cache", required=True, type=Path, help="directory for what the suites install")
    parser.add_argument(
        "--suite", action="append", choices=list(SUITES), help="repeat for several; default: all"
    )
    parser.add_argument("--filter", help="run only the tests whose name holds this text")
    parser.add_argument(
        "--on-disk",
        action="store_true",
        help="let the servers keep their data on disk, as they do by default",
    )
    parser.add_argument("--keep", action="store_true", help="keep the servers' logs and data")
    options = parser.parse_args()
    options.suite = options.suite or list(SUITES)
    binary = shutil.which(options.binary)
    if binary is None:
        parser.error(f"{options.binary} is not an executable file; build it with: make build")
    options.binary = os.path.abspath(binary)
    return options


def run_suite(suite, options):
    """Returns how many tests passed, failed and were skipped. Whatever keeps a suite from ending counts as a failure."""
    started = time.monotonic()
    try:
        suite.prepare()
    except SuiteFailed as failure:
        print(f"FAIL {suite.name}: {failure}", flush=True)
        return 0, 1, 0
    print(f"--- {suite.name} ({suite.clients}), prepared in {time.monotonic() - started:.1f} s", flush=True)
    home = Path(tempfile.mkdtemp(prefix=f"graticule-clients-{suite.name}-"))
    keys = home / "keys"
    keys.write_text(f"{ACCESS_KEY} {SECRET_KEY}\n")
    flags = ["--credentials-file", str(keys)] + ([] if options.on_disk else ["--in-memory"])
    server = Server(suite.name, options.binary, home, flags, home / "graticule-data", REGIONS)
    counts, problem = (0, 1, 0), None
    try:
        server.start()
        counts = suite.run(environment(server.endpoint), options.filter)
        exit_code = server.stop()
        if exit_code != 0:
            problem = f"the server ended with exit code {exit_code}"
    except (SuiteFailed, ServerFailed) as failure:
        problem = str(failure)
    finally:
        if server.running():
            server.kill()
    if problem:
        counts = (counts[0], max(counts[1], 1), counts[2])
        print(f"FAIL {suite.name}: {problem}", flush=True)
    if counts[1]:
        print(server.log_tail(), flush=True)
    if options.keep:
        print(f"     kept: {home}", flush=True)
    else:
        shutil.rmtree(home, ignore_errors=True)
    return counts


def environment(endpoint):
    """What an application gets: the endpoint, a Region and credentials in the environment, and nothing of the user's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return inherited | {
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGIONS[0],
        "AWS_DEFAULT_REGION": REGIONS[0],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


if __name__ == "__main__":
    sys.exit(main())
