"""What happens at start, at the end and when the clock jumps: rows of the table in
server/README.md."""

import datetime
import mmap
import shutil
import struct
import subprocess
import threading
import time

import grpc
import pytest

import harness


def code_of(call):
    """The code of a call's error, or None where there was none."""
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return None


# Settings


def test_setting_with_a_wrong_unit(bundle, tmp_path):
    must = "must be a whole number of ms from 0 to 3600000, without a unit; is `2s`"
    code, message = harness.refused_start(tmp_path, bundle=bundle, lame_duck_ms="2s")
    assert code == 2 and f"--lame-duck-ms: lame_duck_ms: {must}" in message
    code, message = harness.refused_start(
        tmp_path, bundle=bundle, environment={"POINTSMAN_LAME_DUCK_MS": "2s"}
    )
    assert code == 2 and "POINTSMAN_LAME_DUCK_MS" in message and must in message
    file = tmp_path / "config.yaml"
    file.write_text("max_turns: 5\nlame_duck_ms: 2s\n", encoding="utf-8")
    code, message = harness.refused_start(tmp_path, bundle=bundle, config=file)
    assert code == 2 and f"{file}:2: " in message and must in message


def test_config_file_that_is_no_mapping(bundle, tmp_path):
    file = tmp_path / "config.yaml"
    for text in ("- a\n- b\n", "bundle: [x\n", "bundle: {a: b}\n", "bundle: x\nbundle: y\n"):
        file.write_text(text, encoding="utf-8")
        code, message = harness.refused_start(tmp_path, config=file)
        assert code == 2 and str(file) in message
    code, message = harness.refused_start(tmp_path, config=tmp_path / "absent.yaml")
    assert code == 2 and "absent.yaml" in message


def test_text_bound_above_the_message_bound(bundle, tmp_path):
    code, message = harness.refused_start(
        tmp_path, bundle=bundle, max_message_bytes=2048, max_request_text_bytes=4096
    )
    assert code == 2
    assert "max_request_text_bytes: must be at most max_message_bytes" in message


# What the machine does not give


@pytest.mark.parametrize("setting", ["listen", "admin_listen", "metrics_listen"])
def test_port_in_use(bundle, server, tmp_path, setting):
    used = {
        "listen": server.grpc_port,
        "admin_listen": server.admin_port,
        "metrics_listen": server.metrics_port,
    }[setting]
    code, log = harness.refused_start(
        tmp_path, bundle=bundle, **{f"{setting}_address": f"127.0.0.1:{used}"}
    )
    assert code == 1
    assert f"cannot start: {setting}_address: cannot listen on 127.0.0.1:{used}" in log
    assert "in use" in log


def test_port_file_that_cannot_be_written(bundle, tmp_path):
    code, log = harness.refused_start(
        tmp_path, bundle=bundle, port_file=tmp_path / "absent" / "ports.json"
    )
    assert code == 1 and "absent/ports.json" in log


# The end


