"""The private servers of demonstration and tests: they start, keep data, and never outlive who started them."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from hamm_security.local.port import complaint
from hamm_security.local.postgres import DISPOSABLE, Cluster, major_version
from hamm_security.local.processes import LocalError, short_folder
from hamm_security.local.valkey import Valkey

ROOT = Path(settings.BASE_DIR)
SYSTEM_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="hamm-local-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):  # it may end between the two questions
        return False
    return state != "Z"


def gone_within(seconds: float, *pids: int) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(is_running(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


def check_cluster(folder: Path) -> None:
    first = Cluster(folder, options=dict(DISPOSABLE))
    first.start()
    try:
        assert first.create_database("lage") is True
        assert first.create_database("lage") is False
        with first.connect("lage") as connection:
            connection.execute("CREATE TABLE ort AS SELECT 'Öffentlich' AS name")
    finally:
        first.stop()
    assert not first.answers()
    again = Cluster(folder, options=dict(DISPOSABLE))
    again.start()
    try:
        with again.connect("lage") as connection:
            assert connection.execute("SELECT upper(name) FROM ort").fetchall() == [("ÖFFENTLICH",)]
        again.drop_database("lage")
        with pytest.raises(psycopg.OperationalError, match="lage"):
            again.connect("lage")
    finally:
        again.stop(immediately=True)


def test_cluster_keeps_data_over_a_restart(folder):
    check_cluster(folder)


@pytest.mark.skipif(not SYSTEM_BINARIES, reason="no PostgreSQL server of the system is installed")
def test_cluster_runs_on_the_systems_binaries(folder, monkeypatch):
    monkeypatch.setenv("HAMM_PG_BIN", str(SYSTEM_BINARIES[-1]))
    check_cluster(folder)


def test_data_of_another_version_are_refused_with_advice(folder):
    cluster = Cluster(folder)
    cluster.data.mkdir(parents=True)
    (cluster.data / "PG_VERSION").write_text(f"{major_version(cluster.bin) - 1}\n")
    with pytest.raises(LocalError, match="make demo-reset"):
        cluster.start()


def test_missing_binaries_are_named(folder, monkeypatch):
    monkeypatch.setenv("HAMM_PG_BIN", str(folder))
    with pytest.raises(LocalError, match="HAMM_PG_BIN"):
        Cluster(folder)


def test_valkey_keeps_its_socket_private(folder):
    valkey = Valkey(folder)
    valkey.start()
    try:
        assert valkey.answers()
        assert valkey.socket.stat().st_mode & 0o077 == 0
    finally:
        valkey.stop()
    assert not valkey.answers()


def test_long_path_gets_a_short_private_socket_folder(folder):
    deep = folder / ("x" * 100)
    short = short_folder(deep, socket_name="s.sock")
    try:
        assert len(os.fsencode(short / "s.sock")) < 107
        assert short.stat().st_mode & 0o077 == 0
        assert short_folder(deep, socket_name="s.sock") == short
        short.chmod(0o777)
        with pytest.raises(LocalError, match="gehört jemand anderem"):
            short_folder(deep, socket_name="s.sock")
    finally:
        short.rmdir()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_servers_end_with_the_program_that_started_them(folder, ending):
    program = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "hamm_security.local",
            "--data",
            folder,
            "run",
            "sh",
            "-c",
            "echo $$; exec sleep 60",
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        command = int(program.stdout.readline())
        server = int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        assert is_running(server)
        program.send_signal(ending)
        assert gone_within(15, server, command)
        program.kill()


def test_request_to_end_while_a_child_is_started_is_not_lost():
    code = """if True:
        import os, signal, sys, time
        from hamm_security.local.__main__ import leave
        from hamm_security.local.processes import start
        signal.signal(signal.SIGTERM, leave)
        def interrupted():
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(100): time.sleep(0)
        os.register_at_fork(after_in_parent=interrupted)
        start(["sleep", "60"], env=os.environ, end_signal=signal.SIGTERM)
        sys.exit("went on")
    """
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (128 + signal.SIGTERM, "")


def test_scratch_command_has_a_database_and_returns_its_exit_code():
    code = "import os, psycopg as p; os._exit(p.connect(os.environ['DATABASE_URL']).execute('SELECT 7').fetchone()[0])"
    command = [sys.executable, "-m", "hamm_security.local", "run", "--scratch", "python", "-c", code]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 7


def test_taken_port_is_explained():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Der Port {port} ist bereits belegt." in complaint(port)
    assert complaint(port) is None
    assert "kein gültiger Port" in complaint(70_000)
