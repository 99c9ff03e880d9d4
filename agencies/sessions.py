"""Sessions: stored under a digest of their key, limited in idle and in total time, listed and ended by people."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from agencies import audit
from agencies.models import Agency, Session, User

GetResponse = Callable[[HttpRequest], HttpResponse]

STARTED, SEEN, CONFIRMED, FACTOR = "started_at", "seen_at", "confirmed_at", "factor"
SEEN_EVERY_S = 60
# Routes an open page asks by itself: no sign that somebody is there, so they prolong nothing.
ASKED_BY_PAGES = frozenset({"lagebild:retrospect_progress"})
# Families by what only their agent string holds, the impersonated ones last.
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))


def digest_of_key(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()


class SessionStore(db.SessionStore):
    """Django's sessions in the database, found by digest: the key itself is in the cookie and nowhere else."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    @property
    def key_salt(self) -> str:
        """Signed for this session alone: who can write into the table cannot put another's content under an own key."""
        return f"agencies.sessions.{digest_of_key(self.session_key or '')}"

    def _get_session_from_db(self) -> Session | None:
        row = self.model.objects.filter(
            session_key=digest_of_key(self.session_key), expire_date__gt=timezone.now()
        ).first()
        if row is None:
            self._session_key = None
        return row

    def exists(self, session_key: str) -> bool:
        return self.model.objects.filter(session_key=digest_of_key(session_key)).exists()

    def create_model_instance(self, data: dict) -> Session:
        return self.model(
            session_key=digest_of_key(self._get_or_create_session_key()),
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            user_id=data.get(SESSION_KEY),
            started_at=_moment(data.get(STARTED)),
            seen_at=_moment(data.get(SEEN)),
            browser=data.get("browser", ""),
            address=data.get("address", ""),
        )

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            self.model.objects.filter(session_key=digest_of_key(key)).delete()


def _moment(seconds: int | None) -> datetime.datetime:
    return timezone.now() if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def note_sign_on(sender, request: HttpRequest, user: User, **kwargs) -> None:
    """Receiver of Django's `user_logged_in`: what the session knows of its beginning. Signing on confirms it, too."""
    now = int(time.time())
    request.session.update(
        {
            STARTED: now,
            SEEN: now,
            CONFIRMED: now,
            "browser": browser_family(request.META.get("HTTP_USER_AGENT", "")),
            "address": coarse_address(request.META.get("REMOTE_ADDR", "")),
        }
    )


def browser_family(agent: str) -> str:
    return next((name for part, name in _BROWSERS if part in agent), "unbekannt")


def coarse_address(address: str) -> str:
    """The network a caller comes from: enough to recognise one's own office, too little to find a desk."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    prefix = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network(f"{parsed}/{prefix}", strict=False))


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the person has shown a password or a factor within the last CONFIRM_MINUTES."""
    return time.time() - request.session.get(CONFIRMED, 0) < 60 * settings.CONFIRM_MINUTES


def confirm(request: HttpRequest) -> None:
    request.session[CONFIRMED] = int(time.time())


def has_outlived(session) -> bool:
    return time.time() - session.get(STARTED, 0) > 3600 * settings.SESSION_MAX_HOURS


def session_limits(get_response: GetResponse) -> GetResponse:
    """Middleware: end what has lasted too long, prolong what is in use, and tell at the sign-on why it is asked for."""

    def middleware(request: HttpRequest) -> HttpResponse:
        reason = _reason_of_end(request) if settings.SESSION_COOKIE_NAME in request.COOKIES else ""
        response = get_response(request)
        is_by_itself = request.resolver_match is not None and request.resolver_match.view_name in ASKED_BY_PAGES
        if response.status_code == 302 and response["Location"].startswith(f"{reverse('login')}?next="):
            if is_by_itself and "HX-Request" in request.headers:
                # The sign-on belongs into the window and not into a part of the page.
                return HttpResponse(headers={"HX-Refresh": "true"})
            if reason:
                response["Location"] = _login_address(request, response["Location"], reason)
        session = request.session
        if is_by_itself:
            return response
        if session.accessed and SESSION_KEY in session and time.time() - session.get(SEEN, 0) > SEEN_EVERY_S:
            session[SEEN] = int(time.time())
        return response

    return middleware


def _login_address(request: HttpRequest, address: str, reason: str) -> str:
    """The sign-on with the reason. After a form was sent it leads back to the page the form stood on."""
    page = urlsplit(request.headers.get("Referer", ""))
    if request.method == "POST" and page.netloc == request.get_host():
        address = f"{reverse('login')}?{urlencode({'next': page.path + (f'?{page.query}' if page.query else '')})}"
    return f"{address}&{urlencode({'grund': reason})}"


def _reason_of_end(request: HttpRequest) -> str:
    """Why the browser's session is over: it has lasted too long, or it is no longer there. Empty while it goes on."""
    session = request.session
    if SESSION_KEY not in session:
        return "ende" if session.session_key is None else ""
    if not has_outlived(session):
        return ""
    session.flush()
    return "dauer"


def own_sessions(user: User) -> list[Session]:
    """Where the person is signed on, the latest first."""
    return list(user.sessions.filter(expire_date__gt=timezone.now()).order_by("-seen_at"))


@transaction.atomic
def end_sessions(user: User, *, by=None, but: str | None = None) -> int:
    """End the person's sessions at once, all but the one with the key `but`; how many there were."""
    rows = user.sessions.all()
    if but is not None:
        rows = rows.exclude(session_key=digest_of_key(but))
    return _end(rows, by=by, obj=user, owner=user.agency)


@transaction.atomic
def end_sessions_of(agency: Agency, *, by=None) -> int:
    """End the sessions of everybody in the agency at once; how many there were."""
    return _end(Session.objects.filter(user__agency=agency), by=by, obj=agency, owner=agency)


@transaction.atomic
def end_session(session: Session, *, by: User) -> None:
    _end(Session.objects.filter(pk=session.pk), by=by, obj=by, owner=by.agency)


def _end(rows, *, by, obj, owner: Agency | None) -> int:
    count, _ = rows.delete()
    if count:
        audit.record(audit.Act.SESSION_ENDED, by=by, obj=obj, owner=owner, sessions=count)
    return count
