"""What the documents say of a program, what it says of itself, and what bash completes for it."""

import re
import subprocess

from .chain import TOP


def text(*path):
    """A file of the project."""
    return TOP.joinpath(*path).read_text(encoding="utf-8")


def options_of_help(program):
    """The long options that the program at this path tells of."""
    shown = subprocess.run([program, "--help"], capture_output=True, text=True, check=True,
                           timeout=20).stdout
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", shown))


def options_of_manual(name):
    named = re.findall(r"Fl -([a-z][a-z-]*)", text("doc", f"{name}.8"))
    return {f"--{option}" for option in named}


def exit_codes_of_manual(name):
    section = re.search(r"\.Sh EXIT STATUS(.*?)\.El", text("doc", f"{name}.8"), re.S)[1]
    return set(re.findall(r"^\.It (\d+)$", section, re.M))


def complete(name, *words):
    """What bash offers for the last word."""
    script = f"""
        source {TOP}/etc/{name}.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _{name.replace("-", "_")}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    shown = subprocess.run(["bash", "--norc", "-c", script, "bash", name, *words],
                           capture_output=True, text=True, check=True, timeout=20)
    assert not shown.stderr
    return set(shown.stdout.split())
