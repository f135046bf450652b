"""Modules of Node.js for the tests, fetched with npm once for a build folder.

    modules("examples-node", wanted, ["ci", "--omit=peer"], files)    the folder node_modules

It skips where there is no node, and where npm cannot fetch them.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from . import reader, shared

TIMEOUT_S = 120


def _folder(name):
    build = pathlib.Path(reader.program()).parent
    if not os.access(build, os.W_OK):
        build = shared.folder()
    folder = build / name
    folder.mkdir(exist_ok=True)
    return folder


def modules(name, wanted, command, files):
    """wanted: bytes that say what is in it; files: {name: bytes} that npm finds beside it."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no node and npm here (scripts/packages install examples)")
    folder = _folder(name)
    ready, failed = folder / "installed", folder / "failed"
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists() or ready.read_bytes() != wanted:
            # A registry that is not there is asked once, not by every test.
            if not failed.exists() or time.time() - failed.stat().st_mtime > 600:
                failed.write_text(_run(folder, command, files))
            if why := failed.read_text():
                pytest.skip(f"npm cannot fetch what {name} needs: {why}")
            failed.unlink()
            ready.write_bytes(wanted)
    return folder / "node_modules"


def _run(folder, command, files):
    """What went wrong, in a line."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    try:
        done = subprocess.run(
            ["npm", *command, "--ignore-scripts", "--no-audit", "--no-fund",
             "--fetch-retries=1", "--fetch-timeout=20000", "--cache", str(folder / "cache")],
            cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer in {TIMEOUT_S} s"
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.splitlines() if not line.startswith("npm warn")]
    return " ".join(said)[:200] or f"exit code {done.returncode}"
