"""The operator's side: AdminService, `pointsman admin`, and what a service manager sees."""

import datetime
import json
import re
import shutil
import socket
import sys
import tempfile
import time

import grpc
import pytest
from google.protobuf import duration_pb2

import cli
import conftest
import harness

UNIT = harness.REPOSITORY / "deploy" / "systemd" / "pointsman-server.service"


def digest_of(bundle):
    return json.loads((bundle / "manifest.json").read_text())["digest"]


@pytest.fixture(scope="session")
def quality_bundle(tmp_path_factory):
    """The small bundle with `quality` for its default policy: it decides otherwise."""
    directory = tmp_path_factory.mktemp("bundle")
    sources = shutil.copytree(conftest.SOURCES, directory / "sources")
    policies = sources / "policies.yaml"
    policies.write_text(
        policies.read_text().replace("default_policy: balanced", "default_policy: quality")
    )
    out = directory / "quality"
    built = harness.run(
        harness.binary("index/tool/pointsman-index"), "build", sources,
        "--model", harness.directory_from("POINTSMAN_MODEL_DIR"), "--out", out,
        "--version-name", "2026-q4",
    )
    assert built.returncode == 0, built.stderr
    return out


@pytest.fixture(scope="module")
def shared(bundle, tmp_path_factory, draining):
    """One server for the tests that leave it as they found it: nothing was ever activated."""
    instance = harness.Server(bundle, tmp_path_factory.mktemp("server"))
    draining.append(instance)
    return instance


@pytest.fixture
def status(api, admin):
    """GetStatus of a server: status(server)."""
    return lambda server: admin(server).GetStatus(api.admin.GetStatusRequest())


@pytest.fixture
def activate(api, admin):
    """ActivateBundle: activate(server, path, dry_run=True)."""

    def call(server, path, **fields):
        return admin(server).ActivateBundle(
            api.admin.ActivateBundleRequest(path=str(path), **fields), timeout=60
        )

    return call


@pytest.fixture
def rollback(api, admin):
    def call(server, **fields):
        return admin(server).Rollback(api.admin.RollbackRequest(**fields), timeout=60)

    return call


def pointsman_admin(server, *arguments, **options):
    return cli.pointsman("unused", "admin", *arguments, "--target", server.admin_address, **options)


# --- AdminService ----------------------------------------------------------------------------------


def test_the_status_tells_state_bundle_and_attempts(api, shared, status, bundle):
    told = status(shared)
    assert told.state == api.admin.SERVER_STATE_SERVING
    assert re.fullmatch(r"\d+\.\d+\.\d+", told.server_version)
    assert 0 < told.uptime.ToMilliseconds() < 600_000
    assert told.bundle.digest == digest_of(bundle)
    assert told.bundle.path == str(bundle)
    assert told.bundle.exemplar_count == 60
    assert told.bundle.embedder_id.startswith("static-256-")
    assert abs(told.bundle.activated_at.ToSeconds() - time.time()) < 600
    assert not told.HasField("previous_bundle")
    assert told.requests_in_flight == 0 and told.loading == ""
    first = told.reloads[-1]
    assert (first.source, first.digest, first.error) == (str(bundle), digest_of(bundle), "")


def test_a_bundle_is_activated_by_path(
    api, start_server, activate, status, connect, bundle, quality_bundle
):
    server = start_server()
    router = connect(server)
    request = api.router.RouteRequest(text="Prove that the square root of 2 is irrational.")
    assert router.Route(request).provenance.bundle_digest == digest_of(bundle)
    answer = activate(server, quality_bundle, expected_digest=digest_of(quality_bundle))
    assert answer.activated and answer.bundle.version == "2026-q4"
    # The answer comes after the swap, so the very next decision is the new bundle's.
    decision = router.Route(request)
    assert decision.provenance.bundle_digest == digest_of(quality_bundle)
    assert decision.provenance.policy == "quality"
    told = status(server)
    assert told.bundle.digest == digest_of(quality_bundle)
    assert told.previous_bundle.digest == digest_of(bundle)
    assert told.reloads[0].source == str(quality_bundle) and told.reloads[0].error == ""
    assert server.metric("pointsman_bundle_reloads_total", result="activated") == 2
    assert server.metric("pointsman_bundle_info", digest=digest_of(quality_bundle)) == 1


def test_a_bundle_of_another_digest_than_expected_is_refused(
    start_server, activate, status, refusal, bundle, quality_bundle
):
    server = start_server()
    code, message, _ = refusal(
        lambda: activate(server, quality_bundle, expected_digest=digest_of(bundle))
    )
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert digest_of(bundle) in message and digest_of(quality_bundle) in message
    told = status(server)
    assert told.bundle.digest == digest_of(bundle)
    assert digest_of(bundle) in told.reloads[0].error
    assert server.metric("pointsman_bundle_reloads_total", result="failed") == 1


