"""The demonstration: both servers, data, worker, beat and web, started in order and ended together."""

import datetime
import io
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import django
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from hamm_security.celery import app
from hamm_security.local.environment import DATABASE, ROOT, Installation
from hamm_security.local.port import HOST, complaint
from hamm_security.local.postgres import Cluster
from hamm_security.local.processes import LocalError, end, spawn, tail

PASSWORD = "Lagebild-Demo-2026"  # noqa: S105 - published with the demonstration data, valid nowhere else
PICTURE_TASK = "lagebild.tasks.rebuild_nightly"
PICTURE_PATIENCE_S = 1_800
# A picture judges the map of one that is at least so many days older, and at most twice as many.
MAP_AGE_DAYS = 28
PROGRAMS = {
    "worker": (
        "celery",
        "-A",
        "hamm_security",
        "worker",
        "--queues=celery,builder",
        "--concurrency=2",
        "--loglevel=INFO",
        "--without-mingle",
    ),
    "beat": ("celery", "-A", "hamm_security", "beat", "--loglevel=INFO"),
    "web": (
        "gunicorn",
        "hamm_security.wsgi",
        "--workers=2",
        "--threads=4",
        "--access-logfile=-",
        "--no-control-socket",
    ),
}
NAMES = {
    "postgres": "Die Datenbank",
    "valkey": "Der Nachrichtendienst",
    "worker": "Der Hintergrunddienst",
    "beat": "Der Zeitgeber",
    "web": "Der Webdienst",
}

Programs = dict[str, subprocess.Popen]


def start(installation: Installation, *, port: int, records: int | None) -> int:
    """Run the demonstration until it is interrupted or one of its programs ends; return the exit code."""
    if problem := complaint(port):
        raise LocalError(problem)
    print("Das Sicherheitsportal wird mit Demonstrationsdaten gestartet.\n", flush=True)
    with ExitStack() as stack:
        stack.enter_context(installation.locked())
        with step("Datenbank und Nachrichtendienst starten"):
            cluster, valkey = stack.enter_context(installation.own_servers())
        os.environ.update(installation.environment(cluster, valkey))
        prepare_data(installation, cluster, records=records)
        programs: Programs = {}
        stack.callback(stop_programs, programs)
        with step("Hintergrunddienste starten"):
            launch(installation, programs, "worker")
            launch(installation, programs, "beat", f"--schedule={installation.folder / 'beat-schedule'}")
        build_pictures(installation, programs)
        with step("Webdienst starten"):
            launch(installation, programs, "web", f"--bind={HOST}:{port}")
            wait_for_web(installation, programs, port)
        print_accounts(port)
        servers = {"postgres": cluster.process, "valkey": valkey.process}
        return watch(installation, servers | programs)


def reset(installation: Installation) -> int:
    if not installation.folder.exists():
        print("Es sind keine Demonstrationsdaten vorhanden.")
        return 0
    with installation.locked():
        installation.remove_sockets()
        shutil.rmtree(installation.folder)
    print("Die Demonstrationsdaten sind gelöscht. „make demo“ legt sie neu an.")
    return 0


@contextmanager
def step(text: str) -> Iterator[None]:
    started = time.monotonic()
    print(f"  {text} …", end=" ", flush=True)
    yield
    print(f"fertig ({time.monotonic() - started:.1f} s)".replace(".", ","), flush=True)


def prepare_data(installation: Installation, cluster: Cluster, *, records: int | None) -> None:
    """Migrate, and fill the database once: a fill that was interrupted starts again from an empty database."""
    filled = installation.folder / "filled"
    if not filled.exists() or not cluster.is_owned_by_the_portal(DATABASE):
        filled.unlink(missing_ok=True)
        cluster.drop_database(DATABASE)
    cluster.create_database(DATABASE)
    django.setup()
    with step("Datenbank einrichten"):
        command("migrate", verbosity=0)
    if filled.exists():
        print("  Die vorhandenen Demonstrationsdaten werden weiter benutzt.", flush=True)
        return
    data = ROOT / "incidents" / "data"
    with step("Katalog und Gebiete laden"):
        command("load_categories", str(data / "categories.json"), stdout=io.StringIO())
        command("load_areas", str(data / "hamm_areas.geojson"), stdout=io.StringIO())
    print("  Demonstrationsdaten anlegen (nur beim ersten Start):", flush=True)
    command("seed_demo", **({} if records is None else {"records": records}))
    connections.close_all()
    filled.touch()


