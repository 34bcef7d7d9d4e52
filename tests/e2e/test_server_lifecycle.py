"""From the command line to the exit code."""

import json
import signal
import socket
import threading
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import harness


def run_server(*flags, **environment):
    return harness.run(
        harness.binary("server/pointsman-server"), *flags,
        env=harness.clean_environment(**environment),
    )


def test_port_0_tells_the_ports(server):
    line = server.process.stdout.readline()
    assert "SERVING" in line
    assert f"127.0.0.1:{server.grpc_port}" in line
    assert f"http://127.0.0.1:{server.metrics_port}/metrics" in line
    ports = json.loads(server.port_file.read_text())
    assert ports["pid"] == server.process.pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_exits_0(start_server, number):
    server = start_server()
    server.signal(number)
    assert server.wait() == 0


def test_the_lame_duck_answers_while_health_is_not_serving(api, start_server, connect):
    server = start_server(lame_duck_ms=1500)
    router = connect(server)
    router.Route(api.router.RouteRequest(text="before"))
    server.signal()
    with grpc.insecure_channel(server.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", "pointsman.v1.RouterService"):
            for _ in range(100):
                answer = health.Check(health_pb2.HealthCheckRequest(service=service))
                if answer.status == health_pb2.HealthCheckResponse.NOT_SERVING:
                    break
                time.sleep(0.01)
            assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert router.Route(api.router.RouteRequest(text="meanwhile")).model
    assert server.wait() == 0


def test_a_second_signal_exits_at_once(start_server):
    server = start_server(lame_duck_ms=60_000)
    server.signal()
    for _ in range(500):
        if "draining" in server.log():
            break
        time.sleep(0.01)
    began = time.monotonic()
    server.signal()
    assert server.wait() == 3
    assert time.monotonic() - began < 5


def test_requests_in_flight_at_a_signal_are_finished(api, start_server):
    server = start_server(lame_duck_ms=300, grace_period_ms=20_000)
    batch = api.router.BatchRouteRequest()
    batch.requests.extend([api.router.RouteRequest(text="what is 17 * 23")] * 1000)
    answered, errors = [], []

    def work():
        with grpc.insecure_channel(server.address) as channel:
            router = api.router_grpc.RouterServiceStub(channel)
            try:
                while True:
                    answered.append(router.BatchRoute(batch))
            except grpc.RpcError as error:
                errors.append(error.code())

    worker = threading.Thread(target=work)
    worker.start()
    while not answered:
        time.sleep(0.001)
    server.signal()
    worker.join()
    assert server.wait() == 0
    # Every call that the server began was answered; only one that came after found nobody.
    assert all(len(answer.results) == 1000 for answer in answered)
    assert errors in ([grpc.StatusCode.UNAVAILABLE], [grpc.StatusCode.CANCELLED])


@pytest.mark.parametrize("setting", ["listen_address", "metrics_listen_address"])
def test_a_port_in_use_is_a_clear_error(bundle, server, setting):
    used = server.grpc_port if setting == "listen_address" else server.metrics_port
    settings = {"listen_address": "127.0.0.1:0", "metrics_listen_address": "127.0.0.1:0"}
    settings[setting] = f"127.0.0.1:{used}"
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    result = run_server(f"--bundle={bundle}", *flags)
    assert result.returncode == 1
    assert f"{setting}: cannot listen on 127.0.0.1:{used}" in result.stderr
    assert "SERVING" not in result.stdout


def test_flag_beats_environment_beats_file(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("bundle: from-file\nmax_batch_items: 2\ngrace_period_ms: 2\nlame_duck_ms: 2\n")
    result = run_server(
        "--print-config", f"--config={file}", "--max-batch-items=4",
        POINTSMAN_MAX_BATCH_ITEMS="3", POINTSMAN_GRACE_PERIOD_MS="3",
    )
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert "max_batch_items: 4  # --max-batch-items" in lines
    assert "grace_period_ms: 3  # POINTSMAN_GRACE_PERIOD_MS" in lines
    assert f"lame_duck_ms: 2  # {file}:4" in lines
    assert 'listen_address: "127.0.0.1:7431"  # default' in lines


def test_settings_of_file_and_environment_are_in_force(api, start_server, connect, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("max_batch_items: 1\n")
    environment = {"POINTSMAN_CONFIG": str(file), "POINTSMAN_MAX_REQUEST_TEXT_BYTES": "99"}
    router = connect(start_server(environment))
    with pytest.raises(grpc.RpcError, match="1 to 1 items"):
        batch = api.router.BatchRouteRequest(requests=[api.router.RouteRequest(text="x")] * 2)
        router.BatchRoute(batch)
    with pytest.raises(grpc.RpcError, match="at most 99 bytes; is 100"):
        router.Route(api.router.RouteRequest(text="x" * 100))


def test_unknown_flags_and_keys_exit_2_and_name_the_nearest(tmp_path):
    result = run_server("--bundel=x")
    assert result.returncode == 2
    assert "unknown flag `--bundel`; the nearest is --bundle" in result.stderr

    file = tmp_path / "config.yaml"
    file.write_text("bundle: x\ngrace_period: 5\n")
    result = run_server(f"--config={file}")
    assert result.returncode == 2
    assert f"{file}:2: unknown key `grace_period`; the nearest is grace_period_ms" in result.stderr


def test_check_config_judges_without_serving(tmp_path):
    good = run_server("--check-config", "--bundle=anywhere")
    assert good.returncode == 0
    bad = run_server("--check-config", "--bundle=anywhere", "--listen-address=7431")
    assert bad.returncode == 2
    assert "listen_address: must be host:port" in bad.stderr
    assert run_server("--check-config").returncode == 2


def test_version_and_help():
    version = run_server("--version")
    assert version.returncode == 0 and version.stdout.startswith("pointsman-server ")
    text = run_server("--help")
    assert text.returncode == 0
    assert "--max-batch-items" in text.stdout and "bench" not in text.stdout


def test_a_stalled_or_senseless_connection_does_not_hurt_others(api, server, router):
    with socket.create_connection(("127.0.0.1", server.grpc_port)) as stalled:
        stalled.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 4)
        with socket.create_connection(("127.0.0.1", server.grpc_port)) as senseless:
            senseless.sendall(b"\xff" * 4096)
            assert router.Route(api.router.RouteRequest(text="hello"), timeout=5).model


def test_no_prompt_in_the_log(api, start_server, connect, refusal):
    server = start_server()
    router = connect(server)
    secret = "zanzibar-7731"
    router.Route(api.router.RouteRequest(text=secret))
    refusal(lambda: router.Route(api.router.RouteRequest(text=secret, policy="nonesuch")))
    server.signal()
    assert server.wait() == 0
    lines = server.log().splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["serving", "draining", "stopped"]
    assert secret not in server.log()