def test_a_malformed_digest_is_an_invalid_argument(shared, activate, refusal, bundle):
    code, _, fields = refusal(lambda: activate(shared, bundle, expected_digest="3F"))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "64 lower-case hex digits; is 2 bytes" in fields["expected_digest"]


def test_a_dry_run_counts_what_would_change_and_changes_nothing(
    api, start_server, activate, status, connect, bundle, quality_bundle
):
    server = start_server()
    router = connect(server)
    before = status(server)
    for _ in range(64):  # of which every sixteenth is kept
        router.Route(api.router.RouteRequest(text="hello there!"))
    answer = activate(server, quality_bundle, dry_run=True)
    assert not answer.activated
    assert answer.bundle.digest == digest_of(quality_bundle)
    assert not answer.bundle.HasField("activated_at")
    assert answer.golden_compared >= 3
    sampled = answer.decisions_compared - answer.golden_compared
    assert sampled == 4
    assert answer.decisions_changed - answer.golden_changed == sampled
    example = next(change for change in answer.changes if not change.golden_id)
    assert example.model_before != example.model_after and example.error_after == ""
    after = status(server)
    assert after.bundle == before.bundle and len(after.reloads) == len(before.reloads)
    decision = router.Route(api.router.RouteRequest(text="hello there!"))
    assert decision.provenance.bundle_digest == digest_of(bundle)
    assert decision.model == example.model_before
    assert server.metric("pointsman_bundle_reloads_total", result="dry_run") == 1


def test_two_rollbacks_return_to_where_one_began(
    api, start_server, activate, rollback, status, connect, bundle, quality_bundle
):
    server = start_server()
    router = connect(server)
    activate(server, quality_bundle)
    for now, before in ((bundle, quality_bundle), (quality_bundle, bundle)):
        answer = rollback(server, expected_digest=digest_of(now))
        assert answer.bundle.digest == digest_of(now)
        told = status(server)
        assert told.bundle.digest == digest_of(now)
        assert told.previous_bundle.digest == digest_of(before)
        decision = router.Route(api.router.RouteRequest(text="hi"))
        assert decision.provenance.bundle_digest == digest_of(now)
    assert server.metric("pointsman_bundle_reloads_total", result="rolled_back") == 2


def test_a_rollback_with_nothing_to_return_to_is_refused(shared, rollback, refusal):
    code, message, _ = refusal(lambda: rollback(shared))
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert "no bundle was in service before" in message


def test_a_rollback_to_another_digest_than_expected_is_refused(
    start_server, activate, rollback, status, refusal, quality_bundle
):
    server = start_server()
    activate(server, quality_bundle)
    code, _, _ = refusal(lambda: rollback(server, expected_digest=digest_of(quality_bundle)))
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert status(server).bundle.digest == digest_of(quality_bundle)


def test_activations_at_once_are_carried_out_one_by_one_or_give_way(
    api, start_server, admin, status, bundle, quality_bundle, other_bundle
):
    server = start_server()
    stub = admin(server)
    wishes = [quality_bundle, other_bundle, bundle] * 4
    calls = [
        stub.ActivateBundle.future(api.admin.ActivateBundleRequest(path=str(path)), timeout=60)
        for path in wishes
    ]
    codes = [call.code() for call in calls]
    assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.ABORTED}
    assert grpc.StatusCode.OK in codes and grpc.StatusCode.ABORTED in codes
    told = status(server)
    assert told.bundle.digest == told.reloads[0].digest and told.loading == ""
    settled = {
        result: server.metric("pointsman_bundle_reloads_total", result=result)
        for result in ("activated", "unchanged", "failed", "superseded")
    }
    assert settled["superseded"] == codes.count(grpc.StatusCode.ABORTED)
    assert settled["failed"] == 0
    assert sum(settled.values()) == len(wishes) + 1  # the first bundle
    # Loads do not overlap: each ended before the next began.
    loads = [
        (datetime.datetime.fromisoformat(record["time"]), record["duration_ms"])
        for record in server.log_records()
        if record.get("result") in ("activated", "unchanged")
    ]
    tolerance = datetime.timedelta(milliseconds=10)
    for (end, _), (next_end, duration_ms) in zip(loads, loads[1:]):
        assert next_end - datetime.timedelta(milliseconds=duration_ms) >= end - tolerance


def test_the_status_is_told_while_a_drain_lets_requests_end(
    api, start_server, admin, connect, status
):
    server = start_server(lame_duck_ms=1500)
    router = connect(server)
    router.Route(api.router.RouteRequest(text="before"))
    admin(server).Drain(api.admin.DrainRequest())
    harness.eventually(lambda: status(server).state == api.admin.SERVER_STATE_DRAINING)
    assert router.Route(api.router.RouteRequest(text="meanwhile")).model
    assert server.wait() == 0


