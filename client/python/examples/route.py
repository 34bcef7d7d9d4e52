"""Route one query and print the choice with its reasons: route.py [QUERY]."""

import os
import sys

import pointsman

query = " ".join(sys.argv[1:]) or "Prove that there are infinitely many primes."
target = os.environ.get("POINTSMAN_TARGET", pointsman.DEFAULT_TARGET)
with pointsman.Client(pointsman.Options(target=target)) as router:
    decision = router.route(pointsman.RouteRequest(text=query, explain=True))
    print(pointsman.explain(decision))
