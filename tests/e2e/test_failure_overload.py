"""What happens when too much comes, or comes too slowly: rows of the table in server/README.md."""

import collections
import contextlib
import hashlib
import resource
import select
import socket
import threading
import time

import grpc
import pytest

import harness
import http2

ROUTE = "/pointsman.v1.RouterService/Route"
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
CONNECTIONS = "pointsman_connections_total"


def big_batch(api, items=1000):
    item = api.router.RouteRequest(text="how long is the platform? " * 20)
    return api.router.BatchRouteRequest(requests=[item] * items)


def retry_delay_ms(api, error):
    """The delay of a RetryInfo among the details of an error."""
    trailers = dict(error.trailing_metadata())
    for detail in api.status.Status.FromString(trailers["grpc-status-details-bin"]).details:
        retry = api.errors.RetryInfo()
        if detail.Unpack(retry):
            return retry.retry_delay.ToMilliseconds()
    return None


def results_of(futures):
    """Answers and errors of calls."""
    answers, errors = [], []
    for future in futures:
        try:
            answers.append(future.result(timeout=60))
        except grpc.RpcError as error:
            errors.append(error)
    return answers, errors


# Too many requests


def test_overload(api, start_server, admin, connect):
    server = start_server(max_requests_in_flight=16, max_queue_delay_ms=50)
    router = connect(server)
    batch = big_batch(api)
    router.BatchRoute(batch)
    answers, errors = results_of([router.BatchRoute.future(batch) for _ in range(20)])
    assert answers and errors
    assert all(len(answer.results) == 1000 for answer in answers)
    for error in errors:
        assert error.code() == EXHAUSTED and "overloaded" in error.details()
        assert 10 <= retry_delay_ms(api, error) <= 1000
    assert server.metric("pointsman_requests_shed_total") == len(errors)
    # What was accepted did not wait for what was not.
    waited = server.metric("pointsman_queue_delay_seconds_sum")
    assert waited / server.metric("pointsman_queue_delay_seconds_count") < 0.2
    # Afterwards all is as before.
    status = harness.eventually(lambda: (
        told := admin(server).GetStatus(api.admin.GetStatusRequest())
    ).requests_in_flight == 0 and told)
    assert status.state == api.admin.SERVER_STATE_SERVING
    assert router.Route(api.router.RouteRequest(text="hello"), timeout=5).model