def test_a_drain_by_api_answers_and_exits_0(api, start_server, admin):
    server = start_server(lame_duck_ms=300)
    grace = duration_pb2.Duration(seconds=1)
    answer = admin(server).Drain(api.admin.DrainRequest(grace_period=grace))
    assert answer.requests_in_flight == 0
    assert server.wait() == 0
    (draining,) = [r for r in server.log_records() if r["message"] == "draining"]
    assert (draining["cause"], draining["grace_period_ms"]) == ("api", 1000)


def test_a_signal_while_a_bundle_is_verified_ends_in_order(
    api, start_server, admin, status, bundle, quality_bundle
):
    server = start_server()
    stub = admin(server)
    status(server)  # connected
    calls = [
        stub.ActivateBundle.future(api.admin.ActivateBundleRequest(path=str(path)), timeout=60)
        for path in (quality_bundle, bundle)
    ]
    server.signal()
    assert server.wait() == 0
    # Each call ends; what was not carried out is an error.
    allowed = {grpc.StatusCode.OK, grpc.StatusCode.ABORTED, grpc.StatusCode.CANCELLED,
               grpc.StatusCode.UNAVAILABLE}
    assert {call.code() for call in calls} <= allowed


def test_a_grace_period_out_of_bounds_drains_nothing(api, shared, admin, status, refusal):
    grace = duration_pb2.Duration(seconds=-1)
    request = api.admin.DrainRequest(grace_period=grace)
    code, _, fields = refusal(lambda: admin(shared).Drain(request))
    assert code == grpc.StatusCode.INVALID_ARGUMENT and "is -1000 ms" in fields["grace_period"]
    assert status(shared).state == api.admin.SERVER_STATE_SERVING


def test_the_public_listener_has_no_admin_service(api, shared, open_channel, refusal):
    stub = api.admin_grpc.AdminServiceStub(open_channel(shared.address))
    code, _, _ = refusal(lambda: stub.GetStatus(api.admin.GetStatusRequest()))
    assert code == grpc.StatusCode.UNIMPLEMENTED


# --- pointsman admin -------------------------------------------------------------------------------


def test_cli_status_is_a_page_for_people_and_json_for_programs(shared, bundle):
    page = pointsman_admin(shared, "status")
    assert page.returncode == cli.OK, page.stderr
    assert page.stdout.startswith(f"serving  {shared.admin_address}\n")
    for line in (r"uptime +(\d+ min )?\d+ s", rf"digest +{digest_of(bundle)}", r"version +not named",
                 r"signed by +not asked for", rf"\d+ s ago +succeeded +{digest_of(bundle)[:12]}"):
        assert re.search(line, page.stdout), line
    document = pointsman_admin(shared, "status", "--json")
    told = json.loads(document.stdout)
    assert told["state"] == "SERVER_STATE_SERVING" and told["requests_in_flight"] == "0"
    assert told["bundle"]["digest"] == digest_of(bundle)


def test_cli_takes_the_address_from_the_environment(shared):
    result = cli.pointsman("127.0.0.1:1", "admin", "status",
                           environment={"POINTSMAN_ADMIN_TARGET": shared.admin_address})
    assert result.returncode == cli.OK, result.stderr


def test_cli_activates_tells_of_it_and_rolls_back(start_server, bundle, quality_bundle):
    server = start_server()
    tried = pointsman_admin(server, "activate", quality_bundle, "--dry-run")
    assert tried.returncode == cli.OK, tried.stderr
    assert tried.stdout.startswith("verified, not activated\n")
    assert re.search(r"golden +\d of \d decisions would change", tried.stdout)
    assert re.search(r"sampled +0 of 0 decisions would change", tried.stdout)

    done = pointsman_admin(server, "activate", quality_bundle,
                           "--expected-digest", digest_of(quality_bundle))
    assert done.returncode == cli.OK, done.stderr
    assert done.stdout.startswith("in service\n") and "2026-q4" in done.stdout
    page = pointsman_admin(server, "status").stdout
    assert page.index(digest_of(quality_bundle)) < page.index("previous bundle") < page.index(
        digest_of(bundle))

    back = pointsman_admin(server, "rollback", "--json")
    assert back.returncode == cli.OK, back.stderr
    assert json.loads(back.stdout)["bundle"]["digest"] == digest_of(bundle)


