"""Where plugins find the engine: one Unix socket per user, mode 0600, one engine at a time.

The engine holds a file lock beside the socket for as long as it lives, also when it is stopped.
The kernel drops the lock with the process, so a socket left by `kill -9` is told from a living
engine without asking it anything.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
import time
from pathlib import Path
from types import TracebackType

from bridge import _native
from bridge.errors import EngineRunning, RuntimeFolderError

_BACKLOG = 64
_LOCK_WAIT_S = 0.3
_MAX_PATH_BYTES = 107  # sun_path without its NUL


def socket_path() -> Path:
    """The socket of this user's engine, as the plugin computes it (cpp/link/rendezvous.h)."""
    return Path(_native.socket_path())


class Rendezvous:
    """The listening socket and the lock that makes this engine the only one.

    Attributes:
        path: where plugins connect.
        socket: listening, non-blocking.

    Raises:
        EngineRunning: another engine of this user has the lock.
        RuntimeFolderError: the folder cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path if path is not None else socket_path()
        if len(os.fsencode(self.path)) > _MAX_PATH_BYTES:
            raise RuntimeFolderError(
                f"The socket path {self.path} has {len(os.fsencode(self.path))} bytes; the system "
                f"allows {_MAX_PATH_BYTES}. Set DRIFTWAVE_RUNTIME_DIR to a shorter folder."
            )
        _make_private_folder(self.path.parent)
        self._lock_fd = _lock(self.path)
        try:
            self.socket = _listen(self.path)
        except OSError as error:
            os.close(self._lock_fd)
            raise RuntimeFolderError(
                f"Cannot listen on {self.path}: {error.strerror}. "
                "Set DRIFTWAVE_RUNTIME_DIR to a writable folder."
            ) from error
        self._open = True

    def close(self) -> None:
        """Remove the socket, then let the next engine in. May be called twice."""
        if not self._open:
            return
        self._open = False
        self.socket.close()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        os.close(self._lock_fd)

    def __enter__(self) -> Rendezvous:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _make_private_folder(folder: Path) -> None:
    """Create `folder` and its missing parents for this user alone, or check what is there."""
    try:
        for missing in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise RuntimeFolderError(
            f"Cannot create the runtime folder {folder}: {error.strerror}. "
            "Set DRIFTWAVE_RUNTIME_DIR to a writable folder."
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise RuntimeFolderError(
            f"The runtime folder {folder} (owner {found.st_uid}, mode "
            f"{stat.S_IMODE(found.st_mode):o}) must be a folder of user {os.geteuid()} that "
            "nobody else can write to. Remove it or set DRIFTWAVE_RUNTIME_DIR."
        )


def _lock(path: Path) -> int:
    """Take the engine's lock; its descriptor is close-on-exec and holds the owner's pid."""
    lock_path = path.with_suffix(".lock")
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        fd = os.open(lock_path, flags, 0o600)
    except OSError as error:
        raise RuntimeFolderError(
            f"Cannot open {lock_path}: {error.strerror}. "
            "Set DRIFTWAVE_RUNTIME_DIR to a writable folder."
        ) from error
    if not _try_lock(fd):
        owner = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(fd)
        raise EngineRunning(
            f"A Driftwave engine (pid {owner}) already listens on {path}. Use that one, stop it "
            "first, or set DRIFTWAVE_RUNTIME_DIR for a second one."
        )
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _try_lock(fd: int) -> bool:
    """Whether the lock is ours now.

    Tries for a moment: a killed engine's plugins see its socket close before the kernel has come
    to its lock, and the one that starts the next engine must not find the dead one in the way.
    """
    give_up = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                return False
            time.sleep(0.005)
        else:
            return True


def _listen(path: Path) -> socket.socket:
    """Bind `path` with mode 0600; nobody can connect before the mode is set."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        listener.bind(os.fspath(path))
        path.chmod(0o600)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
