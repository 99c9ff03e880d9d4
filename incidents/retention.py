"""How long a record is kept: the terms per category, the dates of one record, and which records are due.

Months count from the local day the event ended (began, where no end is known): a fixed day that nobody can put off by
leaving a case open, and never later than the end of the year from which the law's own limits count.
"""

from __future__ import annotations

import calendar
import datetime
import functools
import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db.models import Case, DateField, F, Func, IntegerField, Max, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from agencies.models import Agency
from incidents.models import Category, DeletedReference, Record, RetentionRule, RetentionRun

RETENTION_FILE = Path(__file__).resolve().parent / "data" / "retention.json"


@dataclass(frozen=True)
class TermSet:
    """Defaults and limit for a set of categories, in months."""

    slug: str
    label: str
    when: tuple[tuple[str, object], ...]
    review: int
    delete: int
    longest: int
    basis: str

    def holds_for(self, category: Category) -> bool:
        return all(_traits(category)[name] == value for name, value in self.when)


@dataclass(frozen=True)
class Limits:
    shortest_delete: int
    most_extensions: int
    longest_extension: int
    sets: tuple[TermSet, ...]

    def set_of(self, category: Category) -> TermSet:
        return next(one for one in self.sets if one.holds_for(category))

    @property
    def longest(self) -> int:
        return max(one.longest for one in self.sets)


def _traits(category: Category) -> dict[str, object]:
    is_protected = category.is_sensitive or not category.may_have_cell
    return {"kind": category.kind, "is_grave": category.is_grave, "is_protected": is_protected}


@functools.cache
def limits() -> Limits:
    """What ships with the portal; every agency's data-protection officer checks it before use."""
    data = json.loads(RETENTION_FILE.read_text(encoding="utf-8"))
    sets = tuple(TermSet(**{**one, "when": tuple(sorted(one["when"].items()))}) for one in data["sets"])
    return Limits(data["shortest_delete"], data["most_extensions"], data["longest_extension"], sets)


@dataclass(frozen=True, order=True)
class Term:
    """What holds for a category: months to review and deletion, and the rule that says so."""

    review: int
    delete: int
    rule: str
    longest: int


class Terms:
    """The terms of one agency. Queries once, for its rules."""

    def __init__(self, agency: Agency) -> None:
        rules = list(RetentionRule.objects.filter(agency=agency))
        self._categories = {rule.category_id: rule for rule in rules if rule.category_id}
        self._groups = {rule.group_id: rule for rule in rules if rule.group_id}
        self._general = next((rule for rule in rules if rule.category_id is None and rule.group_id is None), None)

    def of(self, category: Category) -> Term:
        """The narrowest rule of the agency, never beyond the limit of the category's set; else the default."""
        preset = limits().set_of(category)
        rule = self._categories.get(category.pk) or self._groups.get(category.group_id) or self._general
        if rule is None:
            return Term(preset.review, preset.delete, f"Voreinstellung „{preset.label}“", preset.longest)
        delete = min(rule.delete_after_months, preset.longest)
        return Term(min(rule.review_after_months, delete), delete, self._words(rule), preset.longest)

    def _words(self, rule: RetentionRule) -> str:
        if rule.category_id:
            return "eigene Frist der Kategorie"
        return "eigene Frist der Gruppe" if rule.group_id else "eigene Frist für alle Meldungen"

    def by_term(self, kind: str) -> dict[Term, list[Category]]:
        """Every category of the kind, in use or not, under its term."""
        found: dict[Term, list[Category]] = {}
        for category in Category.objects.filter(kind=kind).order_by("pk"):
            found.setdefault(self.of(category), []).append(category)
        return dict(sorted(found.items()))


def add_months(day: datetime.date, months: int) -> datetime.date:
    """The same day `months` later, or the last one of a shorter month; as PostgreSQL adds an interval to a date."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def end_day(record: Record) -> datetime.date:
    return timezone.localdate(record.occurred_to or record.occurred_from)


@dataclass(frozen=True)
class Dates:
    """When a record is to be reviewed and when it goes; a hint for its owner alone."""

    review_on: datetime.date
    delete_on: datetime.date
    latest: datetime.date
    term: Term
    extensions: int

    def is_due(self, today: datetime.date) -> bool:
        return self.review_on <= today


def dates_of(record: Record, term: Term, *, until: datetime.date | None = None, extensions: int = 0) -> Dates:
    """Dates of one record: an extension moves review and deletion to its end where they would be sooner."""
    ended = end_day(record)
    earliest = until or datetime.date.min
    return Dates(
        review_on=max(add_months(ended, term.review), earliest),
        delete_on=max(add_months(ended, term.delete), earliest),
        latest=add_months(ended, term.longest),
        term=term,
        extensions=extensions,
    )


def dates_for_owner(record: Record) -> Dates:
    """Dates of one record with the agency's rules and its extensions. Queries twice."""
    until = [extension.until for extension in record.extensions.all()]
    return dates_of(
        record, Terms(record.agency).of(record.category), until=(until or [None])[-1], extensions=len(until)
    )


