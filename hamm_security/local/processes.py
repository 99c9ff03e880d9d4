"""Child processes that never outlive this one."""

import ctypes
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

PR_SET_PDEATHSIG = 1
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
NOBODY = 65534


class LocalError(Exception):
    """A local server cannot be used; the message says what happened and what to do (German)."""


@contextmanager
def signals_held() -> Iterator[None]:
    """Let the signals that end us wait while a child is being started.

    Python runs callbacks around a fork and swallows what is raised in them: a request to end would be lost there.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def following_parent(end_signal: signal.Signals) -> Callable[[], None]:
    """Return what a child runs before its program: the kernel (Linux) ends it even when we are killed outright."""

    def follow() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(end_signal))

    return follow


def start(
    command: Sequence[str | Path], *, env: Mapping[str, str], end_signal: signal.Signals, **options
) -> subprocess.Popen:
    """Start a child that ends with us; `options` are those of `subprocess.Popen`."""
    with signals_held():
        return subprocess.Popen(
            [str(part) for part in command],
            env=dict(env),
            preexec_fn=following_parent(end_signal),  # noqa: PLW1509 - started from the main thread before any other thread exists
            **options,
        )


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    log: Path,
    cwd: Path | None = None,
    end_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen:
    """Start a child in a session of its own, so that Ctrl-C reaches only us and we end the children in order."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return start(
            command,
            env=env,
            end_signal=end_signal,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def end(process: subprocess.Popen, *, by: signal.Signals = signal.SIGTERM, patience_s: float = 15) -> None:
    """Ask the child to end, wait, and kill what is left of its session."""
    if process.poll() is None:
        process.send_signal(by)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def tail(log: Path, *, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


@cache
def unprivileged_prefix() -> tuple[str, ...]:
    """Return the command prefix under which a server that refuses to run as root starts; empty when not root.

    In a user namespace the server believes to be an ordinary user while files keep their owner. Where
    namespaces are switched off it runs as `nobody`, and its folder has to be given away (`own`).
    """
    if os.geteuid() != 0:
        return ()
    unshare = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    if shutil.which("unshare") and subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode == 0:
        return unshare
    if shutil.which("setpriv"):
        return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--pdeathsig=INT")
    raise LocalError(
        "PostgreSQL startet nicht unter dem Konto root, und weder unshare noch setpriv sind vorhanden. "
        "Bitte als gewöhnlicher Benutzer starten oder das Paket util-linux installieren."
    )


def own(folder: Path) -> None:
    """Give `folder` to the account the server runs under."""
    if unprivileged_prefix()[:1] == ("setpriv",):
        os.chown(folder, NOBODY, NOBODY)


def short_folder(wanted: Path, *, socket_name: str) -> Path:
    """Return a private folder for a socket: `wanted`, or a short one where the kernel's 107 bytes do not suffice."""
    folder = wanted
    if len(os.fsencode(wanted / socket_name)) > 100:
        digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
        folder = Path("/tmp") / f"hamm-{os.geteuid()}-{digest}"  # noqa: S108 - owner and mode are checked below
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = folder.lstat()
    if folder != wanted and (
        folder.is_symlink() or status.st_uid not in {os.geteuid(), NOBODY} or status.st_mode & 0o77
    ):
        raise LocalError(f"Der Ordner {folder} gehört jemand anderem. Bitte den Ordner entfernen und neu starten.")
    own(folder)
    return folder


def wait_until(
    ready: Callable[[], bool], *, process: subprocess.Popen, patience_s: float, step_s: float = 0.05
) -> bool:
    """Return whether `ready()` became true before the process ended or patience ran out."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if ready():
            return True
        if process.poll() is not None:
            return False
        time.sleep(step_s)
    return False
