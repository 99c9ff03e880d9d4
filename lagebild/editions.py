"""Editions: the frozen content of one picture, its number, its bytes and its hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from agencies import audit
from lagebild.edition_content import EditionOrder, edition_content
from lagebild.models import Edition, Picture, PictureState
from lagebild.printing import content as printed
from lagebild.printing.pdf import render_pdf

_NUMBER_LOCK = 0x41757367


@transaction.atomic
def freeze_edition(*, picture: Picture, order: EditionOrder, by) -> Edition:
    """The numbered edition of this picture and order; the existing one where it has been frozen before.

    `by` is None on the command line.
    """
    if by is not None and not by.can("freeze_editions"):
        raise PermissionDenied("Nur Vorsitz und Geschäftsstelle frieren Ausgaben ein.")
    if picture.state != PictureState.PUBLISHED:
        raise ValidationError("Dieses Lagebild ist nicht veröffentlicht. Bitte ein veröffentlichtes Lagebild wählen.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_NUMBER_LOCK])
    existing = Edition.objects.filter(picture=picture, parameters_sha256=order.fingerprint()).first()
    if existing is not None:
        return existing
    moment = timezone.localtime()
    last = Edition.objects.filter(year=moment.year).aggregate(last=Max("sequence"))["last"] or 0
    edition = Edition(year=moment.year, sequence=last + 1, title=order.title, picture=picture, frozen_by=by)
    frozen = edition_content(picture, order, number=edition.number, created_at=moment)
    edition.parameters = asdict(order)
    edition.parameters_sha256 = order.fingerprint()
    edition.content = json.loads(printed.to_json(frozen))
    edition.pdf = render_pdf(frozen)
    edition.sha256 = hashlib.sha256(edition.pdf).hexdigest()
    edition.frozen_at = moment
    edition.save()
    audit.record(audit.Act.EDITION_FROZEN, by=by, obj=edition, number=edition.number, sha256=edition.sha256)
    return edition


def master_pdf(edition: Edition) -> bytes:
    """The master, drawn anew from the frozen content; equal to the stored bytes as long as the print is unchanged."""
    return render_pdf(printed.from_dict(edition.content))


def personal_copy(edition: Edition, *, by) -> bytes:
    """A copy that names who printed it and when; derived from the frozen content, never stored."""
    now = timezone.localtime()
    label = f"Ausfertigung für {by.agency.short_name}, {by}, {now:%d.%m.%Y, %H:%M} Uhr"
    audit.record(audit.Act.PRINTED, by=by, obj=edition, number=edition.number)
    return render_pdf(printed.from_dict(edition.content), copy_label=label)