class _LocalEnd(Func):
    """Local calendar day of the end of an event; the time zone is a setting checked at start."""

    output_field = DateField()

    def as_sql(self, compiler, connection, **context):
        template = f"(%(expressions)s AT TIME ZONE '{settings.LOCAL_TIME_ZONE}')::date"
        return super().as_sql(compiler, connection, template=template, **context)


class _AddMonths(Func):
    template = "(%(expressions)s)::date"
    arg_joiner = " + interval '1 month' * "
    output_field = DateField()


def _dated(records: QuerySet, months: Iterable[tuple[list[int], int, int]]) -> QuerySet:
    """With `review_on` and `delete_on` for categories of (ids, review, delete)."""
    months = list(months)
    review = Case(*(When(category_id__in=ids, then=Value(r)) for ids, r, _ in months), output_field=IntegerField())
    delete = Case(*(When(category_id__in=ids, then=Value(d)) for ids, _, d in months), output_field=IntegerField())
    ended = _LocalEnd(Coalesce("occurred_to", "occurred_from"))
    extensions = records.model._meta.get_field("extensions").related_model.objects.filter(record=OuterRef("pk"))
    return records.annotate(
        extended_until=Subquery(extensions.order_by("-until").values("until")[:1]),
        review_on=Greatest(_AddMonths(ended, review), F("extended_until")),
        delete_on=Greatest(_AddMonths(ended, delete), F("extended_until")),
    )


def _begun_before(today: datetime.date, months: int) -> datetime.datetime:
    """No record begun after this can be due; an index leads to the others. Days of the month are rounded up."""
    day = add_months(today, -months) + datetime.timedelta(days=4)
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


def due_for_deletion(records: QuerySet, terms: Terms, *, today: datetime.date) -> list[tuple[Term, list, QuerySet]]:
    """(term, its categories, records of one agency whose time has come); `records` are of one kind and agency."""
    found = []
    for term, categories in terms.by_term(records.model._meta.model_name).items():
        ids = [category.pk for category in categories]
        old = records.filter(category_id__in=ids, occurred_from__lt=_begun_before(today, term.delete))
        found.append((term, categories, _dated(old, [(ids, term.review, term.delete)]).filter(delete_on__lte=today)))
    return found


def due_for_review(records: QuerySet, terms: Terms, *, today: datetime.date) -> QuerySet:
    """Records of one agency and kind to be reviewed by now, the first to be deleted first."""
    by_term = terms.by_term(records.model._meta.model_name)
    if not by_term:
        return records.none()
    old = records.filter(occurred_from__lt=_begun_before(today, min(term.review for term in by_term)))
    months = [
        ([category.pk for category in categories], term.review, term.delete) for term, categories in by_term.items()
    ]
    return _dated(old, months).filter(review_on__lte=today).order_by("delete_on", "pk")


_OVERDUE = (
    "Die Löschfrist dieser Meldung ist abgelaufen (Ende des Ereignisses vor mehr als {months} Monaten). "
    "Sie wird nicht mehr aufgenommen."
)
_DELETED = "Diese Meldung wurde hier vor Ablauf der Frist gelöscht. Bitte auch im eigenen System prüfen."


class Delivered(Protocol):
    """What the door asks of a new record."""

    category: Category
    reference: str
    occurred_from: datetime.datetime
    occurred_to: datetime.datetime | None


class Door:
    """Keeps out what has been deleted: counted once already, it would be counted again with every delivery.

    Before its first deletion run an agency may bring in its whole past. Queries up to twice.
    """

    def __init__(self, agency: Agency, kind: str) -> None:
        self.agency, self.kind = agency, kind
        last = RetentionRun.objects.filter(agency=agency).aggregate(last=Max("date"))["last"]
        self.cleared_on = last
        self.terms = Terms(agency) if last else None
        deleted = DeletedReference.objects.filter(agency=agency, kind=kind, until__gt=timezone.localdate())
        self.digests = set(deleted.values_list("digest", flat=True))

    def objection(self, data: Delivered) -> dict[str, str]:
        """{field: message} why a new record is not taken; empty if it is."""
        if self.digests and data.reference and self._digest(data.reference) in self.digests:
            return {"reference": _DELETED}
        if self.terms is None:
            return {}
        months = self.terms.of(data.category).delete
        if add_months(timezone.localdate(data.occurred_to or data.occurred_from), months) > self.cleared_on:
            return {}
        return {"occurred_from": _OVERDUE.format(months=months)}

    def _digest(self, reference: str) -> str:
        return reference_digest(self.agency, self.kind, reference)


def reference_digest(agency: Agency, kind: str, reference: str) -> str:
    """Keyed: whoever reads the table alone cannot try out references."""
    message = f"{agency.pk}:{kind}:{reference}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), b"deleted-reference:" + message, hashlib.sha256).hexdigest()
