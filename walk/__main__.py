"""`python -m walk`: walks every chosen client through every chosen form and tells how it went."""

import argparse
import os
import shutil
import signal
import sys
import time
import traceback

from walk.check import CheckFailed
from walk.clients import KINDS, ApiError, Unanswered
from walk.cluster import FORMS, ServerFailed
from walk.context import Walk
from walk.steps import STEPS

EXPECTED_FAILURES = (CheckFailed, ApiError, Unanswered, ServerFailed)


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    passed = failed = 0
    for form in options.form:
        for client in options.client:
            one_passed, one_failed = walk_once(form, client, options)
            passed += one_passed
            failed += one_failed
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


def parse_arguments():
    parser = argparse.ArgumentParser(prog="python -m walk", description=__doc__)
    parser.add_argument("--binary", required=True, help="the graticule executable")
    parser.add_argument("--client", action="append", choices=sorted(KINDS), help="repeat for several; default: all")
    parser.add_argument("--form", action="append", choices=sorted(FORMS), help="repeat for several; default: all")
    parser.add_argument("--step", action="append", choices=list(STEPS), help="repeat for several; default: all")
    parser.add_argument("--keep", action="store_true", help="keep the servers' data and logs")
    options = parser.parse_args()
    options.client = options.client or list(KINDS)
    options.form = options.form or list(FORMS)
    options.step = options.step or list(STEPS)
    binary = shutil.which(options.binary)
    if binary is None:
        parser.error(f"{options.binary} is not an executable file; build it with: make build")
    options.binary = os.path.abspath(binary)
    return options


def walk_once(form, client, options):
    """One client through all steps in one form; returns how many steps passed and failed."""
    label = f"{form}, {client}"
    cluster = FORMS[form](options.binary)
    walk = Walk(cluster, KINDS[client](cluster.endpoint_of))
    passed = failed = 0
    try:
        try:
            cluster.start()
        except Exception:
            report("FAIL", label, "start", time.monotonic())
            explain(walk)
            print(f"     {label}: {len(options.step)} steps not walked", flush=True)
            return 0, len(options.step)
        for name in STEPS:
            if name not in options.step:
                continue
            if walk_step(walk, label, name):
                passed += 1
            else:
                failed += 1
    finally:
        cluster.close(keep_files=options.keep)
        if options.keep:
            print(f"     kept: {cluster.root}", flush=True)
    return passed, failed


def walk_step(walk, label, name):
    step = STEPS[name]
    started = time.monotonic()
    try:
        revived = walk.cluster.revive()
        if revived:
            print(f"     {label}: started again before {name}: {', '.join(revived)}", flush=True)
        step.run(walk)
    except Exception:
        report("FAIL", label, f"{name}: {step.TITLE}", started)
        explain(walk)
        return False
    report("ok", label, f"{name}: {step.TITLE}", started)
    return True


def report(verdict, label, what, started):
    print(f"{verdict:<4} {label:<22} {what} ({time.monotonic() - started:.1f} s)", flush=True)


def explain(walk):
    """What failed, where, the last request and its answer, and what each server logged last."""
    error = sys.exc_info()[1]
    if isinstance(error, EXPECTED_FAILURES):
        print(f"  {type(error).__name__}: {error}")
        for frame in traceback.extract_tb(error.__traceback__):
            if f"{os.sep}steps{os.sep}" in frame.filename:
                print(f"  at {os.path.relpath(frame.filename)}:{frame.lineno}: {frame.line}")
    else:
        traceback.print_exc(file=sys.stdout)
    client = max(walk.client, walk.observer, key=lambda client: client.last_sent_at)
    if client.last_request:
        print(f"  last request: {shortened(client.last_request)}")
        print(f"  its answer:   {shortened(client.last_answer)}")
    for server in walk.cluster.servers:
        print(server.log_tail())
    sys.stdout.flush()


def shortened(text, characters=1500):
    text = text or "(none)"
    return text if len(text) <= characters else f"{text[:characters]} ... ({len(text)} characters)"


if __name__ == "__main__":
    sys.exit(main())
