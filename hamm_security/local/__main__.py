"""Command line: `python -m hamm_security.local [--data FOLDER] {demo,reset,run}`."""

import argparse
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from hamm_security.local import demo
from hamm_security.local.environment import ROOT, Installation
from hamm_security.local.processes import ENDING_SIGNALS, LocalError, end, start


def leave(number: int, frame: FrameType | None) -> None:
    """End through the usual clean-up; a second signal must not interrupt it."""
    for ignored in ENDING_SIGNALS:
        signal.signal(ignored, signal.SIG_IGN)
    raise SystemExit(0 if number == signal.SIGINT else 128 + number)


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m hamm_security.local", description=__doc__)
    result.add_argument("--data", type=Path, default=ROOT / ".local", help="folder of the installation")
    commands = result.add_subparsers(dest="command", required=True)
    start = commands.add_parser("demo", help="start the whole portal with demonstration data")
    start.add_argument("--port", type=int, default=8000)
    start.add_argument("--records", type=int, help="number of demonstration records")
    commands.add_parser("reset", help="delete the installation")
    run = commands.add_parser("run", help="run a command against the installation's database")
    run.add_argument("--scratch", action="store_true", help="use an empty database that is thrown away afterwards")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    return result


def run_command(installation: Installation, words: list[str]) -> int:
    if words[:1] == ["--"]:
        words = words[1:]
    if not words:
        raise LocalError("Es wurde kein Befehl angegeben. Beispiel: run manage.py migrate")
    if sys.stdin.isatty():
        signal.signal(signal.SIGINT, lambda *_: None)  # the terminal sends Ctrl-C to the command itself
    prefix = [sys.executable] if words[0].endswith(".py") else []
    with installation.servers() as (cluster, valkey):
        environment = installation.environment(cluster, valkey)
        process = start([*prefix, *words], env=environment, end_signal=signal.SIGTERM)
        try:
            return process.wait()
        finally:
            end(process)


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    for number in ENDING_SIGNALS:
        signal.signal(number, leave)
    installation = Installation(options.data.resolve())
    try:
        if options.command == "demo":
            return demo.start(installation, port=options.port, records=options.records)
        if options.command == "reset":
            return demo.reset(installation)
        if options.scratch:
            with tempfile.TemporaryDirectory(prefix="hamm-scratch-") as folder:
                Path(folder).chmod(0o711)
                return run_command(Installation(Path(folder)), options.words)
        return run_command(installation, options.words)
    except LocalError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
