from __future__ import annotations

from rest_framework import serializers

from incidents.api.serializers import CellField
from lagebild.api.examples import PHENOMENON, with_example
from lagebild.models import Phenomenon
from lagebild.phenomena.words import LIMITS, sentences
from lagebild.phenomenon_models import Form


@with_example(PHENOMENON)
class PhenomenonSerializer(serializers.ModelSerializer):
    picture = serializers.UUIDField(source="picture_id", read_only=True)
    group = serializers.SlugRelatedField("slug", read_only=True)
    second_group = serializers.SlugRelatedField(
        "slug", read_only=True, allow_null=True, help_text="bei Vorboten die Gruppe der Vorfälle, die folgen"
    )
    category = serializers.SlugRelatedField("slug", read_only=True, allow_null=True, help_text="nur bei Mustern")
    hours = serializers.CharField(read_only=True, help_text="Tageszeit, nur bei Mustern: night, morning, afternoon, …")
    looked_on = serializers.DateField(read_only=True, help_text="letzter Tag, den der Durchgang kennt")
    count = serializers.IntegerField(
        read_only=True, help_text="Meldungen, bei Folgefällen und Vorboten Paare, bei Verlagerungen am wachsenden Ort"
    )
    expected = serializers.FloatField(read_only=True, help_text="wie viele zu erwarten waren")
    p_value = serializers.FloatField(
        read_only=True, help_text="Wahrscheinlichkeit bei einem Durchgang in dieser Gruppe"
    )
    cells = serializers.ListField(child=CellField(), read_only=True)
    is_merged_only = serializers.BooleanField(read_only=True, help_text="keine Behörde hätte es allein erkannt")
    agencies = serializers.ListField(
        child=serializers.SlugField(), read_only=True, help_text="Behörden mit mindestens drei eigenen Meldungen"
    )
    sentences = serializers.SerializerMethodField(help_text="was zu sehen ist, in ganzen Sätzen")
    limits = serializers.SerializerMethodField(help_text="was es nicht sagt")

    class Meta:
        model = Phenomenon
        fields = (
            "picture",
            "form",
            "group",
            "second_group",
            "category",
            "hours",
            "looked_on",
            "first_day",
            "last_day",
            "count",
            "expected",
            "p_value",
            "cells",
            "is_merged_only",
            "agencies",
            "sentences",
            "limits",
        )

    def get_sentences(self, row: Phenomenon) -> list[str]:
        return sentences(row)

    def get_limits(self, row: Phenomenon) -> str:
        return LIMITS[Form(row.form)]