def test_one_client_takes_more_than_its_share(api, start_server, connect, tmp_path):
    clients = tmp_path / "clients.yaml"
    lines = ["clients:"]
    for name in ("greedy", "modest"):
        digest = hashlib.sha256(name.encode()).hexdigest()
        lines.append(f"  - {{name: {name}, key_sha256: {digest}, scopes: [route, batch]}}")
    clients.write_text("\n".join(lines) + "\n", encoding="utf-8")
    server = start_server(
        clients_file=clients, max_requests_in_flight=32, max_queue_delay_ms=1000
    )
    batch = big_batch(api)
    stop = threading.Event()
    shed = collections.Counter()

    def be_greedy():
        router = connect(server)
        while not stop.is_set():
            try:
                router.BatchRoute(batch, metadata=(("authorization", "Bearer greedy"),))
            except grpc.RpcError as error:
                shed[error.code()] += 1
                stop.wait(0.01)

    threads = [threading.Thread(target=be_greedy) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        harness.eventually(lambda: shed[EXHAUSTED] >= 3)
        router = connect(server)
        for _ in range(30):
            request = api.router.RouteRequest(text="hello")
            metadata = (("authorization", "Bearer modest"),)
            assert router.Route(request, metadata=metadata, timeout=10).model
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(shed) == {EXHAUSTED}


def test_client_that_goes_away_in_the_middle_of_a_batch(api, server, admin, connect):
    future = connect(server).BatchRoute.future(big_batch(api))
    harness.eventually(
        lambda: admin(server).GetStatus(api.admin.GetStatusRequest()).requests_in_flight > 0
        or future.done()
    )
    future.cancel()
    harness.eventually(
        lambda: admin(server).GetStatus(api.admin.GetStatusRequest()).requests_in_flight == 0
    )
    assert connect(server).Route(api.router.RouteRequest(text="hello"), timeout=5).model


def test_deadline_already_past(api, server, connect):
    router = connect(server)
    router.Route(api.router.RouteRequest(text="hello"))
    decisions = server.metric("pointsman_decisions_total")
    message = api.router.RouteRequest(text="too late").SerializeToString()
    with http2.Connection(server.grpc_port) as connection:
        # gRPC rounds a deadline up to a millisecond, so the message follows when the call has ended.
        connection.begin_call(ROUTE, grpc_timeout="1n")
        assert connection.read_to_the_end_of(stream=1)
        connection.send(http2.data(http2.grpc_message(message)))
        # The same connection goes on.
        connection.begin_call(ROUTE, stream=3)
        connection.send(http2.data(http2.grpc_message(message), stream=3))
        assert connection.read_to_the_end_of(stream=3)
    assert server.metric("pointsman_decisions_total") == decisions + 1


# Too large


def test_batch_over_the_limit(api, router, refusal):
    batch = api.router.BatchRouteRequest(requests=[api.router.RouteRequest(text="hi")] * 1001)
    code, message, fields = refusal(lambda: router.BatchRoute(batch))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "1 to 1000 items" in message and "1001" in fields["requests"]


def test_turns_over_the_limit(api, router, refusal):
    request = api.router.RouteRequest()
    for _ in range(1001):
        request.conversation.turns.add(role=api.router.ROLE_USER, content="and now?")
    code, _, fields = refusal(lambda: router.Route(request))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "1000" in fields["conversation.turns"] and "1001" in fields["conversation.turns"]


def test_metadata_of_one_mebibyte(api, server, connect, refusal):
    request = api.router.RouteRequest(text="hello")
    decisions = server.metric("pointsman_decisions_total")
    metadata = (("x-padding", "x" * (1 << 20)),)
    router, other = connect(server), connect(server)
    code, _, _ = refusal(lambda: router.Route(request, metadata=metadata, timeout=10))
    assert code == EXHAUSTED
    assert server.metric("pointsman_decisions_total") == decisions
    assert other.Route(request, timeout=10).model

    # gRPC may close the connection that it came on, which a call right behind it notices.
    def answered():
        with contextlib.suppress(grpc.RpcError):
            return router.Route(request, timeout=10).model

    harness.eventually(answered)


def test_more_calls_at_once_than_streams(api, start_server, connect):
    server = start_server(max_concurrent_streams=2)
    router = connect(server)
    request = api.router.RouteRequest(text="hello")
    answers, errors = results_of([router.Route.future(request, timeout=30) for _ in range(50)])
    assert len(answers) == 50 and not errors  # they wait for one another in the client


# Too slow


def test_half_a_message_and_a_stall(api, start_server, connect):
    server = start_server(max_connection_age_ms=700, max_connection_age_grace_ms=300)
    message = http2.grpc_message(api.router.RouteRequest(text="hello " * 100).SerializeToString())
    with contextlib.ExitStack() as stack:
        stalled = [stack.enter_context(http2.Connection(server.grpc_port)) for _ in range(50)]
        for connection in stalled:
            connection.begin_call(ROUTE)
            connection.send(http2.data(message)[:40])
        # Others are served meanwhile, and no request counts as accepted that has not come whole.
        assert connect(server).Route(api.router.RouteRequest(text="hello"), timeout=5).model
        # A request counts until its answer is written, which the client may see first.
        harness.eventually(lambda: server.metric("pointsman_grpc_requests_in_flight") == 0)
        assert server.metric("pointsman_connections") >= 50
        # Their connections end with the age that a connection may have.
        for connection in stalled:
            while connection.read_frame() is not None:
                pass
    harness.eventually(lambda: server.metric("pointsman_connections") <= 1)


def test_handshake_that_never_ends(api, start_server, connect):
    server = start_server(handshake_timeout_ms=300)
    with contextlib.ExitStack() as stack:
        silent = [
            stack.enter_context(http2.Connection(server.grpc_port, preface=False))
            for _ in range(50)
        ]
        assert connect(server).Route(api.router.RouteRequest(text="hello"), timeout=5).model
        for connection in silent:
            while connection.read_frame() is not None:
                pass
    harness.eventually(lambda: server.metric("pointsman_connections") <= 1)


# Too many connections


@contextlib.contextmanager
def open_connections(server, count):
    """So many connections that do nothing; those that were refused are there, too."""
    sockets = []
    try:
        for _ in range(count):
            sockets.append(socket.create_connection(("127.0.0.1", server.grpc_port), timeout=30))
        yield sockets
    finally:
        for each in sockets:
            each.close()


def test_ten_thousand_idle_connections(api, start_server, connect):
    count = 10_000
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count + 1000:
        pytest.skip(f"at most {hard} files may be open here; this test needs {count + 1000}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = start_server()  # max_connections is 5000
    router = connect(server)
    request = api.router.RouteRequest(text="hello")
    router.Route(request)
    with open_connections(server, count):
        harness.eventually(
            lambda: server.metric(CONNECTIONS, result="accepted")
            + server.metric(CONNECTIONS, result="refused_limit") == count + 1
        )
        assert server.metric("pointsman_connections") == 5000
        assert server.metric(CONNECTIONS, result="refused_limit") == count + 1 - 5000
        # Who is in is served, at its usual pace.
        began = time.monotonic()
        for _ in range(100):
            assert router.Route(request, timeout=5).model
        assert time.monotonic() - began < 5
    harness.eventually(lambda: server.metric("pointsman_connections") <= 1)
    assert connect(server).Route(request, timeout=10).model


def test_more_connections_than_files(api, start_server, connect):
    server = start_server(prefix=["prlimit", "--nofile=512:512"])
    warnings = [r for r in server.log_records("WARNING") if "max_connections" in r["message"]]
    assert warnings[0]["files"] == 512 and warnings[0]["connections_possible"] < 256
    request = api.router.RouteRequest(text="hello")
    router = connect(server)
    router.Route(request)
    with open_connections(server, 400) as sockets:
        # Those that were refused are at their end; a scrape would find no file for itself now.
        def refused():
            readable, _, _ = select.select(sockets, [], [], 0)
            return any(each.recv(4096) == b"" for each in readable)

        harness.eventually(refused)
        assert router.Route(request, timeout=5).model
    harness.eventually(lambda: server.metric("pointsman_connections") <= 1)
    assert server.metric(CONNECTIONS, result="refused_files") > 0
    assert connect(server).Route(request, timeout=10).model
