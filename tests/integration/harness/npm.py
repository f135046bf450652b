"""Packages for Node.js, fetched with npm once for a build folder.

    npm.modules(EXAMPLES / "node")      the folder with the modules that its package-lock.json names
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
    build = pathlib.Path(reader.program() or "/nowhere").parent
    if not os.access(build, os.W_OK):
        build = shared.folder()
    folder = build / name
    folder.mkdir(exist_ok=True)
    return folder


def modules(source):
    """Skips where there is no npm, or no registry for it."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no node and npm here (scripts/packages install examples)")
    folder = _folder(f"{source.parent.name}-{source.name}")
    wanted = (source / "package-lock.json").read_bytes()
    ready, failed = folder / "installed-lock.json", folder / "failed"
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists() or ready.read_bytes() != wanted:
            # A registry that is not there is asked once, not by every test.
            if not failed.exists() or time.time() - failed.stat().st_mtime > 600:
                failed.write_text(_ci(source, folder))
            if why := failed.read_text():
                pytest.skip(f"{source.name}: npm cannot fetch its packages: {why}")
            failed.unlink()
            ready.write_bytes(wanted)
    return folder / "node_modules"


def _ci(source, folder):
    """What went wrong, in a line."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, folder)
    try:
        done = subprocess.run(
            ["npm", "ci", "--omit=peer", "--ignore-scripts", "--no-audit", "--no-fund",
             "--fetch-retries=1", "--fetch-timeout=20000", "--cache", str(folder / "cache")],
            cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer in {TIMEOUT_S} s"
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.splitlines() if not line.startswith("npm warn")]
    return " ".join(said)[:200] or f"exit code {done.returncode}"
