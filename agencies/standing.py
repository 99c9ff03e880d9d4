"""What an agency's standing in the cooperation means for its people, in one plain notice."""

from __future__ import annotations

from django.utils import timezone

from agencies.models import Agency, MembershipKind, MembershipStatus

_OWN_ONLY = "Sie sehen und bearbeiten weiterhin die Meldungen Ihrer Behörde, aber nichts von den Partnern."
_NOTICES = {
    MembershipStatus.DRAFT: f"Die Mitgliedschaft Ihrer Behörde ist noch nicht unterzeichnet. {_OWN_ONLY}",
    MembershipStatus.SIGNED: f"Die Mitgliedschaft Ihrer Behörde ist noch nicht aktiviert. {_OWN_ONLY}",
    MembershipStatus.SUSPENDED: (
        f"Die Mitgliedschaft Ihrer Behörde ist ausgesetzt. {_OWN_ONLY} "
        "Auch die Partner sehen nichts mehr von Ihrer Behörde. Auskunft gibt die Geschäftsstelle."
    ),
}
_GUEST = (
    "Ihre Behörde nimmt als Gast an der Kooperation teil. Sie sehen die Konferenzen, zu denen sie eingeladen ist, "
    "und deren Ausgabe."
)
_NONE = f"Ihre Behörde hat keine laufende Mitgliedschaft in der Kooperation. {_OWN_ONLY}"
_OUT_OF_TERM = f"Die Mitgliedschaft Ihrer Behörde gilt heute nicht. {_OWN_ONLY} Auskunft gibt die Geschäftsstelle."


def standing_notice(agency: Agency) -> str:
    """Why nothing is shared with the agency today; empty for active full members. At most two queries."""
    if agency.is_sharing:
        return ""
    membership = agency.memberships.current().first()
    if membership is None:
        return _NONE
    if membership.status in _NOTICES:
        return _NOTICES[MembershipStatus(membership.status)]
    today = timezone.localdate()
    in_term = membership.valid_from <= today and (membership.valid_until is None or membership.valid_until >= today)
    return _GUEST if membership.kind == MembershipKind.GUEST and in_term else _OUT_OF_TERM
