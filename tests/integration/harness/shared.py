"""A folder that all test processes of one user share, for what is made once and kept.

Its name can be foreseen, and the folder around it may be one in which everybody can write. So it
counts only when it is a folder of our own that nobody else can change; otherwise, such as behind
another user's symlink, nothing is written there, and each process makes its own.
"""

import atexit
import os
import pathlib
import shutil
import stat
import tempfile


def _is_ours(folder):
    status = os.lstat(folder)
    return (stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
            and not status.st_mode & 0o022)


def folder():
    """The shared folder, made when it is missing; a fresh one of this process where it is not ours."""
    path = pathlib.Path(tempfile.gettempdir()) / f"steem-reader-tests-{os.getuid()}"
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    if _is_ours(path):
        return path
    return _own_folder()


_made = []


def _own_folder():
    if not _made:
        _made.append(pathlib.Path(tempfile.mkdtemp(prefix="sr-shared-")))
        atexit.register(shutil.rmtree, _made[0], ignore_errors=True)
    return _made[0]
