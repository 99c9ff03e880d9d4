"""The edition a meeting is held on: the latest picture with the measures that every member may know of, in one step."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from agencies.models import Agency
from conferences.actions import attach_edition, require_chair
from conferences.models import Conference, Invitation, Measure
from lagebild.edition_content import EditionOrder
from lagebild.editions import freeze_edition
from lagebild.models import Edition, Picture
from lagebild.printing.content import Measure as PrintedMeasure


@transaction.atomic
def freeze_for(*, conference: Conference, by) -> Edition:
    """Freeze the latest picture for this meeting and put it before it."""
    require_chair(by)
    picture = Picture.objects.published().newest_first().first()
    if picture is None:
        raise ValidationError("Es gibt noch kein Lagebild. Bitte zuerst eines erstellen.")
    order = EditionOrder(
        title=conference.title,
        body=conference.get_body_display(),
        measures=tuple(_printed(measure) for measure in measures_for_all()),
    )
    edition = freeze_edition(picture=picture, order=order, by=by)
    attach_edition(conference=conference, edition=edition, by=by)
    return edition


def measures_for_all() -> QuerySet[Measure]:
    """Open measures of meetings to which every member was invited: an edition goes to all members."""
    invited = Invitation.objects.filter(conference=OuterRef(OuterRef("decision__conference")), agency=OuterRef("pk"))
    left_out = Agency.objects.active().filter(is_coordination=False).exclude(Exists(invited))
    return Measure.objects.open().exclude(Exists(left_out)).select_related("agency").order_by("due_on", "title", "pk")


def _printed(measure: Measure) -> PrintedMeasure:
    return PrintedMeasure(
        title=measure.title,
        agency=measure.agency.short_name,
        due=measure.due_on.isoformat(),
        status_label=measure.get_status_display(),
    )
