"""The demonstration: both servers, data, worker, beat and web, started in order and ended together."""

import shutil

from hamm_security.local.environment import Installation
from hamm_security.local.port import complaint
from hamm_security.local.processes import LocalError

PASSWORD = "Lagebild-Demo-2026"  # noqa: S105 - published with the demonstration data, valid nowhere else
PICTURE_TASK = "lagebild.tasks.rebuild_nightly"


def start(installation: Installation, *, port: int) -> int:
    if problem := complaint(port):
        raise LocalError(problem)
    return 0


def reset(installation: Installation) -> int:
    if not installation.folder.exists():
        print("Es sind keine Demonstrationsdaten vorhanden.")
        return 0
    with installation.locked():
        installation.remove_sockets()
        shutil.rmtree(installation.folder)
    print("Die Demonstrationsdaten sind gelöscht. „make demo“ legt sie neu an.")
    return 0
