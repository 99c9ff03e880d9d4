"""Phenomena in German words, the same on page, dossier and paper. Published values only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from lagebild.models import QUIET, Phenomenon
from lagebild.phenomenon_models import Form, Hours
from lagebild.wording import expected_text, factor_text, german_number, percent_text, period_text

# Beyond this a p-value says no more than "practically never".
RAREST = 1_000_000
# Below this the two places of a shift together have more or fewer cases than the rest of the city explains.
TOGETHER_P = 0.05
CITY = "Stadtgebiet"
PLACES_SHOWN = 10
RINGS = ("dieselbe Wabe", "benachbarte Wabe", "zweiter Ring")
LOOK_WORDS = {Form.MODUS: "wöchentlich", Form.SHIFT: "wöchentlich", Form.NEAR_REPEAT: "vierteljährlich"}
LOOK_WORDS[Form.CHAIN] = LOOK_WORDS[Form.NEAR_REPEAT]
LIMITS = {
    Form.MODUS: (
        "Das Muster sagt nicht, dass dieselben Personen handeln, und nicht, warum es mehr wird. Ein neuer Meldeweg, "
        "ein Aufruf in der Zeitung oder die Jahreszeit wirken ebenso."
    ),
    Form.SHIFT: (
        "Niemand ist nachweislich von einem Ort zum anderen gewechselt: Zwei voneinander unabhängige Entwicklungen "
        "nebeneinander sehen ebenso aus."
    ),
    Form.NEAR_REPEAT: (
        "Die Aussage gilt im Mittel aller Fälle, nicht für den einzelnen, und nennt keine Täter. Ereignisse, die an "
        "verschiedenen Tagen doppelt erfasst wurden, sehen ebenso aus."
    ),
    Form.CHAIN: (
        "Vorher heißt nicht deshalb: Beides kann dieselbe Ursache haben. Wird dasselbe Geschehen erst als Beschwerde "
        "und Wochen später als Vorfall erfasst, sieht das ebenso aus."
    ),
}


def subject(row: Phenomenon) -> str:
    """What the finding is about."""
    if row.form == Form.MODUS:
        return f"{row.category.label} {_hours(row).partition(' (')[0]}"
    if row.form == Form.CHAIN:
        return f"Beschwerden „{row.group.label}“ vor Vorfällen „{row.second_group.label}“"
    return f"{row.get_form_display()}: {row.group.label}"


def where(row: Phenomenon) -> str:
    if row.form != Form.SHIFT:
        return CITY
    fading, growing = row.evidence["fading"]["place"], row.evidence["growing"]["place"]
    return f"im {fading}" if fading == growing else f"vom {fading} zum {growing}"


def stored_phenomena(rows: Iterable[Phenomenon], looks: Iterable[Mapping]) -> dict:
    """For the picture's parameters, so that the page asks no further query: what was found, and when was looked."""
    return {
        "looks": {look["form"]: look["looked_on"] for look in looks},
        "found": [
            {
                "finding": str(row.finding_id),
                "form": row.get_form_display(),
                "what": row.finding.subject,
                "where": row.finding.place_label,
                "says": summary(row),
                "period": period_text(row.first_day, row.last_day),
                "is_merged_only": row.is_merged_only,
                "is_new": row.finding.first_seen_on == row.picture.date,
            }
            for row in rows
            if row.finding.status not in QUIET
        ],
    }


def summary(row: Phenomenon) -> str:
    """How strong it is, in one line without a full stop."""
    number, mean = german_number(row.count), expected_text(row.expected)
    if row.form == Form.MODUS:
        return f"{number} statt etwa {mean} Meldungen in vier Wochen, an {row.evidence['places']} Orten der Stadt"
    if row.form == Form.SHIFT:
        fading, growing = row.evidence["fading"], row.evidence["growing"]
        return (
            f"dort von {german_number(fading['before'])} auf {german_number(fading['after'])}, hier von "
            f"{german_number(growing['before'])} auf {german_number(growing['after'])} Meldungen in zwölf Wochen"
        )
    if row.form == Form.NEAR_REPEAT:
        return (
            f"nach einem Fall binnen {row.evidence['days']} Tagen in derselben oder einer benachbarten Wabe das "
            f"{_fold(row)} an weiteren Fällen"
        )
    return f"{_weeks(row.evidence['lag'])} später an denselben Orten {number} statt etwa {mean} Paare"


def sentences(row: Phenomenon) -> list[str]:
    """What was seen, in full sentences."""
    told = {Form.MODUS: _modus, Form.SHIFT: _shift, Form.NEAR_REPEAT: _near, Form.CHAIN: _chain}[Form(row.form)](row)
    return [*told, chance_text(row)]


