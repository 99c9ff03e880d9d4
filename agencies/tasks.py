"""Background work on the log, on terms of memberships, on sessions, and mail to people.

What a mail to a person says is looked up here, so that the request does the same work for everybody.
"""

from __future__ import annotations

import uuid
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from agencies import audit, audit_chain
from agencies.limits import count
from agencies.lockout import digest_of
from agencies.membership_terms import keep_term, memberships_running_out
from agencies.models import Agency, Invitation, Membership, User
from agencies.people import forget_invitations, invitation_token
from agencies.sessions import SessionStore
from agencies.wall.context import Office, acting_as
from hamm_security.celery import task


@task(time_limit_s=600)
def seal_audit() -> int:
    """Seal every entry of the log that waits, and return how many. Works on the log of all agencies; reads no row."""
    total = 0
    while sealed := audit_chain.seal(most=audit_chain.BATCH):
        total += sealed
    return total


@task
def keep_memberships() -> list[int]:
    """Start one task per membership whose term ends soon or has ended. Reads memberships only."""
    with acting_as(Office.OPERATOR):
        keys = [membership.pk for membership in memberships_running_out(timezone.localdate())]
    for pk in keys:
        keep_membership.delay(pk)
    return keys


@task(retry_on=(OSError, SMTPException))
def keep_membership(pk: int) -> str:
    """Remind of the end of one membership's term, or end it; works on that membership alone."""
    with acting_as(Office.OPERATOR):
        membership = Membership.objects.select_related("agency").filter(pk=pk).first()
    if membership is None:
        return ""
    with acting_as(membership.agency):
        return keep_term(membership=membership, today=timezone.localdate())


@task
def tidy_sign_on() -> int:
    """Remove sessions past their end, and each agency's invitations that nobody has taken."""
    SessionStore.clear_expired()
    with acting_as(Office.OPERATOR):
        agencies = list(Agency.objects.all())
    gone = 0
    for agency in agencies:
        with acting_as(agency):
            gone += forget_invitations(agency)
    return gone


@task(retry_on=(OSError, SMTPException))
def send_invitation(pk: str, origin: str) -> None:
    """Mail the invitation to whom it is for; works as a visitor, for no agency. An answered one needs no mail."""
    with acting_as(Office.VISITOR):
        invitation = Invitation.objects.select_related("agency").filter(pk=uuid.UUID(pk)).first()
        if invitation is None or not invitation.is_open(timezone.now()):
            return
        address = origin + reverse("invitation", args=[invitation_token(invitation)])
        context = {"invitation": invitation, "address": address, "portal_name": settings.PORTAL_NAME}
        text = render_to_string("agencies/mails/invitation.txt", context)
        send_mail(f"Einladung: {settings.PORTAL_NAME}", text, None, [invitation.email])


@task(retry_on=(OSError, SMTPException))
def send_password_link(email: str, origin: str) -> None:
    """Mail the address for a new password, if the account is there and open; works as a visitor, for no agency.

    At most three an hour go to one address, whoever asks for them.
    """
    with acting_as(Office.VISITOR):
        user = User.objects.with_address(email).filter(is_active=True).first()
        if user is None or count("password_mail", digest_of(email)):
            return
        arguments = [urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)]
        address = origin + reverse("password_set", args=arguments)
        audit.record(audit.Act.PASSWORD_RESET_ASKED, by=None, obj=user, owner=user.agency)
        context = {"user": user, "address": address, "portal_name": settings.PORTAL_NAME}
        text = render_to_string("agencies/mails/password_link.txt", context)
        send_mail(f"Neues Passwort: {settings.PORTAL_NAME}", text, None, [user.email])
