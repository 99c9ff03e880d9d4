"""Numbers of findings: whoever makes one, at night or on entry, takes the next, one at a time."""

from django.db import connection
from django.db.models import Max

from lagebild.models import Finding

_LOCK = 0x46696E64


def lock_findings() -> None:
    """Wait until nobody else makes findings; holds to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def next_finding_number() -> int:
    """The first free number; further ones of the same transaction follow it."""
    lock_findings()
    return (Finding.objects.aggregate(last=Max("number"))["last"] or 0) + 1