def _modus(row: Phenomenon) -> list[str]:
    period = period_text(row.first_day, row.last_day)
    return [
        (
            f"Vom {period} wurde „{row.category.label}“ {_hours(row)} {german_number(row.count)}-mal gemeldet. Von den "
            f"{german_number(row.count + row.evidence['before'])} Meldungen dieser Art und Tageszeit in zwölf Monaten "
            f"wären etwa {expected_text(row.expected)} auf diese vier Wochen entfallen, wenn sie sich wie die ganze "
            f"Gruppe „{row.group.label}“ entwickelt hätten ({factor_text(row.count, row.expected)})."
        ),
        (
            f"Die Meldungen verteilen sich auf {row.evidence['places']} Orte der Stadt; auf den stärksten "
            f"({row.evidence['largest_place']}) entfallen {percent_text(100 * row.evidence['largest_share'])}. Auch "
            "ohne ihn bleibt die Zunahme bestehen."
        ),
    ]


def _shift(row: Phenomenon) -> list[str]:
    fading, growing = row.evidence["fading"], row.evidence["growing"]
    turned = dt.date.fromisoformat(row.evidence["turned"])
    together = "etwa so viele Meldungen, wie zu erwarten waren"
    if row.evidence["together_p"] <= TOGETHER_P:
        word = "mehr" if row.evidence["together_ratio"] > 1 else "weniger"
        together = f"{word} Meldungen, als zu erwarten waren"
    return [
        (
            f"Meldungen der Gruppe „{row.group.label}“ gingen im {fading['place']} von "
            f"{german_number(fading['before'])} auf {german_number(fading['after'])} zurück. Rund "
            f"{german_number(round(row.evidence['distance_m'], -2))} Meter entfernt, im {growing['place']}, stiegen "
            f"sie von {german_number(growing['before'])} auf {german_number(growing['after'])}."
        ),
        (
            f"Verglichen werden die zwölf Wochen vom {period_text(turned, row.last_day)} mit den zwölf Wochen davor. "
            "Hätten sich beide Orte wie die übrige Stadt entwickelt, wären von ihren Meldungen beider Zeiträume am "
            f"ersten etwa {expected_text(fading['expected'])} und am zweiten etwa {expected_text(growing['expected'])} "
            f"auf die letzten zwölf Wochen entfallen. Beide zusammen haben {together}."
        ),
    ]


def _near(row: Phenomenon) -> list[str]:
    days, evidence = row.evidence["days"], row.evidence
    sample = ""
    if evidence["sample"] < evidence["cases"]:
        sample = (
            f" Gezählt ist an einer zufälligen Auswahl von {german_number(evidence['sample'])} der "
            f"{german_number(evidence['cases'])} Fälle."
        )
    return [
        (
            f"Nach einem Fall der Gruppe „{row.group.label}“ ist in derselben oder einer benachbarten Wabe (je rund "
            f"0,1 km²) binnen {days} Tagen mit dem {_fold(row)}n an weiteren Fällen zu rechnen: Vom "
            f"{period_text(row.first_day, row.last_day)} lagen {german_number(row.count)} Paare von Fällen so dicht "
            f"beieinander, zu erwarten waren etwa {expected_text(row.expected)}.{sample}"
        ),
        "Fälle desselben Tages sind nicht mitgezählt, weil sie oft ein und dasselbe Ereignis sind.",
    ]


def _chain(row: Phenomenon) -> list[str]:
    later = _weeks(row.evidence["lag"])
    return [
        (
            f"Beschwerden der Gruppe „{row.group.label}“ gehen Vorfällen der Gruppe „{row.second_group.label}“ an "
            f"denselben Orten etwa {later} voraus. Vom {period_text(row.first_day, row.last_day)} gab es "
            f"{german_number(row.count)} Paare mit diesem Abstand, zu erwarten waren etwa "
            f"{expected_text(row.expected)}."
        ),
        (
            "Ein Paar sind eine Beschwerde und ein späterer Vorfall in derselben oder einer benachbarten Wabe. Was "
            "sich aus den Jahreszeiten und daraus ergibt, dass an belebten Orten von allem mehr gemeldet wird, ist "
            "schon abgezogen."
        ),
    ]


def chance_text(row: Phenomenon) -> str:
    """How often chance alone gives as much in one stream, or pair of streams, at one look."""
    looks = 1 / row.p_value if row.p_value > 0 else RAREST
    where_ = "diesem Paar von Gruppen" if row.form == Form.CHAIN else "dieser Gruppe"
    often = f"bei höchstens 1 von {german_number(float(f'{looks:.2g}'))} Durchgängen"
    if looks >= RAREST:
        often = "so gut wie nie"
    return f"Der Zufall allein bringt so viel in {where_} {often} hervor; gesucht wird {LOOK_WORDS[Form(row.form)]}."