def test_cli_exit_codes_tell_refusals_from_bad_input(shared, bundle, quality_bundle):
    refused = pointsman_admin(shared, "activate", quality_bundle,
                              "--expected-digest", digest_of(bundle))
    assert refused.returncode == cli.FAILED and digest_of(bundle) in refused.stderr
    assert pointsman_admin(shared, "rollback").returncode == cli.FAILED
    missing = pointsman_admin(shared, "activate", "/nonexistent/bundle")
    assert missing.returncode == cli.FAILED and "/nonexistent/bundle" in missing.stderr
    relative = pointsman_admin(shared, "activate", "bundle")
    assert relative.returncode == cli.BAD_INPUT and "must begin with /" in relative.stderr
    assert pointsman_admin(shared, "activate").returncode == cli.BAD_INPUT
    wrong = pointsman_admin(shared, "drain", "--grace-ms", "-1")
    assert wrong.returncode == cli.BAD_INPUT and "grace_period" in wrong.stderr
    nobody = cli.pointsman("unused", "admin", "status", "--target", cli.dead_address())
    assert nobody.returncode == cli.UNREACHABLE
    assert cli.pointsman("unused", "admin").returncode == cli.BAD_INPUT


def test_cli_drains(start_server):
    server = start_server(lame_duck_ms=300)
    result = pointsman_admin(server, "drain", "--grace-ms", "1500")
    assert result.returncode == cli.OK, result.stderr
    assert result.stdout.startswith(f"draining  {server.admin_address}")
    assert server.wait() == 0
    (draining,) = [r for r in server.log_records() if r["message"] == "draining"]
    assert draining["grace_period_ms"] == 1500


# --- The service manager ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_the_service_manager_is_told_of_ready_and_stopping(start_server, kind):
    with (
        tempfile.TemporaryDirectory() as directory,  # a short one: a socket's path has a limit
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
    ):
        # An abstract name is written with @ and begins with a zero byte.
        name = f"{directory}/notify" if kind == "path" else f"@{directory}"
        manager.bind(name if kind == "path" else "\0" + name[1:])
        manager.settimeout(10)
        server = start_server({"NOTIFY_SOCKET": name})
        assert manager.recv(256) == b"READY=1"
        server.signal()
        assert manager.recv(256) == b"STOPPING=1"
        assert server.wait() == 0
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(256)


def read_unit():
    """The directives of the unit by name; several of one name are joined by blanks."""
    directives = {}
    for line in UNIT.read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            directives[name] = f"{directives[name]} {value}" if name in directives else value
    return directives


def test_the_unit_fits_what_the_server_does():
    unit = read_unit()
    assert unit["Type"] == "notify"
    assert unit["ExecReload"].endswith("kill -HUP $MAINPID")
    assert unit["RestartPreventExitStatus"].split() == ["2", "3"]
    printed = harness.run(harness.binary("server/pointsman-server"), "--print-config",
                          env=harness.clean_environment())
    defaults = dict(re.findall(r"(?m)^(\w+): (\d+)  #", printed.stdout))
    drain_ms = int(defaults["lame_duck_ms"]) + int(defaults["grace_period_ms"])
    stop_seconds = int(re.fullmatch(r"(\d+)s", unit["TimeoutStopSec"])[1])
    assert stop_seconds * 1000 >= drain_ms + 10_000
    assert int(unit["LimitNOFILE"]) >= 2 * int(defaults["max_connections"]) + 256
    # Settings that the unit gives by environment exist.
    for name in re.findall(r"POINTSMAN_(\w+)=", UNIT.read_text()):
        assert re.search(rf"(?m)^{name.lower()}: ", printed.stdout), name


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit_and_finds_it_hardened(tmp_path):
    installed = tmp_path / UNIT.name
    program = harness.binary("server/pointsman-server")
    installed.write_text(
        UNIT.read_text().replace("/usr/local/bin/pointsman-server", str(program))
    )
    verified = harness.run("systemd-analyze", "verify", "--man=no", installed)
    assert (verified.returncode, verified.stderr) == (0, "")
    # Exposure of at most 2.0 in systemd's scale of 0 to 10.
    judged = harness.run("systemd-analyze", "security", "--offline=true", "--threshold=20",
                         installed)
    assert judged.returncode == 0, judged.stdout[-500:]


# Refuses memory that is writable and executable (prctl PR_SET_MDWE), as the unit does, then runs the
# command that follows.
DENY_WRITE_EXECUTE = """
import ctypes, os, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0:
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_no_memory_is_needed_that_is_writable_and_executable(
    api, start_server, activate, connect, quality_bundle
):
    prefix = [sys.executable, "-c", DENY_WRITE_EXECUTE]
    if harness.run(*prefix, shutil.which("true")).returncode == 77:
        pytest.skip("this kernel has no PR_SET_MDWE")
    server = start_server(prefix=prefix)
    router = connect(server)
    assert router.Route(api.router.RouteRequest(text="What is 17 * 23?")).model
    assert activate(server, quality_bundle).activated
    assert router.Route(api.router.RouteRequest(text="What is 17 * 23?")).model
