"""`migrate` under the owner's login, followed by the second lock."""

from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from agencies.wall.context import OWNER
from agencies.wall.install import install


class Command(migrate.Command):
    def add_arguments(self, parser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=OWNER)

    def handle(self, *args, **options) -> None:
        super().handle(*args, **options)
        if options["plan"] or options["check_unapplied"]:
            return
        executor = MigrationExecutor(connections[OWNER])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stderr.write("Nicht alle Änderungen sind angewandt: Die Zugriffsregeln bleiben, wie sie waren.")
            return
        install()
        if options["verbosity"] > 0:
            self.stdout.write("Die Zugriffsregeln der Datenbank sind eingerichtet.")
