"""What needs no server: options, the caller's own ranking, explanations."""

import pytest

import pointsman
from pointsman.v1 import catalogue_pb2, router_pb2


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"target": ""}, "target must name a host and port"),
        ({"timeout": 0}, r"deadline \(timeout\) must be > 0 s and finite; it is 0 s"),
        ({"retry": pointsman.Retry(max_attempts=6)}, "max_attempts must be 1 to 5; it is 6"),
        ({"retry": pointsman.Retry(initial_backoff=2)}, "initial_backoff <= max_backoff"),
        ({"retry": pointsman.Retry(multiplier=0)}, "multiplier must be > 0; it is 0"),
        ({"keepalive_timeout": 0}, "keepalive_timeout must be > 0; it is 0"),
        ({"tls": pointsman.Tls(private_key=b"x")}, "must be given together"),
        ({"target": "a.example:1", "api_key": "k"}, "sent to a.example:1 in plaintext"),
    ],
)
def test_an_option_out_of_its_bound_is_named(options, problem):
    with pytest.raises(ValueError, match=problem):
        pointsman.Client(pointsman.Options(**options))


@pytest.mark.parametrize("target", ["localhost:1", "127.0.0.1:1", "[::1]:1", "unix:/run/p"])
def test_a_key_may_stay_on_this_host(target):
    pointsman.Client(pointsman.Options(target=target, api_key="k")).close()


@pytest.mark.parametrize(
    "target",
    ["127.0.0.1.example:1", "localhost.example:1", "ipv4:127.0.0.1:1,192.0.2.1:1", "dns:///a:1"],
)
def test_a_key_may_not_leave_this_host(target):
    with pytest.raises(ValueError, match="in plaintext"):
        pointsman.Client(pointsman.Options(target=target, api_key="k"))


def test_secrets_are_not_shown():
    options = pointsman.Options(api_key="secret", tls=pointsman.Tls(private_key=b"secret"))
    assert "secret" not in repr(options)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nonesuch"):
        pointsman.Tls.from_files(tmp_path / "nonesuch")


def test_the_first_model_that_meets_the_requirements_is_chosen():
    ranking = [
        catalogue_pb2.Model(id="a", context_window_tokens=100),
        catalogue_pb2.Model(id="b", features=["tools"], context_window_tokens=5000),
    ]
    request = router_pb2.RouteRequest(
        correlation_id="c",
        input_tokens=1000,
        requirements={"features": ["tools"]},
        limits={"max_cost_usd": 0},
    )
    decision = pointsman.decide_by_default(ranking, request)
    assert decision.response.model == "b"
    assert decision.response.correlation_id == "c"
    assert decision.response.rejected[0].reason == router_pb2.REJECTION_REASON_MISSING_FEATURE
    assert decision.unchecked_limits == ("limits.max_cost_usd",)


def test_a_model_that_the_catalogue_lacks_is_named():
    with pytest.raises(ValueError, match="no model `z`"):
        pointsman.rank_from_catalogue(catalogue_pb2.Catalogue(), ["z"])


def test_an_explanation_shows_the_choice_and_its_rivals():
    response = router_pb2.RouteResponse(
        outcome=router_pb2.OUTCOME_CHOSEN,
        model="a",
        confidence=0.934,
        candidates=[{"model": "a", "success_probability": 0.934, "cost_usd": 0.5}, {"model": "bb"}],
        rejected=[{"model": "c", "reason": 8, "limit": 0.00001234, "value": 12345}],
    )
    lines = pointsman.explain(response).splitlines()
    assert lines[0] == "a  confidence 0.93, margin 0.00, familiarity 0.00"
    assert any("a " in line and "0.500000" in line for line in lines)
    assert any("cost above limit  0.00001234  12345" in line for line in lines)


def test_an_explanation_knows_no_reason_of_the_future():
    response = router_pb2.RouteResponse(rejected=[{"model": "c", "reason": 99}])
    assert "99" in pointsman.explain(response)


def test_texts_from_outside_cannot_steer_a_terminal():
    response = router_pb2.RouteResponse(
        outcome=router_pb2.OUTCOME_CHOSEN, model="\x1b[31m", rules_fired=["a\x9bb\x07"]
    )
    text = pointsman.explain(response)
    assert all(c == "\n" or c.isprintable() for c in text)
