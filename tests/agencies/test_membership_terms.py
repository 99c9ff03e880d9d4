"""What time does to a membership: reminders once each, the last day, the day after."""

import datetime

import pytest
from django.core import mail
from django.utils import timezone

from agencies.membership_models import Withdrawal
from agencies.membership_terms import keep_term
from agencies.models import Agency, AuditEntry, Membership, MembershipStatus
from agencies.tasks import keep_memberships
from tests.factories import make_incident

DAY = datetime.timedelta(days=1)
LAST_DAY = datetime.date(2027, 6, 30)


@pytest.fixture
def membership(world) -> Membership:
    Membership.objects.filter(agency=world.police).update(
        valid_until=LAST_DAY, contact_email="stelle@polizei.example", notice="drei Monate zum Jahresende"
    )
    return world.police.memberships.get()


def at(time_machine, day: datetime.date, hour: int = 12, minute: int = 0) -> None:
    local = datetime.datetime.combine(day, datetime.time(hour, minute), timezone.get_current_timezone())
    time_machine.move_to(local, tick=False)


def test_reminders_go_out_once_each_to_office_leads_and_administration(world, membership, time_machine, eager_tasks):
    sent = {}
    for left in range(95, -1, -1):
        at(time_machine, LAST_DAY - left * DAY)
        for _ in range(2):
            keep_memberships()
        if mail.outbox:
            sent[left] = mail.outbox.copy()
            mail.outbox.clear()
    assert {left: len(mails) for left, mails in sent.items()} == {90: 1, 30: 1, 7: 1}
    (first,) = sent[90]
    assert first.subject == "Mitgliedschaft von Polizei endet am 30.06.2027"
    assert set(first.recipients()) == {
        "stelle@polizei.example",
        world.owner_lead.email,
        world.admin.email,
        world.second_admin.email,
    }
    assert "in 90 Tagen" in first.body
    assert "drei Monate zum Jahresende" in first.body
    assert not first.to


def test_missed_nights_give_one_reminder_and_a_longer_term_new_ones(world, membership, time_machine):
    today = LAST_DAY - 5 * DAY
    assert keep_term(membership=membership, today=today) == "reminded"
    assert keep_term(membership=membership, today=today) == ""
    assert len(mail.outbox) == 1
    Membership.objects.filter(pk=membership.pk).update(valid_until=LAST_DAY + 365 * DAY, reminded_days=None)
    assert keep_term(membership=world.police.memberships.get(), today=today) == ""


def test_a_mail_that_cannot_be_sent_leaves_the_reminder_due(world, membership, settings):
    settings.EMAIL_BACKEND = "tests.agencies.test_membership_terms.BrokenMail"
    with pytest.raises(OSError, match="kein Postamt"):
        keep_term(membership=membership, today=LAST_DAY - 30 * DAY)
    membership.refresh_from_db()
    assert membership.reminded_days is None


class BrokenMail:
    def __init__(self, **options) -> None:
        pass

    def send_messages(self, messages):
        raise OSError("kein Postamt")


@pytest.mark.parametrize(
    ("day", "hour", "minute", "counts"),
    [
        (LAST_DAY, 0, 1, True),
        (LAST_DAY, 23, 59, True),
        (LAST_DAY + DAY, 0, 0, False),
        (LAST_DAY + DAY, 0, 10, False),
    ],
)
def test_the_last_day_counts_whole_and_the_next_not_at_all(world, membership, time_machine, day, hour, minute, counts):
    """By the local calendar, before any nightly work has run."""
    record = make_incident(world.police, sharing_level="cooperation")
    at(time_machine, day, hour, minute)
    assert Agency.objects.active().filter(pk=world.police.pk).exists() == counts
    assert type(record).objects.visible_to(world.partner).filter(pk=record.pk).exists() == counts


def test_the_night_after_ends_it_with_everything_that_ending_does(world, membership, time_machine, eager_tasks):
    at(time_machine, LAST_DAY, 0, 20)
    keep_memberships()
    membership.refresh_from_db()
    assert membership.status == MembershipStatus.ACTIVE
    at(time_machine, LAST_DAY + 3 * DAY, 0, 20)
    keep_memberships()
    keep_memberships()
    membership.refresh_from_db()
    assert (membership.status, membership.valid_until) == (MembershipStatus.ENDED, LAST_DAY)
    assert membership.withdrawal == Withdrawal.ALL
    assert membership.steps.first().text == "Die vereinbarte Laufzeit ist abgelaufen."
    assert AuditEntry.objects.filter(owner=world.police, facts__step="ended").count() == 1


def test_an_expired_suspension_ends_too_and_a_draft_stays(world, membership):
    Membership.objects.filter(pk=membership.pk).update(status=MembershipStatus.SUSPENDED)
    assert keep_term(membership=world.police.memberships.get(), today=LAST_DAY + DAY) == "ended"
    draft = world.customs.memberships.get()
    Membership.objects.filter(pk=draft.pk).update(status=MembershipStatus.DRAFT, valid_until=LAST_DAY)
    assert keep_term(membership=world.customs.memberships.get(), today=LAST_DAY + DAY) == ""


def test_start_page_tells_leads_and_administration_of_the_end(world, signed_in, time_machine):
    Membership.objects.filter(agency=world.police).update(valid_until=timezone.localdate() + 20 * DAY)
    told = {
        name: "Mitgliedschaft endet" in signed_in(getattr(world, name)).get("/").text
        for name in ("owner_lead", "owner_entry", "owner_release", "partner", "stranger", "admin", "chair")
    }
    assert [name for name, is_told in told.items() if is_told] == ["owner_lead", "admin"]
