"""Statuses of a record and the steps between them, as data."""

from django.db import models


class Status(models.TextChoices):
    REPORTED = "reported", "Gemeldet"
    IN_PROGRESS = "in_progress", "In Bearbeitung"
    WAITING = "waiting", "Wartet auf Rückmeldung"
    DONE = "done", "Erledigt"
    REJECTED = "rejected", "Kein Handlungsbedarf"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.REPORTED: frozenset({Status.IN_PROGRESS, Status.DONE, Status.REJECTED}),
    Status.IN_PROGRESS: frozenset({Status.WAITING, Status.DONE, Status.REJECTED}),
    Status.WAITING: frozenset({Status.IN_PROGRESS, Status.DONE, Status.REJECTED}),
    Status.DONE: frozenset({Status.IN_PROGRESS}),
    Status.REJECTED: frozenset({Status.IN_PROGRESS}),
}
OPEN_STATUSES = (Status.REPORTED, Status.IN_PROGRESS, Status.WAITING)


def allowed_steps(status: str) -> list[Status]:
    return [step for step in Status if step in TRANSITIONS[Status(status)]]