def command(name: str, *arguments: str, **options: int | io.StringIO) -> None:
    try:
        call_command(name, *arguments, **options)
    except CommandError as error:
        raise LocalError(f"Der Schritt „{name}“ ist gescheitert: {error}") from error


def launch(installation: Installation, programs: Programs, name: str, *arguments: str) -> None:
    log = installation.folder / "log" / f"{name}.log"
    command_line = [sys.executable, "-m", *PROGRAMS[name], *arguments]
    programs[name] = spawn(command_line, env=os.environ, log=log, cwd=ROOT)


def stop_programs(programs: Programs) -> None:
    print("\n  Das Portal wird beendet …", end=" ", flush=True)
    for process in reversed(programs.values()):
        end(process, patience_s=20)
    print("fertig.", flush=True)


def check_alive(installation: Installation, programs: Programs) -> None:
    for name, process in programs.items():
        if process.poll() is not None:
            log = installation.folder / "log" / f"{name}.log"
            raise LocalError(
                f"{NAMES[name]} hat sich unerwartet beendet (Code {process.returncode}). "
                f"Die letzten Zeilen aus {log}:\n{tail(log)}"
            )


def wait_for(ready: Callable[[], bool], installation: Installation, programs: Programs, *, patience_s: float) -> None:
    """Poll until `ready()`; show that time passes; fail when a program ends or patience runs out."""
    started = time.monotonic()
    while not ready():
        check_alive(installation, programs)
        waited_s = time.monotonic() - started
        if waited_s > patience_s:
            raise LocalError(
                f"Nach {waited_s:.0f} Sekunden kam keine Antwort. Protokolle: {installation.folder / 'log'}"
            )
        print(".", end="", flush=True)
        time.sleep(0.5 if waited_s < 10 else 2)


def build_pictures(installation: Installation, programs: Programs) -> None:
    """Have the real worker build the picture, exactly as the nightly schedule does.

    Where none is old enough for today's to judge its map, one of four weeks ago comes first.
    """
    earlier = timezone.localdate() - datetime.timedelta(days=MAP_AGE_DAYS)
    span = (earlier - datetime.timedelta(days=MAP_AGE_DAYS), earlier)
    has_earlier = apps.get_model("lagebild", "Picture").objects.using("owner").filter(date__range=span).exists()
    connections.close_all()
    if not has_earlier:
        with step(f"Lagebild vom {earlier:%d.%m.%Y} zum Vergleich berechnen"):
            build_picture(installation, programs, earlier)
    with step("Lagebild durch den Hintergrunddienst berechnen"):
        build_picture(installation, programs, timezone.localdate())


def build_picture(installation: Installation, programs: Programs, date: datetime.date) -> None:
    result = app.send_task(PICTURE_TASK, args=(date.isoformat(),))
    wait_for(result.ready, installation, programs, patience_s=PICTURE_PATIENCE_S)
    if result.failed():
        log = installation.folder / "log" / "worker.log"
        raise LocalError(f"Das Lagebild konnte nicht berechnet werden: {result.result}\n{tail(log)}")


def wait_for_web(installation: Installation, programs: Programs, port: int) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ready() -> bool:
        try:
            return opener.open(f"http://{HOST}:{port}/health/ready", timeout=5).status == 200
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    wait_for(ready, installation, programs, patience_s=90)


def print_accounts(port: int) -> None:
    # The owner's login: the portal's own shows nobody to nobody.
    people = get_user_model().objects.using("owner").order_by("agency__short_name", "email")
    width = max((len(person.email) for person in people), default=0)
    print("\nKonten:")
    for person in people:
        remark = "" if person.is_active else " (gesperrt)"
        print(f"  {person.email:<{width}}  {person.agency or 'ohne Behörde'}{remark}")
    print(f"\nPasswort aller Konten: {PASSWORD}")
    print(f"Adresse:               http://{HOST}:{port}/")
    print("\nBeenden mit Strg+C. Die Daten bleiben bis „make demo-reset“ erhalten.", flush=True)
    connections.close_all()


def watch(installation: Installation, programs: Programs) -> int:
    while True:
        check_alive(installation, programs)
        time.sleep(0.5)
