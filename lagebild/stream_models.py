"""Streams that agencies define beside the catalogue's groups."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from incidents.models import Kind
from lagebild.danger_models import Defined

FEWEST_CATEGORIES = 2


class StreamSet(Defined):
    """Categories of one kind and one counting unit that are watched together. Named by slug."""

    kind = models.CharField("Art", max_length=9, choices=Kind)
    categories = ArrayField(models.SlugField())

    class Meta(Defined.Meta):
        verbose_name = "eigener Strom"
        verbose_name_plural = "eigene Ströme"
        constraints = (
            *Defined.Meta.constraints,
            models.CheckConstraint(
                condition=Q(categories__len__gte=FEWEST_CATEGORIES), name="stream_set_joins_categories"
            ),
        )
