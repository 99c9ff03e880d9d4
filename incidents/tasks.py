import logging

from agencies.membership_models import Withdrawal
from agencies.models import Membership
from agencies.wall.context import Office, acting_as
from hamm_security.celery import task
from incidents.withdrawal import withdraw

logger = logging.getLogger(__name__)


@task
def withdraw_pending() -> list[int]:
    """Start one task per membership that has something to be taken back. Reads memberships only."""
    with acting_as(Office.OPERATOR):
        pending = Membership.objects.exclude(withdrawal=Withdrawal.NOTHING).order_by("pk")
        keys = list(pending.values_list("pk", flat=True))
    for pk in keys:
        withdraw_shared.delay(pk)
    return keys


@task(time_limit_s=3600)
def withdraw_shared(membership_id: int) -> int:
    """Take back what one agency had shared beyond its agreement. Each batch acts for the owner of its records."""
    with acting_as(Office.OPERATOR):
        membership = Membership.objects.select_related("agency").filter(pk=membership_id).first()
    if membership is None:
        logger.info("Membership %s is gone; nothing to withdraw.", membership_id)
        return 0
    return withdraw(membership)
