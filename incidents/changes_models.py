"""What the change feed has told each agency: its own memory, so that a withdrawal speaks of nothing it never saw."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from agencies.visibility import AgencyOwned


class ToldRecord(AgencyOwned):
    """A record the agency was able to see, at its latest place in the agency's feed.

    Holds no content: `version` is a digest of what the face showed. Outlives the record, so that its end can be told.
    """

    kind = models.CharField(max_length=9)
    record_id = models.UUIDField()
    version = models.UUIDField()
    position = models.BigIntegerField()
    is_withdrawn = models.BooleanField(default=False)
    told_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("position",)
        constraints = (models.UniqueConstraint(fields=("agency", "kind", "record_id"), name="told_record_once"),)
        indexes = (models.Index(fields=("agency", "position"), name="told_record_order"),)


class FeedPosition(AgencyOwned):
    """The last place given out in the agency's feed. Whoever holds its row lock is the only one to write the feed."""

    last = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("agency",), name="feed_position_once"),)
