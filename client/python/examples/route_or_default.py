"""Always end with a model, whether a router answers or not."""

import os

import pointsman

# The application's own order, for when nobody knows better.
ranking = pointsman.rank_ids(["medium", "large"])

target = os.environ.get("POINTSMAN_TARGET", pointsman.DEFAULT_TARGET)
with pointsman.Client(pointsman.Options(target=target, timeout=0.5)) as router:
    for query in ("hi", "Write a lock-free queue in C++20."):
        routed = router.route_or_default(query, ranking)
        print(f"{query}\n-> {routed.response.model}, by {routed.source.value}")
        print(pointsman.explain(routed))
    counts = router.default_counts()
    print(f"{counts.by_router} decided by a router, {counts.by_default} by default")
