"""Counts checks and prints each with what was wrong. Knows nothing of what is checked."""

import time

from walk.check import CheckFailed
from walk.clients import ApiError, Unanswered
from walk.cluster import ServerFailed

from ordeal.request import Refused, Unknown, Unsent

PROBLEMS_SHOWN = 4
EXPECTED_FAILURES = (CheckFailed, ApiError, Unanswered, ServerFailed, Refused, Unknown, Unsent, ValueError)


class Tally:
    """How many checks of a run passed and failed."""

    def __init__(self):
        self.passed = self.failed = 0

    def checked(self, what, function):
        """Makes one check: a function that raises if something is wrong, or gives a list of problems."""
        started = time.monotonic()
        try:
            problems = function() or []
        except EXPECTED_FAILURES as failure:
            problems = [f"{type(failure).__name__}: {failure}"]
        self.result(what, problems, time.monotonic() - started)

    def result(self, what, problems, took_s):
        """One check that was made."""
        print(f"{'FAIL' if problems else 'ok':<4} {what} ({took_s:.1f} s)", flush=True)
        for problem in problems[:PROBLEMS_SHOWN]:
            print(f"       {problem}", flush=True)
        if len(problems) > PROBLEMS_SHOWN:
            print(f"       and {len(problems) - PROBLEMS_SHOWN} more", flush=True)
        if problems:
            self.failed += 1
        else:
            self.passed += 1
