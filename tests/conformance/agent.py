"""An agent: a client under test, as a process that takes commands (PROTOCOL.md)."""

import concurrent.futures
import itertools
import json
import os
import pathlib
import subprocess
import threading

AGENTS = pathlib.Path(__file__).resolve().parent / "agents"
LANGUAGES = ("cpp", "go", "java", "python", "rust", "typescript")
BUILD_SECONDS = 1200
ANSWER_SECONDS = 60
EXIT_SECONDS = 20


def build(language):
    """Builds the agent of a language; raises with the end of what the build said."""
    done = subprocess.run(
        [AGENTS / language / "build"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=BUILD_SECONDS,
    )
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()[-30:]
        raise RuntimeError(f"agents/{language}/build failed ({done.returncode})\n" + "\n".join(lines))


class Agent:
    """Commands may be sent from several threads; `ask` waits for the answer, `send` gives a future."""

    def __init__(self, language, directory):
        self._log = open(pathlib.Path(directory) / f"{language}.log", "w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [AGENTS / language / "start"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._log, text=True, encoding="utf-8",
            env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")},
        )
        self._ids = itertools.count(1)
        self._waiting = {}
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, op, **members):
        """A future of the answer, a dictionary."""
        future = concurrent.futures.Future()
        command = {"id": str(next(self._ids)), "op": op} | members
        with self._lock:
            self._waiting[command["id"]] = future
            try:
                self._process.stdin.write(json.dumps(command) + "\n")
                self._process.stdin.flush()
            except (BrokenPipeError, ValueError):
                self._fail(future, "has ended")
        return future

    def ask(self, op, **members):
        return self.send(op, **members).result(timeout=ANSWER_SECONDS)

    def close(self):
        """Ends the agent; returns its exit code, None if it had to be killed."""
        try:
            self._process.stdin.close()
            return self._process.wait(timeout=EXIT_SECONDS)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self._process.kill()
            self._process.wait()
            return None
        finally:
            self._reader.join(timeout=EXIT_SECONDS)
            self._process.stdout.close()
            self._log.close()

    def _read(self):
        for line in self._process.stdout:
            try:
                answer = json.loads(line)
                future = self._waiting.pop(answer["id"])
            except (ValueError, KeyError, TypeError):
                future = None
            if future is None:
                print(f"agent wrote a line that answers nothing: {line[:200]!r}", flush=True)
            else:
                future.set_result(answer)
        with self._lock:
            for future in self._waiting.values():
                self._fail(future, "ended without an answer")
            self._waiting.clear()

    def _fail(self, future, what):
        if not future.done():
            self._log.flush()
            tail = pathlib.Path(self._log.name).read_text(encoding="utf-8", errors="replace")[-2000:]
            future.set_exception(RuntimeError(f"the agent {what}; it said: {tail}"))
