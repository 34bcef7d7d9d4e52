"""Bundles that change where the server looks: by symlink, by Kubernetes volume, in place, on SIGHUP.

Nothing is asked of AdminService here but what it saw.
"""

import json
import os
import shutil
import signal
import time
import threading

import grpc
import pytest

import harness
from failure_bundles import point


def digest_of(bundle):
    return json.loads((bundle / "manifest.json").read_text())["digest"]


@pytest.fixture
def status(api, admin):
    """GetStatus of a server: status(server)."""
    return lambda server: admin(server).GetStatus(api.admin.GetStatusRequest())


@pytest.fixture
def deciding_digest(api, connect):
    """The digest that the server's next decision carries: deciding_digest(server)."""
    stubs = {}

    def ask(server):
        stub = stubs.setdefault(server, connect(server))
        answer = stub.Route(api.router.RouteRequest(text="hello there"), timeout=10)
        return answer.provenance.bundle_digest

    return ask


@pytest.fixture
def current(tmp_path, bundle):
    """A symlink to the bundle, as a release keeps one."""
    link = tmp_path / "current"
    link.symlink_to(bundle)
    return link


def copy_into(bundle, directory):
    """Writes the files of a bundle into a directory in place, the manifest last."""
    names = sorted(os.listdir(bundle), key=lambda name: name == "manifest.json")
    for name in names:
        shutil.copyfile(bundle / name, directory / name)


def test_a_symlink_that_is_swapped_is_followed(
    start_server, current, deciding_digest, status, bundle, other_bundle
):
    server = start_server(bundle=current)
    assert deciding_digest(server) == digest_of(bundle)
    for target in (other_bundle, bundle, other_bundle):
        point(current, target)
        harness.eventually(lambda: deciding_digest(server) == digest_of(target))
    told = status(server)
    assert told.bundle.path == str(current)
    assert [attempt.error for attempt in told.reloads] == [""] * 4


def test_a_kubernetes_volume_that_is_swapped_is_followed(
    start_server, tmp_path, deciding_digest, status, bundle, other_bundle
):
    # As the kubelet does it: the files are symlinks through ..data, which alone is exchanged, and the
    # directory of before is removed at once.
    volume = tmp_path / "volume"
    volume.mkdir()
    versions = {}
    for name, source in (("..2026_11_24_09", bundle), ("..2026_11_24_10", other_bundle)):
        versions[name] = source
        shutil.copytree(source, volume / name)
    old, new = versions
    (volume / "..data").symlink_to(old)
    for name in os.listdir(bundle):
        (volume / name).symlink_to(f"..data/{name}")
    server = start_server(bundle=volume)
    assert deciding_digest(server) == digest_of(bundle)
    (volume / "..data_tmp").symlink_to(new)
    os.replace(volume / "..data_tmp", volume / "..data")
    shutil.rmtree(volume / old)
    harness.eventually(lambda: deciding_digest(server) == digest_of(other_bundle))
    assert [attempt.error for attempt in status(server).reloads] == ["", ""]


def test_a_bundle_that_is_corrupted_in_place_is_refused_until_it_is_repaired(
    start_server, tmp_path, deciding_digest, status, bundle, other_bundle
):
    directory = tmp_path / "in-place"
    shutil.copytree(bundle, directory)
    server = start_server(bundle=directory)
    with open(directory / "policies.binpb", "r+b") as file:
        file.seek(20)
        file.write(b"\xff\xff\xff")
    failed = harness.eventually(
        lambda: (first := status(server).reloads[0]).error and first
    )
    assert "policies.binpb" in failed.error
    assert server.metric("pointsman_bundle_reloads_total", result="failed") == 1
    assert deciding_digest(server) == digest_of(bundle)
    assert status(server).bundle.digest == digest_of(bundle)
    copy_into(other_bundle, directory)
    harness.eventually(lambda: deciding_digest(server) == digest_of(other_bundle))
    assert status(server).reloads[0].error == ""


