"""Commands on the shell act as the operator: directory, memberships, catalogue and published pictures, no records."""

from django.core.management.base import BaseCommand

from agencies.wall.context import Office, acting_as


class OperatorCommand(BaseCommand):
    """A command that runs in one transaction in the operator's name."""

    def execute(self, *args, **options):
        with acting_as(Office.OPERATOR):
            return super().execute(*args, **options)
