"""What every page needs: navigation, who is acting, and how old the picture is."""

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from agencies.inspections import running_inspection
from agencies.models import Agency
from agencies.standing import standing_notice
from agencies.visibility import reads_picture, reads_records
from lagebild.models import Picture

_RECORD_ITEMS = (("Vorfälle", "incidents:list"), ("Beschwerden", "complaints:list"))
_PICTURE_ITEMS = (
    ("Lagebild", "lagebild:picture"),
    ("Erkenntnisse", "lagebild:findings"),
    ("Konferenzen", "conferences:list"),
    ("Maßnahmen", "measures:list"),
)


def portal(request: HttpRequest) -> dict:
    """Context of the frame; at most five queries, for active members four; for the administration one more."""
    user = request.user
    signed_in = user.is_authenticated and user.agency is not None
    picture = Picture.objects.visible_to(user).newest_first().first() if signed_in and reads_picture(user) else None
    inspection = running_inspection(user) if signed_in else None
    shows_records = signed_in and (inspection is not None or reads_records(user))
    return {
        "portal_name": settings.PORTAL_NAME,
        "portal_version": settings.PORTAL_VERSION,
        "searches_records": signed_in and reads_records(user),
        "nav_items": _navigation(request, shows_records=shows_records) if signed_in else [],
        "inspection": inspection,
        "current_agency": user.agency if signed_in else None,
        "standing_notice": standing_notice(user.agency) if signed_in else "",
        "role_labels": [role.label for role in sorted(user.assigned_roles)] if signed_in else [],
        "is_demonstration": Agency.objects.filter(is_demonstration=True).exists(),
        "tile_url": settings.TILE_URL,
        "tile_attribution": settings.TILE_ATTRIBUTION,
        "as_of": picture.date if picture else None,
    }


def _navigation(request: HttpRequest, *, shows_records: bool) -> list[dict]:
    items = [("Start", "start")]
    items += _RECORD_ITEMS if shows_records else ()
    items += _PICTURE_ITEMS if request.user.can("read_picture") else ()
    items += [("Behörden", "agencies:list"), ("Datenschutz", "privacy")]
    return [
        {"label": label, "url": (url := reverse(name)), "is_current": _is_current(request.path, url)}
        for label, name in items
    ]


def _is_current(path: str, url: str) -> bool:
    if url == "/":
        return path == url
    if url == reverse("lagebild:picture"):
        return path.startswith(url) and not path.startswith(reverse("lagebild:findings"))
    return path.startswith(url)
