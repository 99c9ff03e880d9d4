import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from lagebild.simulation.honesty import honesty_table, tail_sentence
from lagebild.simulation.results import read, table
from lagebild.simulation.running import SEED, absent, judge_p_values, simulate
from lagebild.simulation.settings import SETTINGS, chosen
from lagebild.stats.alarms import NIGHTS_A_YEAR

NAMES = tuple(dict.fromkeys(setting.group for setting in SETTINGS))


class Command(BaseCommand):
    help = "Misst an erfundenen Städten, wie früh die Verfahren der Früherkennung anschlagen und wie oft zu Unrecht."
    requires_system_checks = []

    def add_arguments(self, parser) -> None:
        # `--settings` is taken: every command of Django has it.
        parser.add_argument(
            "--rows",
            nargs="*",
            default=[],
            metavar="NAME",
            help=f"Zeilen der Tabelle oder {', '.join(NAMES)}; sonst alle",
        )
        parser.add_argument("--outbreaks", type=int, default=200, help="Ausbrüche je Zeile, auf volle 10 aufgerundet")
        parser.add_argument("--nulls", type=int, default=5_000, help="Nächte ohne Ausbruch, auf volle 100 aufgerundet")
        parser.add_argument("--workers", type=int, default=1, help="Prozesse")
        parser.add_argument("--seed", type=int, default=SEED, help="Startwert des Zufalls")
        parser.add_argument("--output", type=Path, required=True, help="Ordner der Ergebnisse; was dort liegt, gilt")
        parser.add_argument(
            "--data",
            type=Path,
            default=settings.BASE_DIR.parent / "shared" / "data",
            help="Ordner mit echten Meldungen als Hintergrund",
        )
        parser.add_argument(
            "--p-values",
            action="store_true",
            help="stattdessen p-Werte gegen gespeicherte Vergleichswerte prüfen, in --nulls Nächten je Strom",
        )
        parser.add_argument("--table", action="store_true", help="nichts rechnen, nur die Tabelle ausgeben (Markdown)")

    def handle(self, *args, **options) -> None:
        try:
            rows = chosen(options["rows"])
        except ValueError as error:
            raise CommandError(
                f"Die Zeile „{error}“ gibt es nicht. Bekannt sind: {', '.join(setting.name for setting in SETTINGS)}."
            ) from error
        if options["table"] and options["p_values"]:
            lines = read(options["output"]).values()
            self.stdout.write(honesty_table(lines))
            self.stdout.write(tail_sentence(lines))
            return
        if options["table"]:
            self.stdout.write(table(read(options["output"]).values(), rows))
            return
        if min(options["outbreaks"], options["workers"]) < 1 or options["seed"] < 0:
            raise CommandError("Ausbrüche und Prozesse müssen mindestens 1 sein, der Startwert mindestens 0.")
        if options["nulls"] < NIGHTS_A_YEAR:
            raise CommandError(f"Für einen Fehlalarm im Jahr braucht es mindestens {NIGHTS_A_YEAR} Nächte.")
        started = time.monotonic()
        lines = self._p_values(options) if options["p_values"] else self._rows(rows, options)
        count = 0
        for line in lines:
            count += 1
            if options["verbosity"] > 1:
                self.stdout.write(f"{line['setting']} {line['method']} {line['part']} {line['chunk']}")
        self.stdout.write(f"{count} Teile gerechnet in {time.monotonic() - started:.0f} Sekunden.")

    def _p_values(self, options) -> Iterator[dict]:
        return judge_p_values(
            options["output"], nights=options["nulls"], workers=options["workers"], seed=options["seed"]
        )

    def _rows(self, rows, options) -> Iterator[dict]:
        missing = absent(rows, options["data"])
        for setting in missing:
            self.stdout.write(f"{setting.name} wird ausgelassen: In {options['data']} liegen die Meldungen nicht.")
        return simulate(
            [setting for setting in rows if setting not in missing],
            options["output"],
            outbreaks=options["outbreaks"],
            nulls=options["nulls"],
            workers=options["workers"],
            folder=options["data"],
            seed=options["seed"],
        )
