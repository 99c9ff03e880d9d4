"""What happens to meetings: planned, invited, held; agenda, edition and decisions. `by` is None for set-up commands."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from agencies import audit
from agencies.models import Agency, Membership, MembershipKind
from conferences.models import AgendaItem, Body, Conference, ConferenceStatus, Decision, Invitation
from lagebild.models import Edition, Finding

CONFERENCE_STEPS: dict[ConferenceStatus, frozenset[ConferenceStatus]] = {
    ConferenceStatus.PLANNED: frozenset({ConferenceStatus.INVITED}),
    ConferenceStatus.INVITED: frozenset({ConferenceStatus.HELD, ConferenceStatus.CANCELLED}),
    ConferenceStatus.HELD: frozenset(),
    ConferenceStatus.CANCELLED: frozenset(),
}
CHANGEABLE = (ConferenceStatus.PLANNED, ConferenceStatus.INVITED)


@transaction.atomic
def create_conference(
    *, body: Body, title: str, starts_at: datetime.datetime, place: str, agencies: Iterable[Agency] = (), by
) -> Conference:
    """Plan a meeting. Until `invite` only the chair sees it."""
    require_chair(by)
    conference = Conference.objects.create(body=body, title=title, starts_at=starts_at, place=place, created_by=by)
    _write_invitations(conference, agencies)
    _log(conference, by, step="created")
    return conference


@transaction.atomic
def change_conference(
    *,
    conference: Conference,
    body: Body,
    title: str,
    starts_at: datetime.datetime,
    place: str,
    agencies: Iterable[Agency],
    by,
) -> None:
    require_chair(by)
    conference = _changeable(conference)
    conference.body, conference.title, conference.starts_at, conference.place = body, title, starts_at, place
    conference.save(update_fields=("body", "title", "starts_at", "place"))
    _write_invitations(conference, agencies)
    if conference.status == ConferenceStatus.INVITED:
        _require_guests(conference)
    _log(conference, by, step="changed")


@transaction.atomic
def invite(*, conference: Conference, by) -> None:
    """Show the meeting to the invited agencies."""
    require_chair(by)
    conference = _locked(conference)
    _require_guests(conference)
    _step(conference, ConferenceStatus.INVITED)
    _log(conference, by, step="invited", agencies=conference.invitations.count())


@transaction.atomic
def hold(*, conference: Conference, by) -> None:
    require_chair(by)
    conference = _locked(conference)
    if timezone.localdate(conference.starts_at) > timezone.localdate():
        raise ValidationError("Die Konferenz hat noch nicht stattgefunden. Bitte das Datum prüfen oder sie absagen.")
    _step(conference, ConferenceStatus.HELD)
    _log(conference, by, step="held")


@transaction.atomic
def cancel(*, conference: Conference, by) -> None:
    require_chair(by)
    conference = _locked(conference)
    _step(conference, ConferenceStatus.CANCELLED)
    _log(conference, by, step="cancelled")


@transaction.atomic
def discard(*, conference: Conference, by) -> None:
    """Delete a plan that nobody has been invited to."""
    require_chair(by)
    conference = _locked(conference)
    if conference.status != ConferenceStatus.PLANNED:
        raise ValidationError("Zu dieser Konferenz wurde schon eingeladen. Bitte die Konferenz absagen.")
    _log(conference, by, step="discarded")
    conference.delete()


@transaction.atomic
def add_agenda_item(
    *, conference: Conference, title: str, note: str = "", finding: Finding | None = None, by
) -> AgendaItem:
    require_chair(by)
    conference = _changeable(conference)
    last = conference.agenda_items.aggregate(last=Max("position"))["last"] or 0
    item = conference.agenda_items.create(position=last + 1, title=title, note=note, finding=finding)
    _log(conference, by, step="agenda_added")
    return item


@transaction.atomic
def change_agenda_item(*, item: AgendaItem, title: str, note: str, finding: Finding | None, by) -> None:
    require_chair(by)
    conference = _changeable(item.conference)
    item.title, item.note, item.finding = title, note, finding
    item.save(update_fields=("title", "note", "finding"))
    _log(conference, by, step="agenda_changed")


@transaction.atomic
def move_agenda_item(*, item: AgendaItem, up: bool, by) -> None:
    """Swap with the neighbour above or below; at the end of the list nothing happens."""
    require_chair(by)
    conference = _changeable(item.conference)
    item = conference.agenda_items.get(pk=item.pk)
    others = conference.agenda_items.order_by("position")
    if up:
        neighbour = others.filter(position__lt=item.position).last()
    else:
        neighbour = others.filter(position__gt=item.position).first()
    if neighbour is None:
        return
    # Position 0 is never an agenda item's own: it parks one of the two, as positions are unique at every moment.
    for pk, position in ((item.pk, 0), (neighbour.pk, item.position), (item.pk, neighbour.position)):
        conference.agenda_items.filter(pk=pk).update(position=position)
    _log(conference, by, step="agenda_moved")


@transaction.atomic
def remove_agenda_item(*, item: AgendaItem, by) -> None:
    """Delete the item and close the gap, so that the agenda counts 1, 2, 3."""
    require_chair(by)
    conference = _changeable(item.conference)
    if item.decisions.exists():
        raise ValidationError(
            "Zu diesem Punkt gibt es einen Beschluss, er bleibt deshalb stehen. Bitte bei Bedarf den Wortlaut ändern."
        )
    item.delete()
    for position, row in enumerate(conference.agenda_items.order_by("position"), 1):
        if row.position != position:
            conference.agenda_items.filter(pk=row.pk).update(position=position)
    _log(conference, by, step="agenda_removed")


@transaction.atomic
def attach_edition(*, conference: Conference, edition: Edition, by) -> None:
    """Put a frozen edition before the meeting; what lay before a held meeting stays."""
    require_chair(by)
    conference = _locked(conference)
    is_fixed = conference.status == ConferenceStatus.HELD and conference.edition_id is not None
    if is_fixed or conference.status == ConferenceStatus.CANCELLED:
        raise ValidationError(
            "Die Konferenz ist abgeschlossen, ihre Ausgabe bleibt. Bitte die neue einer späteren Konferenz vorlegen."
        )
    if by is not None and not Edition.objects.visible_to(by).filter(pk=edition.pk).exists():
        raise ValidationError({"edition": "Diese Ausgabe gibt es nicht. Bitte eine andere wählen."})
    conference.edition = edition
    conference.save(update_fields=("edition",))
    _log(conference, by, step="edition_attached", edition=str(edition.pk))


@transaction.atomic
def record_decision(
    *,
    conference: Conference,
    text: str,
    votes_for: int = 0,
    votes_against: int = 0,
    votes_abstained: int = 0,
    agenda_item: AgendaItem | None = None,
    by,
) -> Decision:
    """Record a decision under the next number of the meeting. Only invited voting members have a vote."""
    require_chair(by)
    conference = _locked(conference)
    if conference.status not in {ConferenceStatus.INVITED, ConferenceStatus.HELD}:
        raise ValidationError("Beschlüsse gibt es erst, wenn zur Konferenz eingeladen ist. Bitte zuerst einladen.")
    if agenda_item is not None and agenda_item.conference_id != conference.pk:
        raise ValidationError({"agenda_item": "Dieser Punkt gehört zu einer anderen Konferenz. Bitte neu wählen."})
    voters = len(voting_agencies(conference))
    if votes_for + votes_against + votes_abstained > voters:
        raise ValidationError(
            {
                "votes_for": "Es sind mehr Stimmen eingetragen, als es eingeladene stimmberechtigte Mitglieder gibt "
                f"({voters}). Bitte die Stimmen prüfen."
            }
        )
    last = conference.decisions.aggregate(last=Max("number"))["last"] or 0
    decision = conference.decisions.create(
        number=last + 1,
        text=text,
        votes_for=votes_for,
        votes_against=votes_against,
        votes_abstained=votes_abstained,
        agenda_item=agenda_item,
        recorded_by=by,
    )
    _log(conference, by, step="decided", decision=str(decision.pk), number=decision.number)
    return decision


def voting_agencies(conference: Conference) -> list[Agency]:
    """Invited agencies whose voting membership is active today. One query."""
    voting = Membership.objects.active().filter(kind=MembershipKind.VOTING)
    invited = Invitation.objects.filter(conference=conference)
    return list(Agency.objects.filter(pk__in=voting.values("agency_id")).filter(invitations__in=invited))


def invitable_agencies():
    """Agencies with an active membership of any kind; the coordination office is always there and not invited."""
    active = Membership.objects.active().values("agency_id")
    return Agency.objects.filter(pk__in=active, is_coordination=False).order_by("name")


def require_chair(by) -> None:
    if by is not None and not (by.can("run_conferences") and by.agency.is_sharing):
        raise PermissionDenied("Nur Vorsitz und Geschäftsstelle dürfen Konferenzen führen.")


def _write_invitations(conference: Conference, agencies: Iterable[Agency]) -> None:
    """Make the list of invited agencies the given one. Who is invited already stays, even when suspended since."""
    wanted = {agency.pk for agency in agencies}
    invited = set(conference.invitations.values_list("agency_id", flat=True))
    allowed = set(invitable_agencies().values_list("pk", flat=True))
    if wanted - invited - allowed:
        raise ValidationError(
            {"agencies": "Eine der Behörden hat keine aktive Mitgliedschaft. Bitte die Auswahl prüfen."}
        )
    conference.invitations.exclude(agency_id__in=wanted).delete()
    Invitation.objects.bulk_create(Invitation(conference=conference, agency_id=pk) for pk in sorted(wanted - invited))


def _require_guests(conference: Conference) -> None:
    if not conference.invitations.exists():
        raise ValidationError("Es ist noch keine Behörde ausgewählt. Bitte zuerst die einzuladenden Behörden wählen.")


def _locked(conference: Conference) -> Conference:
    return Conference.objects.select_for_update().get(pk=conference.pk)


def _changeable(conference: Conference) -> Conference:
    locked = _locked(conference)
    if locked.status not in CHANGEABLE:
        raise ValidationError(
            "Die Konferenz ist abgeschlossen und bleibt, wie sie ist. Bitte bei Bedarf eine neue Konferenz planen."
        )
    return locked


def _step(conference: Conference, status: ConferenceStatus) -> None:
    if status not in CONFERENCE_STEPS[ConferenceStatus(conference.status)]:
        raise ValidationError(
            f"Von „{conference.get_status_display()}“ führt kein Weg zu „{status.label}“. "
            "Bitte den Stand der Konferenz prüfen."
        )
    conference.status = status
    conference.save(update_fields=("status",))


def _log(conference: Conference, by, **facts) -> None:
    audit.record(audit.Act.CONFERENCE_CHANGED, by=by, obj=conference, **facts)
