"""For scripts that are called as commands: `import in_venv` before anything that is not Python's own.

Goes on in the environment that tests/run makes, wherever the script was called from, and sets what tests
look for in the environment to where the build puts it.
"""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
_ENVIRONMENT = ROOT / ".cache" / "venv" / "test"
_PYTHON = _ENVIRONMENT / "bin" / "python"

if _PYTHON.exists() and pathlib.Path(sys.prefix) != _ENVIRONMENT:
    os.execv(_PYTHON, [str(_PYTHON), "-B", *sys.argv])
os.environ.setdefault("POINTSMAN_BIN_DIR", str(ROOT / "build" / "release"))
os.environ.setdefault("POINTSMAN_MODEL_DIR", str(ROOT / ".cache" / "model"))
os.environ["PATH"] = f"{ROOT / '.cache' / 'tools'}:{os.environ['PATH']}"