def together_text(row: Phenomenon) -> str:
    if row.is_merged_only:
        return (
            "Keine Behörde hätte das aus ihren eigenen Meldungen erkannt; es zeigt sich erst in den zusammengeführten."
        )
    return "Mindestens eine Behörde hätte das auch aus ihren eigenen Meldungen erkannt."


def tables(row: Phenomenon) -> list[dict]:
    """caption, head (first column left, the others figures) and rows of finished words."""
    made = {Form.MODUS: _modus_tables, Form.SHIFT: _shift_tables}
    made |= {Form.NEAR_REPEAT: _near_tables, Form.CHAIN: _chain_tables}
    return [table for table in made[Form(row.form)](row) if table["rows"]]


def _table(caption: str, head: list[str], rows: list[list[str]]) -> dict:
    return {"caption": caption, "head": head, "rows": rows}


def _modus_tables(row: Phenomenon) -> list[dict]:
    rows = [
        [line["district"], german_number(line["recent"]), german_number(line["before"])]
        for line in row.evidence["districts"]
    ]
    caption = f"{row.finding.subject}: Meldungen je Stadtbezirk"
    return [_table(caption, ["Stadtbezirk", "vier Wochen", "elf Monate davor"], rows)]


def _shift_tables(row: Phenomenon) -> list[dict]:
    rows = [
        [
            f"{word}: {side['place']}",
            german_number(side["before"]),
            german_number(side["after"]),
            expected_text(side["expected"]),
        ]
        for word, side in (("nimmt ab", row.evidence["fading"]), ("nimmt zu", row.evidence["growing"]))
    ]
    caption = f"{row.group.label}: Meldungen in je einer Wabe mit ihren Nachbarn"
    return [_table(caption, ["Ort", "zwölf Wochen davor", "letzte zwölf Wochen", "wie übrige Stadt"], rows)]


def _near_tables(row: Phenomenon) -> list[dict]:
    bands: dict[int, list[dict]] = {}
    for band in row.evidence["bands"]:
        bands.setdefault(band["ring"], []).append(band)
    head = ["Abstand", *(f"{band['from_days']} bis {band['to_days']} Tage" for band in bands[0])]
    rows = [
        [
            RINGS[ring],
            *(f"{german_number(band['pairs'])} statt {expected_text(band['expected'])}" for band in line),
        ]
        for ring, line in sorted(bands.items())
    ]
    chains = [
        [
            chain["place"] + (", läuft noch" if chain["is_running"] else ""),
            german_number(chain["cases"]),
            german_number(len(chain["cells"])),
            period_text(*(dt.date.fromisoformat(chain[end]) for end in ("first", "last"))),
        ]
        for chain in row.evidence["chains"]
    ]
    return [
        _table("Paare von Fällen nach Abstand in Raum und Zeit, gezählt statt erwartet", head, rows),
        _table("Längste Ketten dicht aufeinander folgender Fälle", ["Ort", "Fälle", "Waben", "Zeitraum"], chains),
    ]


def _chain_tables(row: Phenomenon) -> list[dict]:
    lags = [
        [_weeks(lag) + (" (am deutlichsten)" if lag == row.evidence["lag"] else ""), _signed(excess)]
        for lag, excess in enumerate(row.evidence["by_lag"], start=1)
    ]
    by_name: dict[str, list[float]] = {}
    for place in row.evidence["places"]:
        total = by_name.setdefault(place["place"], [0, 0.0])
        total[0] += place["pairs"]
        total[1] += place["expected"]
    strongest = sorted(by_name.items(), key=lambda item: (item[1][1] - item[1][0], item[0]))[:PLACES_SHOWN]
    places = [[name, german_number(pairs), expected_text(mean)] for name, (pairs, mean) in strongest]
    return [
        _table("Paare über das Erwartete hinaus, nach Abstand", ["Vorfall später um", "Paare mehr als erwartet"], lags),
        _table("Orte, die am meisten dazu beitragen", ["Ort", "Paare", "zu erwarten"], places),
    ]


def _hours(row: Phenomenon) -> str:
    return str(Hours(row.hours).label)


def _weeks(number: int) -> str:
    return "eine Woche" if number == 1 else f"{number} Wochen"


def _fold(row: Phenomenon) -> str:
    return factor_text(row.count, row.expected).replace("-fach", "-fache")


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'}{german_number(abs(value), 1)}"
