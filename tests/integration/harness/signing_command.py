"""Commands that sign for a poster (signer = "command"), right or wrong as the test says.

    command = SigningCommand(folder)
    command.entry("bot-one")        an entry of the configuration, for Outbox.start()
    command.mode("hang")            what it does from now on; "hang bot-one": only for that account
    command.runs()                  what each run was given

The keys are those of harness/wallet.py: who knows the name of an account can work them out.
"""

import json
import pathlib

from . import polling, wallet

SCRIPT = """#!/usr/bin/python3 -BSE
import hashlib, json, os, subprocess, sys, time
sys.path.insert(0, {path!r})
from harness import curve
HERE = {here!r}
line = sys.stdin.readline()
account, authority = os.environ["STEEM_ACCOUNT"], os.environ["STEEM_AUTHORITY"]
mode, _, only = open(HERE + "/mode").read().partition(" ")
if only and only != account:
    mode = "right"
with open(HERE + "/runs", "a") as runs:
    runs.write(json.dumps({{
        "pid": os.getpid(), "line": line, "rest": sys.stdin.read(), "account": account,
        "authority": authority, "key": os.environ["STEEM_PUBLIC_KEY"], "words": sys.argv[1:],
        "environment": dict(os.environ), "mode": mode,
        "descriptors": sorted(os.listdir("/proc/self/fd"), key=int)}}) + "\\n")
digest, secret = bytes.fromhex(line), curve.secret_of(f"{{authority}} of {{account}}")


def answer(made):
    print(made.hex())


def raw(attempt=0):
    \"\"\"As any library signs, with the low S; it need not be canonical.\"\"\"
    nonce = curve._nonce(digest, secret, attempt)
    return curve._signature(int.from_bytes(digest, "big"), secret, nonce,
                            curve._affine([curve._times_g(nonce)])[0])


def with_high_s(made):
    high = curve.N - int.from_bytes(made[33:], "big")
    return bytes([31 + (made[0] - 31 ^ 1)]) + made[1:33] + high.to_bytes(32, "big")


if mode == "right":
    answer(curve.sign(digest, secret))
elif mode == "raw":
    answer(with_high_s(raw()))
elif mode == "plain_header":
    made = curve.sign(digest, secret)
    answer(bytes([made[0] - 4]) + made[1:])
elif mode == "never_canonical":
    tries = map(raw, range(1000))
    answer(next(made for made in tries if made[1] >= 0x80))
elif mode == "wait":
    while not os.path.exists(HERE + "/go"):
        time.sleep(0.01)
    answer(curve.sign(digest, secret))
elif mode == "hang":
    child = subprocess.Popen(["sleep", "1000"])
    with open(HERE + "/child", "w") as file:
        file.write(f"{{child.pid}}\\n")
    child.wait()
elif mode == "foreign":
    answer(curve.sign(digest, secret + 1))
elif mode == "other_digest":
    answer(curve.sign(hashlib.sha256(digest).digest(), secret))
elif mode == "rubbish":
    print("a signature" * 11 + "123456789")
elif mode == "short":
    print(curve.sign(digest, secret).hex()[:-2])
elif mode == "nothing":
    pass
elif mode == "twice":
    answer(curve.sign(digest, secret) * 2)
elif mode == "huge":
    while True:
        sys.stdout.write(curve.sign(digest, secret).hex() * 1000)
elif mode == "noisy":
    print("it is tired", file=sys.stderr)
    answer(curve.sign(digest, secret))
    sys.stdout.flush()
    sys.exit(3)
elif mode == "killed":
    answer(curve.sign(digest, secret))
    sys.stdout.flush()
    os.kill(os.getpid(), 9)
"""


class SigningCommand:
    """A program in a folder of its own."""

    def __init__(self, folder, mode="right"):
        self.folder = pathlib.Path(folder) / "signer"
        self.folder.mkdir()
        self.program = self.folder / "sign"
        self.write()
        self.mode(mode)

    def write(self):
        self.program.write_text(SCRIPT.format(here=str(self.folder),
                                              path=str(pathlib.Path(__file__).parents[1])))
        self.program.chmod(0o755)

    def mode(self, text):
        path = self.folder / "mode.new"
        path.write_text(text)
        path.rename(self.folder / "mode")

    def go(self):
        (self.folder / "go").touch()

    def entry(self, name, authority="posting", key=None, **rules):
        """An account of the configuration."""
        return {"name": name, "authority": authority, "signer": "command",
                "command": [str(self.program), "a word"],
                "public_key": key or wallet.key_text(name, authority), **rules}

    def runs(self, account=None):
        """What each run so far was given, and found."""
        path = self.folder / "runs"
        made = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [run for run in made if account in (None, run["account"])]

    def wait_runs(self, count=1, account=None, timeout=20):
        return polling.poll(lambda: self.runs(account), lambda runs: len(runs) >= count, timeout=timeout,
                            otherwise=lambda runs: f"{len(runs)} of {count} runs")[count - 1]

    def wait_child(self, timeout=20):
        """The number of the process that a run of the mode "hang" has started."""
        path = self.folder / "child"
        return int(polling.poll(path.read_text, lambda text: text.endswith("\n"), timeout=timeout,
                                not_yet=(FileNotFoundError,), otherwise=lambda _: "no child"))