def test_sigterm_under_load(api, start_server):
    """Every call that the server answered was received, and nothing it accepted was left."""
    server = start_server(lame_duck_ms=200, grace_period_ms=10_000)
    request = api.router.RouteRequest(text="which platform, please?")
    received, codes = [0] * 4, [None] * 4

    def work(number):
        with grpc.insecure_channel(
            server.address, [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        ) as channel:
            router = api.router_grpc.RouterServiceStub(channel)
            while codes[number] is None:
                codes[number] = code_of(lambda: router.Route(request, timeout=10))
                received[number] += codes[number] is None

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    harness.eventually(lambda: min(received) > 20)
    began = time.monotonic()
    server.signal()
    assert server.wait() == 0
    assert time.monotonic() - began < 10
    for thread in threads:
        thread.join()
    stopped = server.log_records()[-1]
    assert stopped["message"] == "stopped" and stopped["severity"] == "INFO"
    assert stopped["requests_unanswered"] == 0
    assert stopped["requests_answered"] == sum(received)
    # Only calls that came after the end found nobody.
    assert set(codes) == {grpc.StatusCode.UNAVAILABLE}


def test_requests_that_outlast_the_grace_period(api, start_server, connect):
    server = start_server(lame_duck_ms=0, grace_period_ms=0, max_queue_delay_ms=60_000)
    item = api.router.RouteRequest(text="why is the train late? " * 100)
    batch = api.router.BatchRouteRequest(requests=[item] * 1000)
    futures = [connect(server).BatchRoute.future(batch) for _ in range(6)]
    harness.eventually(lambda: server.metric("pointsman_grpc_requests_in_flight") >= 4)
    began = time.monotonic()
    server.signal()
    assert server.wait() == 0
    assert time.monotonic() - began < 5
    # That something was left unanswered is worth a warning.
    assert server.log_records("WARNING")[-1]["message"] == "stopped"
    failed = [future.code() for future in futures if future.exception(timeout=10)]
    assert set(failed) <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


def test_drain_by_the_api(api, start_server, admin, connect):
    server = start_server(lame_duck_ms=1500)
    stub, router = admin(server), connect(server)
    request = api.router.RouteRequest(text="hello")
    router.Route(request)
    stub.Drain(api.admin.DrainRequest())
    # The lame duck still answers, and says what it is.
    harness.eventually(
        lambda: stub.GetStatus(api.admin.GetStatusRequest()).state
        == api.admin.SERVER_STATE_DRAINING
    )
    assert router.Route(request, timeout=5).model
    stub.Drain(api.admin.DrainRequest())  # again changes nothing
    assert server.wait() == 0
    draining = [r for r in server.log_records() if r["message"] == "draining"]
    assert [record["cause"] for record in draining] == ["api"]


def test_drain_with_a_grace_period_out_of_bounds(api, server, admin, refusal):
    for grace in (datetime.timedelta(seconds=-1), datetime.timedelta(hours=2)):
        request = api.admin.DrainRequest(grace_period=grace)
        code, _, fields = refusal(lambda r=request: admin(server).Drain(r))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert "0 to 3600000 ms" in fields["grace_period"]
    status = admin(server).GetStatus(api.admin.GetStatusRequest())
    assert status.state == api.admin.SERVER_STATE_SERVING


def test_sighup_without_anything_new_to_read(start_server, tmp_path):
    clients = tmp_path / "clients.yaml"
    clients.write_text("clients: []\n", encoding="utf-8")
    server = start_server(clients_file=clients)
    for _ in range(5):
        server.signal(harness.signal.SIGHUP)
    read = "pointsman_file_reloads_total"
    harness.eventually(lambda: server.metric(read, file="clients", result="succeeded") >= 1)
    assert server.metric(read, result="failed") == 0
    assert server.metric("pointsman_bundle_reloads_total", result="failed") == 0
    assert server.process.poll() is None
    server.signal()
    assert server.wait() == 0


# The clock

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const long* shift;

__attribute__((constructor)) static void find_shift(void) {
  int file = open(getenv("CLOCK_SHIFT_FILE"), O_RDONLY);
  shift = (const long*)mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
  close(file);
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, time);
  if (clock == CLOCK_REALTIME && shift) time->tv_sec += *shift;
  return result;
}

int gettimeofday(struct timeval* time, void* zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}
"""


class ShiftedClock:
    """A wall clock that a server takes for the system's, and that a test can turn."""

    def __init__(self, directory):
        compiler = shutil.which("cc")
        if not compiler:
            pytest.skip("this needs a C compiler")
        source, self.library = directory / "clock.c", directory / "clock.so"
        source.write_text(CLOCK, encoding="utf-8")
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", self.library, source, "-ldl"], check=True
        )
        self.file = directory / "shift"
        self.file.write_bytes(struct.pack("l", 0))
        with open(self.file, "r+b") as file:
            self._shared = mmap.mmap(file.fileno(), struct.calcsize("l"))

    @property
    def environment(self):
        return {"LD_PRELOAD": str(self.library), "CLOCK_SHIFT_FILE": str(self.file)}

    def turn(self, seconds):
        self._shared[:] = struct.pack("l", seconds)


def test_clock_jumps(api, start_server, connect, admin, tmp_path):
    clock = ShiftedClock(tmp_path)
    log = tmp_path / "decisions.jsonl"
    server = start_server(clock.environment, decision_log=log, decision_log_rotate_ms=3_600_000)
    router, stub = connect(server), admin(server)
    request = api.router.RouteRequest(text="what time is it?")
    first = router.Route(request, timeout=5)
    year = 365 * 86400
    for shift in (year, -year, 0):
        clock.turn(shift)
        harness.eventually(lambda: router.Route(request, timeout=5).model == first.model)
        for _ in range(20):  # deadlines are kept, neither missed nor forgotten
            assert router.Route(request, timeout=2).model
        status = stub.GetStatus(api.admin.GetStatusRequest(), timeout=5)
        assert status.state == api.admin.SERVER_STATE_SERVING
        assert 0 <= status.uptime.seconds < 60
        assert connect(server).Route(request, timeout=5).model
    for metric in ("pointsman_requests_shed_total", "pointsman_decision_log_rotations_total"):
        assert server.metric(metric) == 0
    assert server.metric("pointsman_stage_duration_seconds_sum", stage="total") < 5
    assert server.metric("pointsman_queue_delay_seconds_sum") < 5

    clock.turn(year)
    began = time.monotonic()
    server.signal()
    assert server.wait() == 0
    assert time.monotonic() - began < 10
    # The time stamps of logs are the only thing that went along.
    years = {line.split('"time":"')[1][:4] for line in log.read_text().splitlines()}
    assert len(years) == 3
