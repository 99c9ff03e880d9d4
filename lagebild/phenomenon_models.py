"""Phenomena (Phänomene): recurring forms across places and agencies, as a night's picture shows them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from incidents.models import Category, CategoryGroup
from lagebild.picture_models import Picture, PictureRow


class Form(models.TextChoices):
    MODUS = "modus", "wachsendes Muster"
    SHIFT = "shift", "Verlagerung"
    NEAR_REPEAT = "near_repeat", "Folgefälle in der Nähe"
    CHAIN = "chain", "Beschwerden als Vorboten"


class Hours(models.TextChoices):
    """Time of day of a modus; the night reaches over midnight."""

    NIGHT = "night", "nachts (22 bis 6 Uhr)"
    MORNING = "morning", "vormittags (6 bis 12 Uhr)"
    AFTERNOON = "afternoon", "nachmittags (12 bis 18 Uhr)"
    EVENING = "evening", "abends (18 bis 22 Uhr)"


class Phenomenon(PictureRow):
    """One form that was found at a look and passed its level. Rests on cooperation faces alone.

    `looked_on` is the last day the look knew, `first_day` and `last_day` the days it speaks of. `group` is the stream,
    of a chain the complaints; `second_group` the incidents that follow them. `category` and `hours` tell the modus.
    `count` and `expected` are recent cases of a modus, cases after at the growing place of a shift, pairs else;
    `evidence` holds the rest in published values, by form (`lagebild.phenomena`).
    """

    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="phenomena")
    finding = models.ForeignKey("lagebild.Finding", on_delete=models.PROTECT, related_name="phenomena")
    form = models.CharField("Form", max_length=11, choices=Form)
    group = models.ForeignKey(CategoryGroup, on_delete=models.PROTECT, related_name="+")
    second_group = models.ForeignKey(CategoryGroup, null=True, on_delete=models.PROTECT, related_name="+")
    category = models.ForeignKey(Category, null=True, on_delete=models.PROTECT, related_name="+")
    hours = models.CharField("Tageszeit", max_length=9, choices=Hours, blank=True, default="")
    looked_on = models.DateField("Blick bis")
    first_day = models.DateField()
    last_day = models.DateField()
    count = models.PositiveIntegerField()
    expected = models.FloatField()
    p_value = models.FloatField()
    cells = ArrayField(models.BigIntegerField(), default=list)
    is_merged_only = models.BooleanField("nur gemeinsam erkennbar", default=False)
    agencies = ArrayField(models.SlugField(), default=list)
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ("picture", "p_value", "form", "pk")
        constraints = (
            models.UniqueConstraint(fields=("picture", "finding"), name="phenomenon_once"),
            models.CheckConstraint(
                condition=Q(form=Form.CHAIN, second_group__isnull=False)
                | (~Q(form=Form.CHAIN) & Q(second_group__isnull=True)),
                name="phenomenon_second_group_of_chains",
            ),
            models.CheckConstraint(
                condition=(Q(form=Form.MODUS, category__isnull=False) & ~Q(hours=""))
                | (~Q(form=Form.MODUS) & Q(category__isnull=True, hours="")),
                name="phenomenon_modus_whole",
            ),
        )
