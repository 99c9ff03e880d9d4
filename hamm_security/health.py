"""What monitoring may ask without a login: nothing here tells how many records any agency holds."""

import time
from datetime import UTC, datetime

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu import Connection
from kombu.exceptions import OperationalError

STARTED_AT = time.time()


@never_cache
@require_safe
@transaction.non_atomic_requests
def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@never_cache
@require_safe
@transaction.non_atomic_requests
def ready(request: HttpRequest) -> JsonResponse:
    database = database_answers()
    broker = broker_answers()
    guarded = database and row_security_holds()
    age_s = picture_age_s() if database else None
    body = {"database": database, "row_security": guarded, "broker": broker, "picture_age_seconds": age_s}
    return JsonResponse(body, status=200 if guarded and broker else 503)


@never_cache
@require_safe
@transaction.non_atomic_requests
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text: is it up, does it reach its servers, how old is the picture."""
    database = database_answers()
    gauges = {
        "portal_database_up": ("1 when the database answers", int(database)),
        "portal_broker_up": ("1 when the message broker answers", int(broker_answers())),
        "portal_process_start_time_seconds": ("Start of this web process, Unix time", round(STARTED_AT, 3)),
        "portal_picture_age_seconds": ("Age of the newest published picture", picture_age_s() if database else None),
    }
    lines = ["# HELP portal_info Version of the portal", "# TYPE portal_info gauge"]
    lines.append(f'portal_info{{version="{settings.PORTAL_VERSION}"}} 1')
    for name, (meaning, value) in gauges.items():
        if value is not None:
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge", f"{name} {value}"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def row_security_holds() -> bool:
    """Return whether the login stands under the policies: no superuser, not exempt, owner of no table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT rolsuper AND NOT rolbypassrls"
            " AND NOT EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid AND relkind = 'r')"
            " FROM pg_roles WHERE rolname = current_user"
        )
        return cursor.fetchone()[0]


def broker_answers() -> bool:
    try:
        with Connection(settings.BROKER_URL, connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except (OperationalError, OSError):
        return False
    return True


def picture_age_s() -> int | None:
    """Return the seconds since the newest picture was published (one indexed query), None when there is none.

    Monitoring acts for nobody; the database tells it this moment and nothing else.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT wall.picture_published_at()")
        published_at = cursor.fetchone()[0]
    return None if published_at is None else int((datetime.now(UTC) - published_at).total_seconds())
