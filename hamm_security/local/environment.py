"""The folder of a local installation, its servers, and the environment its programs run in."""

import fcntl
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hamm_security.local.postgres import Cluster
from hamm_security.local.processes import LocalError, short_folder
from hamm_security.local.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASE = "hamm"


@dataclass(frozen=True)
class Installation:
    """One local data folder with everything that belongs to it; deleting the folder deletes the installation."""

    folder: Path

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "log").mkdir(exist_ok=True)
        (self.folder / "media").mkdir(exist_ok=True)

    def secret_key(self) -> str:
        path = self.folder / "secret_key"
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(64))
        return path.read_text()

    def environment(self, cluster: Cluster, valkey: Valkey) -> dict[str, str]:
        """Return the caller's environment with the portal's settings for this installation laid over it.

        What the caller set deliberately (METRIC_EPSG, LOCAL_TIME_ZONE, PORTAL_NAME …) stays.
        """
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "hamm_security.settings",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "SECRET_KEY": self.secret_key(),
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            **cluster.addresses(DATABASE),
            "BROKER_URL": valkey.broker_url,
            "CACHE_URL": valkey.cache_url,
            "MEDIA_ROOT": str(self.folder / "media"),
            "INSECURE_HTTP": "1",
            "SECOND_FACTOR_OPTIONAL": "1",
        }

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the installation: only one program at a time starts its servers."""
        self.prepare()
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LocalError(
                    f"Diese Installation ({self.folder}) läuft bereits. Bitte zuerst das andere Programm beenden."
                ) from error
            yield

    @contextmanager
    def own_servers(self) -> Iterator[tuple[Cluster, Valkey]]:
        """Yield PostgreSQL and Valkey, started here and ended with this block; hold `locked()` around it."""
        cluster, valkey = Cluster(self.folder), Valkey(self.folder)
        try:
            cluster.start()
            valkey.start()
            yield cluster, valkey
        finally:
            valkey.stop()
            cluster.stop()

    @contextmanager
    def servers(self) -> Iterator[tuple[Cluster, Valkey]]:
        """Yield PostgreSQL and Valkey: those already running here, else own ones."""
        self.prepare()
        cluster, valkey = Cluster(self.folder), Valkey(self.folder)
        if cluster.answers() and valkey.answers():
            yield cluster, valkey
            return
        with self.locked(), self.own_servers() as started:
            started[0].create_database(DATABASE)
            yield started

    def remove_sockets(self) -> None:
        for name in ("pg", "vk"):
            folder = short_folder(self.folder / "run" / name, socket_name=".s.PGSQL.5432.lock")
            for socket in folder.iterdir():
                socket.unlink()
            folder.rmdir()
