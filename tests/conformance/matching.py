"""What a case expects against what came: a subset of the answer, with a few matchers.

    {"outcome": "OUTCOME_CHOSEN", "confidence": {"$between": [0.5, 1]}}

Objects must hold at least the members named; lists are compared element by element, unless a matcher is
given. A number equals one within a relative 1e-9. Matchers:

    {"$between": [a, b]}   a number (or a number in a string) within a..b
    {"$matches": "regex"}  a text in which the expression is found
    {"$absent": true}      no such member
    {"$present": true}     any value
    {"$length": n}         a list or text of n
    {"$has": [x, ...]}     a list that holds, for each x, an element that x describes
"""

import math
import re

ABSENT = object()


def _matcher(expected, actual, where):
    (name, argument), = expected.items()
    if name == "$absent":
        return [] if actual is ABSENT else [f"{where}: should be absent, is {actual!r:.200}"]
    if actual is ABSENT:
        return [f"{where}: is absent, should be {expected}"]
    if name == "$present":
        return []
    if name == "$between":
        low, high = argument
        good = low <= float(actual) <= high
    elif name == "$matches":
        good = isinstance(actual, str) and re.search(argument, actual) is not None
    elif name == "$length":
        good = len(actual) == argument
    elif name == "$has":
        missing = [x for x in argument if all(differences(x, a, "") for a in actual)]
        return [f"{where}: nothing like {x} in {actual!r:.300}" for x in missing]
    else:
        raise ValueError(f"{where}: no matcher {name}")
    return [] if good else [f"{where}: {actual!r:.300} does not satisfy {expected}"]


def differences(expected, actual, where):
    """Sentences on where `actual` is not as `expected`; none: it matches."""
    if isinstance(expected, dict):
        if len(expected) == 1 and next(iter(expected)).startswith("$"):
            return _matcher(expected, actual, where)
        if not isinstance(actual, dict):
            return [f"{where}: should be an object, is {'absent' if actual is ABSENT else actual!r}"]
        return [d for key, value in expected.items()
                for d in differences(value, actual.get(key, ABSENT), f"{where}.{key}".lstrip("."))]
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [f"{where}: should be {expected!r:.300}, is {actual!r:.300}"]
        return [d for i, (e, a) in enumerate(zip(expected, actual))
                for d in differences(e, a, f"{where}[{i}]")]
    if isinstance(expected, float) and isinstance(actual, (int, float)):
        same = math.isclose(expected, actual, rel_tol=1e-9)
    else:
        same = actual is not ABSENT and type(expected) is type(actual) and expected == actual
    if same:
        return []
    return [f"{where}: should be {expected!r}, is {'absent' if actual is ABSENT else repr(actual)}"]
