"""Sharing as far as the agreement goes; what is withdrawn when it narrows, ends or runs out."""

from agencies.membership_models import Withdrawal
from agencies.models import Membership
from incidents.withdrawal import withdraw


def withdraw_all_pending() -> int:
    pending = Membership.objects.exclude(withdrawal=Withdrawal.NOTHING).select_related("agency")
    return sum(withdraw(membership) for membership in pending)
