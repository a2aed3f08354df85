"""What a step says when something is not as it should be, and how it compares and waits.

Knows the shape of attribute values, so that sets compare without order and numbers by value.
"""

import time
from contextlib import contextmanager
from decimal import Decimal

from walk.clients import ApiError


class CheckFailed(Exception):
    """An answer was not the one the step wants. The message says which, in words."""


def canonical(value):
    """`value` with every DynamoDB number and set in one comparable form, at any depth."""
    if isinstance(value, list):
        return [canonical(element) for element in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(kind, content)] = value.items()
        if kind == "N" and isinstance(content, str):
            return ("N", Decimal(content))
        if kind == "NS" and isinstance(content, list):
            return ("NS", tuple(sorted(Decimal(number) for number in content)))
        if kind in ("SS", "BS") and isinstance(content, list):
            return (kind, tuple(sorted(content)))
    return {key: canonical(content) for key, content in value.items()}


def that(condition, message):
    if not condition:
        raise CheckFailed(message)


def equal(actual, wanted, what):
    if canonical(actual) != canonical(wanted):
        raise CheckFailed(f"{what}\n  wanted: {wanted!r}\n  found:  {actual!r}")


@contextmanager
def refused(code, words=""):
    """The block must end in an error answer of this code, whose message holds `words`."""
    try:
        yield
    except ApiError as error:
        that(error.code == code, f"wanted the error {code}, got {error.code}: {error.message}")
        that(words in error.message, f"the {code} should mention {words!r}, but says: {error.message}")
        return
    raise CheckFailed(f"wanted the error {code}, but the request succeeded")


def eventually(what, attempt, timeout_s=20.0, pause_s=0.1):
    """Repeats `attempt` until it raises no CheckFailed, and returns its result; the last failure tells why."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return attempt()
        except CheckFailed as failure:
            if time.monotonic() >= deadline:
                raise CheckFailed(f"{what}: not within {timeout_s:g} s\n{failure}") from None
        time.sleep(pause_s)


def equal_items(actual, wanted, key, what):
    """Compares two collections of items by their key attributes and names only the items that differ."""
    def by_key(items):
        return {repr([canonical(item.get(name)) for name in key]): item for item in items}

    found, expected = by_key(actual), by_key(wanted)
    that(len(found) == len(actual), f"{what}: an item came twice ({len(actual)} answers, {len(found)} items)")
    missing = [expected[name] for name in expected if name not in found]
    extra = [found[name] for name in found if name not in expected]
    differing = [
        (expected[name], found[name])
        for name in expected
        if name in found and canonical(expected[name]) != canonical(found[name])
    ]
    if missing or extra or differing:
        raise CheckFailed(
            f"{what}: {len(missing)} missing, {len(extra)} that should not be there, {len(differing)} different\n"
            f"  missing: {missing[:3]!r}\n  extra: {extra[:3]!r}\n  wanted/found: {differing[:3]!r}"
        )
