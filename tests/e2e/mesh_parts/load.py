"""Steady load whose every call is accounted for, by the phase in which it was due."""

import contextlib
import time

import bench


class Load:
    """load_client at a steady rate in the background. As a context it ends on leaving; `phases` then
    tells what became of the calls of each phase that was marked with `phase`."""

    def __init__(self, directory, name, *targets, rate, shipped=True, **flags):
        self.name = name
        self._marks = []
        kind = {"shipped": True} if shipped else {"plain": True}
        self._load = bench.Load(
            directory, *targets, name=name, trace=True, rate=rate, duration=600, deadline_ms=5000,
            requests=bench.write_queries(directory / f"{name}-queries.jsonl"), **kind, **flags,
        )

    @contextlib.contextmanager
    def phase(self, name):
        begin = time.monotonic()
        yield
        self._marks.append((name, begin, time.monotonic()))

    def finish(self):
        """Calls and failures by phase; all that was outside of phases is "between"."""
        self._load.stop()
        report = self._load.finish()
        phases = {name: {"calls": 0, "failed": 0} for name, _, _ in self._marks} | {
            "between": {"calls": 0, "failed": 0}}
        for call in self._load.calls():
            name = next((n for n, begin, end in self._marks if begin <= call["due"] < end), "between")
            phases[name]["calls"] += 1
            phases[name]["failed"] += call["code"] != 0
        if report["sent"] != report["ok"]:
            print(f"  {self.name}: {report['codes']} {report['messages']}")
        return phases

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._load.process.poll() is None:
            self._load.process.kill()
            self._load.process.wait()