def test_a_copy_in_progress_is_not_refused_before_it_is_complete(
    start_server, tmp_path, deciding_digest, status, bundle, other_bundle
):
    directory = tmp_path / "copied"
    shutil.copytree(bundle, directory)
    server = start_server(bundle=directory)
    copy_into(other_bundle, directory)
    harness.eventually(lambda: deciding_digest(server) == digest_of(other_bundle))
    assert [attempt.error for attempt in status(server).reloads] == ["", ""]


def test_polling_finds_what_inotify_cannot(
    start_server, current, deciding_digest, status, bundle, other_bundle
):
    # A user namespace in which a user may have no inotify instance stands in for a network file
    # system, whose changes inotify does not see.
    prefix = ["unshare", "--user", "--map-root-user", "sh", "-c",
              'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"', "sh"]
    if harness.run(*prefix, "true").returncode != 0:
        pytest.skip("user namespaces, or a limit on inotify within one, cannot be had here")
    server = start_server(bundle=current, prefix=prefix, bundle_poll_ms=100)
    assert any("polling alone" in record["message"] for record in server.log_records("WARNING"))
    point(current, other_bundle)
    harness.eventually(lambda: deciding_digest(server) == digest_of(other_bundle))


def test_an_unwatched_bundle_is_read_again_on_sighup_alone(
    start_server, current, deciding_digest, status, bundle, other_bundle
):
    server = start_server(bundle=current, bundle_poll_ms=0)
    point(current, other_bundle)
    assert deciding_digest(server) == digest_of(bundle)
    server.signal(signal.SIGHUP)
    harness.eventually(lambda: deciding_digest(server) == digest_of(other_bundle))
    assert len(status(server).reloads) == 2


def test_sighup_does_not_undo_a_rollback(
    api, admin, start_server, current, deciding_digest, bundle, other_bundle, tmp_path
):
    log = tmp_path / "decisions.jsonl"
    server = start_server(bundle=current, bundle_poll_ms=0, decision_log=log)
    point(current, other_bundle)
    server.signal(signal.SIGHUP)
    harness.eventually(lambda: deciding_digest(server) == digest_of(other_bundle))
    admin(server).Rollback(api.admin.RollbackRequest())
    log.unlink()
    server.signal(signal.SIGHUP)
    harness.eventually(log.exists)  # the log is opened again before the bundle is looked at
    for _ in range(20):
        assert deciding_digest(server) == digest_of(bundle)
        time.sleep(0.01)
    assert server.process.poll() is None


def test_every_answer_under_load_carries_the_digest_of_a_bundle_in_service(
    api, start_server, current, connect, status, bundle, other_bundle
):
    server = start_server(bundle=current, max_queue_delay_ms=1000)
    stop = threading.Event()
    runs, errors = [], []

    def ask():
        # The digests in the order of the answers, each run of equal ones once.
        run = []
        runs.append(run)
        stub = connect(server)
        request = api.router.RouteRequest(text="How many legs has a spider?")
        while not stop.is_set():
            try:
                digest = stub.Route(request, timeout=10).provenance.bundle_digest
            except grpc.RpcError as error:
                errors.append(error)
                return
            if not run or run[-1] != digest:
                run.append(digest)

    workers = [threading.Thread(target=ask) for _ in range(3)]
    for worker in workers:
        worker.start()
    expected = [digest_of(bundle)]
    for target in (other_bundle, bundle) * 3:
        point(current, target)
        expected.append(digest_of(target))
        harness.eventually(lambda: status(server).bundle.digest == digest_of(target))
        # Every client has seen it, or the next swap would hide that it did not.
        harness.eventually(lambda: all(len(run) == len(expected) for run in runs) or errors)
    stop.set()
    for worker in workers:
        worker.join()
    assert not errors
    # One change of digest for each swap: no answer went back to a bundle that was out of service.
    assert runs == [expected] * 3
