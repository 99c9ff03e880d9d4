"""Conferences of the demonstration: one held before the measure that ended a hotspot, one to come."""

from __future__ import annotations

import datetime
import zoneinfo

from django.conf import settings
from django.db import transaction

from agencies.models import Agency, MembershipKind, User
from conferences.models import (
    AgendaItem,
    Body,
    Conference,
    ConferenceStatus,
    Decision,
    Invitation,
    Measure,
    MeasureReport,
    MeasureStatus,
)
from incidents.demo.cast import Cast
from incidents.demo.stories import ENDED_DAYS_AGO, ENDED_DISTRICT
from incidents.models import Area

PLACE = "Rathaus, Theodor-Heuss-Platz, Sitzungssaal"
HELD_BEFORE_MEASURE_DAYS = 9
AGENDA_HELD = (
    "Begrüßung und Beschlusskontrolle",
    "Lage: Einsatz, Kriminalität und Verkehrsunfälle",
    "Fahrraddiebstähle am Haltepunkt Heessen",
    "Beschwerden und Ordnungslage",
    "Verschiedenes",
)
AGENDA_NEXT = (
    "Begrüßung und Stand der Maßnahmen",
    "Integratives Lagebild",
    "Beschwerden am Marktplatz Bockum-Hövel",
    "Verschiedenes",
)


@transaction.atomic
def seed_conferences(*, cast: Cast, until: datetime.date) -> None:
    """Past meeting with decision and finished measure, one open measure, and the invitation to the next meeting."""
    chair = cast.person("vorsitz", "siko")
    started_on = until - datetime.timedelta(days=ENDED_DAYS_AGO)
    held = _meeting(
        Body.STEERING,
        "Lenkungsgruppe der Sicherheitskooperation",
        _workday(started_on - datetime.timedelta(days=HELD_BEFORE_MEASURE_DAYS)),
        ConferenceStatus.HELD,
        AGENDA_HELD,
        chair,
    )
    votes = Agency.objects.filter(
        pk__in=held.agencies.values("pk"), memberships__kind=MembershipKind.VOTING, memberships__status="active"
    ).count()
    _finished_measure(held, cast, chair, votes, started_on)
    _open_measure(held, cast, chair, votes, until)
    _meeting(
        Body.CONFERENCE,
        "Sicherheitskonferenz Hamm",
        _workday(until + datetime.timedelta(days=24)),
        ConferenceStatus.INVITED,
        AGENDA_NEXT,
        chair,
    )


def _meeting(
    body: Body, title: str, day: datetime.date, status: ConferenceStatus, agenda: tuple[str, ...], chair: User
) -> Conference:
    starts_at = _at(day, 10)
    conference = Conference.objects.create(
        body=body,
        title=title,
        starts_at=starts_at,
        place=PLACE,
        status=status,
        created_by=chair,
        created_at=starts_at - datetime.timedelta(days=35),
        is_demonstration=True,
    )
    Invitation.objects.bulk_create(
        Invitation(conference=conference, agency=agency) for agency in Agency.objects.active().order_by("slug")
    )
    AgendaItem.objects.bulk_create(
        AgendaItem(conference=conference, position=position, title=item) for position, item in enumerate(agenda, 1)
    )
    return conference


def _finished_measure(held: Conference, cast: Cast, chair: User, votes: int, started_on: datetime.date) -> None:
    due_on = started_on + datetime.timedelta(days=90)
    decision = _decision(
        held,
        3,
        1,
        votes,
        "Polizei und Bundespolizei kontrollieren den Haltepunkt Heessen drei Monate lang gemeinsam. "
        "Die Stadt stellt eine abschließbare Abstellanlage auf.",
        chair,
    )
    measure = Measure.objects.create(
        decision=decision,
        title="Gesicherte Abstellanlage und gemeinsame Kontrollen am Haltepunkt Heessen",
        description="Abschließbare Stellplätze, bessere Beleuchtung, Kontrollen zu wechselnden Zeiten.",
        agency=cast.agencies["polizei"],
        area=Area.objects.get(slug=ENDED_DISTRICT),
        starts_on=started_on,
        due_on=due_on,
        status=MeasureStatus.DONE,
        result="Anlage und Kontrollen sind abgeschlossen. Seither ist dort keine auffällige Häufung mehr zu erkennen.",
        created_at=held.starts_at,
    )
    lead = cast.person("leitung", "polizei")
    _report(
        measure, started_on, MeasureStatus.RUNNING, "Die Abstellanlage ist aufgestellt, die Kontrollen laufen.", lead
    )
    _report(measure, due_on, MeasureStatus.DONE, "Kontrollen abgeschlossen, Ergebnis eingetragen.", lead)


def _open_measure(held: Conference, cast: Cast, chair: User, votes: int, until: datetime.date) -> None:
    decision = _decision(
        held,
        4,
        2,
        votes,
        "Das Ordnungsamt prüft die Beleuchtung der Wege im Bahnhofsquartier und lässt ausgefallene Leuchten ersetzen.",
        chair,
    )
    measure = Measure.objects.create(
        decision=decision,
        title="Beleuchtung der Wege im Bahnhofsquartier",
        agency=cast.agencies["ordnungsamt"],
        area=Area.objects.get(slug="bahnhofsquartier"),
        starts_on=until - datetime.timedelta(days=100),
        due_on=until + datetime.timedelta(days=40),
        status=MeasureStatus.RUNNING,
        created_at=held.starts_at,
    )
    _report(
        measure,
        until - datetime.timedelta(days=30),
        MeasureStatus.RUNNING,
        "Zwei Drittel der Leuchten sind geprüft, elf wurden ersetzt.",
        cast.person("leitung", "ordnungsamt"),
    )


def _decision(held: Conference, position: int, number: int, votes: int, text: str, chair: User) -> Decision:
    return Decision.objects.create(
        conference=held,
        agenda_item=held.agenda_items.get(position=position),
        number=number,
        text=text,
        votes_for=votes,
        recorded_by=chair,
        recorded_at=held.starts_at + datetime.timedelta(hours=2),
    )


def _report(measure: Measure, day: datetime.date, status: MeasureStatus, text: str, by: User) -> None:
    MeasureReport.objects.create(measure=measure, text=text, status=status, reported_by=by, reported_at=_at(day, 14))


def _at(day: datetime.date, hour: int) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(hour), zoneinfo.ZoneInfo(settings.TIME_ZONE))


def _workday(day: datetime.date) -> datetime.date:
    """The day itself or, at the weekend, the Monday after it."""
    return day + datetime.timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)
