"""The client against a server that follows a script, in this process."""

import asyncio
import time
from concurrent import futures

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

import pointsman
import pointsman.aio
from pointsman.v1 import router_pb2, router_pb2_grpc

RANKING = pointsman.rank_ids(["mine", "spare"])


class Router(router_pb2_grpc.RouterServiceServicer):
    """Answers with the codes it was given, then OK."""

    def __init__(self):
        self.script = []
        self.attempts = 0
        self.wait = 0.0
        self.metadata = {}

    def Route(self, request, context):
        self.attempts += 1
        self.metadata = dict(context.invocation_metadata())
        time.sleep(self.wait)
        if self.script:
            code = self.script.pop(0)
            details = status_pb2.Status(code=code.value[0])
            for detail in (
                error_details_pb2.BadRequest(
                    field_violations=[
                        error_details_pb2.BadRequest.FieldViolation(
                            field="policy", description="unknown"
                        )
                    ]
                ),
                error_details_pb2.RetryInfo(retry_delay={"nanos": 40_000_000}),
            ):
                packed = any_pb2.Any()
                packed.Pack(detail)
                details.details.append(packed)
            context.set_trailing_metadata(
                [("grpc-status-details-bin", details.SerializeToString())]
            )
            context.abort(code, "scripted")
        return router_pb2.RouteResponse(model="m", outcome=router_pb2.OUTCOME_CHOSEN)


@pytest.fixture
def router():
    return Router()


@pytest.fixture
def target(router):
    server = grpc.server(futures.ThreadPoolExecutor(8))
    router_pb2_grpc.add_RouterServiceServicer_to_server(router, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


@pytest.fixture
def client(target):
    with pointsman.Client(pointsman.Options(target=target, api_key="k")) as made:
        yield made


def test_a_text_is_a_request(client, router):
    assert client.route("hi").model == "m"
    assert router.metadata["authorization"] == "Bearer k"
    assert router.metadata["user-agent"].startswith("pointsman-python/")


def test_unavailable_is_tried_again(client, router):
    router.script = [grpc.StatusCode.UNAVAILABLE] * 2
    assert client.route("hi").model == "m"
    assert router.attempts == 3


def test_a_refusal_is_not_tried_again_and_says_everything(client, router):
    router.script = [grpc.StatusCode.INVALID_ARGUMENT]
    with pytest.raises(pointsman.RouterError) as caught:
        client.route("hi")
    error = caught.value
    assert router.attempts == 1
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.field_violations == (pointsman.FieldViolation("policy", "unknown"),)
    assert error.retry_delay.total_seconds() == pytest.approx(0.04)
    assert str(error) == ("the request is invalid: scripted; policy: unknown; try again in 40 ms")


def test_the_deadline_covers_all_attempts(target, router):
    router.wait = 0.15
    router.script = [grpc.StatusCode.UNAVAILABLE] * 9
    with pointsman.Client(pointsman.Options(target=target, timeout=0.3)) as client:
        begin = time.monotonic()
        with pytest.raises(pointsman.RouterError):
            client.route("hi")
    assert time.monotonic() - begin < 0.6


def test_a_default_is_labelled_and_counted(client, router):
    router.script = [grpc.StatusCode.INVALID_ARGUMENT]
    routed = client.route_or_default("hi", RANKING)
    assert routed.source is pointsman.Source.DEFAULT_RANKING
    assert routed.response.model == "mine"
    assert routed.router_error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert client.route_or_default("hi", RANKING).source is pointsman.Source.ROUTER
    counts = client.default_counts()
    assert (counts.by_router, counts.by_default) == (1, 1)
    assert counts.by_default_per_code == {grpc.StatusCode.INVALID_ARGUMENT: 1}


def test_a_closed_client_is_cancelled(client):
    client.close()
    with pytest.raises(pointsman.RouterError) as caught:
        client.route("hi")
    assert caught.value.code is grpc.StatusCode.CANCELLED


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_timeout_has_a_bound(client, timeout):
    with pytest.raises(ValueError, match="deadline"):
        client.route("hi", timeout=timeout)


def test_asyncio_does_the_same(target, router):
    async def play():
        async with pointsman.aio.Client(pointsman.Options(target=target)) as client:
            answers = await asyncio.gather(*(client.route("hi") for _ in range(8)))
            router.script = [grpc.StatusCode.RESOURCE_EXHAUSTED]
            routed = await client.route_or_default("hi", RANKING)
            with pytest.raises(pointsman.RouterError) as caught:
                await client.check_health()
        with pytest.raises(pointsman.RouterError) as closed:
            await client.route("hi")
        return answers, routed, caught.value, closed.value

    answers, routed, no_health, closed = asyncio.run(play())
    assert [a.model for a in answers] == ["m"] * 8
    assert routed.response.model == "mine"
    assert routed.router_error.retry_delay.total_seconds() == pytest.approx(0.04)
    assert no_health.code is grpc.StatusCode.UNIMPLEMENTED
    assert closed.code is grpc.StatusCode.CANCELLED


def test_a_cancelled_task_is_cancelled_and_not_defaulted(target, router):
    router.wait = 0.5

    async def play():
        async with pointsman.aio.Client(pointsman.Options(target=target)) as client:
            task = asyncio.create_task(client.route_or_default("hi", RANKING))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return client.default_counts()

    assert asyncio.run(play()).by_default == 0
