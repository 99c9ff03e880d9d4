from __future__ import annotations

import datetime as dt

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from incidents.api.serializers import CellField
from incidents.models import Kind
from lagebild.api.examples import SIGNAL, with_example
from lagebild.api.phenomena import PhenomenonSerializer
from lagebild.models import (
    Cell,
    Coverage,
    Danger,
    Edition,
    Finding,
    FindingKind,
    Picture,
    Sighting,
    Signal,
    Trend,
    WeekState,
)
from lagebild.signal_words import recurrence_nights

_WEEKS = serializers.ListField(child=serializers.IntegerField(allow_null=True))


class SignalLineSerializer(serializers.Serializer):
    """A signal in words, as the page of the picture prints it."""

    stream = serializers.CharField(help_text="Strom in Worten")
    kind = serializers.ChoiceField(choices=Kind.choices)
    since = serializers.CharField(help_text="erster Tag, TT.MM.JJJJ")
    days = serializers.IntegerField(help_text="Tage bis zum Stand des Lagebilds")
    count = serializers.CharField(help_text="Meldungen; leer bei mehreren Gruppen zugleich")
    expected = serializers.CharField(help_text="zu erwarten; leer bei mehreren Gruppen zugleich")
    parts = serializers.ListField(child=serializers.CharField(), help_text="bei mehreren Gruppen zugleich jede Gruppe")
    chance = serializers.CharField(help_text="wie oft der Zufall so viel hervorbringt")
    is_merged_only = serializers.BooleanField(help_text="keine Behörde hätte es allein erkannt")


class AlarmLineSerializer(SignalLineSerializer):
    finding = serializers.UUIDField(help_text="Erkenntnis; dort steht das Signal in Zahlen")
    place = serializers.CharField()


class PictureSignalsSerializer(serializers.Serializer):
    streams = serializers.IntegerField(help_text="Zahl der Prüfungen dieser Nacht")
    threshold_p = serializers.FloatField(help_text="größte Irrtumswahrscheinlichkeit, bei der gemeldet wird")
    alarms = AlarmLineSerializer(many=True)
    nearest = SignalLineSerializer(many=True, help_text="was der Schwelle am nächsten kam, ohne Alarm")


class PictureSerializer(serializers.ModelSerializer):
    statements = serializers.ListField(child=serializers.CharField(), read_only=True, help_text="Kernaussagen")
    signals = serializers.SerializerMethodField(
        help_text="Signale der Nacht in Worten; null bei Lagebildern, die noch ohne diese Suche entstanden sind"
    )

    class Meta:
        model = Picture
        fields = (
            "id",
            "date",
            "revision",
            "published_at",
            "code_version",
            "sha256",
            "is_demonstration",
            "statements",
            "signals",
        )

    @extend_schema_field(PictureSignalsSerializer(allow_null=True))
    def get_signals(self, picture: Picture) -> dict | None:
        stored = picture.parameters.get("signals", {})
        return PictureSignalsSerializer(stored).data if "alarms" in stored else None


class CoverageSerializer(serializers.ModelSerializer):
    agency = serializers.SlugRelatedField("slug", read_only=True)

    class Meta:
        model = Coverage
        fields = ("agency", "week", "state")


class PictureWithCoverageSerializer(PictureSerializer):
    parameters = serializers.DictField(help_text="Verfahren, Zeitraum und Selbstprüfung der Karte")
    coverage = CoverageSerializer(many=True, source="coverages", help_text="Lieferungen je Behörde und Woche")

    class Meta(PictureSerializer.Meta):
        fields = (*PictureSerializer.Meta.fields, "parameters", "coverage")


class CellSerializer(serializers.ModelSerializer):
    cell = CellField(read_only=True, help_text="H3-Zelle der Auflösung 9")
    group = serializers.SlugRelatedField("slug", read_only=True)
    district = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)

    class Meta:
        model = Cell
        fields = (
            "cell",
            "group",
            "district",
            "count",
            "disk_count",
            "expected",
            "p_value",
            "is_significant",
            "ramp",
        )


class TrendSerializer(serializers.ModelSerializer):
    area = serializers.SlugRelatedField("slug", read_only=True)
    group = serializers.SlugRelatedField("slug", read_only=True)
    weeks = extend_schema_field(_WEEKS)(serializers.JSONField)(
        read_only=True, help_text="Wochenwerte; null: keine Lieferung"
    )
    weeks_before = extend_schema_field(_WEEKS)(serializers.JSONField)(
        read_only=True, help_text="Wochenwerte des Vorjahres"
    )
    week_state = serializers.SerializerMethodField(
        help_text="Urteil über die letzte volle Woche; null: nicht beurteilt"
    )
    week_method = serializers.CharField(
        read_only=True, help_text="farrington-JAHRE: frühere Jahre; ears-…: die Wochen davor; leer: kein Vergleich"
    )
    week_count = serializers.IntegerField(read_only=True, allow_null=True, help_text="Fälle der letzten vollen Woche")
    week_expected = serializers.FloatField(read_only=True, allow_null=True)
    week_low = serializers.IntegerField(read_only=True, allow_null=True, help_text="kleinste Zahl, die üblich ist")
    week_high = serializers.IntegerField(read_only=True, allow_null=True, help_text="größte Zahl, die üblich ist")

    class Meta:
        model = Trend
        fields = (
            "area",
            "group",
            "unit_label",
            "period_start",
            "period_end",
            "current",
            "previous",
            "change_percent",
            "ratio",
            "ratio_low",
            "ratio_high",
            "verdict",
            "weeks_compared",
            "missing_agencies",
            "first_week",
            "weeks",
            "weeks_before",
            "protected_current",
            "protected_previous",
            "week_state",
            "week_method",
            "week_count",
            "week_expected",
            "week_low",
            "week_high",
        )

    @extend_schema_field(serializers.ChoiceField(choices=WeekState.choices, allow_null=True))
    def get_week_state(self, trend: Trend) -> str | None:
        return trend.week_state or None


class SightingSerializer(serializers.ModelSerializer):
    picture = serializers.UUIDField(source="picture_id", read_only=True)
    cells = serializers.ListField(child=CellField(), read_only=True)
    center_cell = CellField(read_only=True)

    class Meta:
        model = Sighting
        fields = (
            "picture",
            "rank",
            "cells",
            "center_cell",
            "period_start",
            "period_end",
            "count",
            "expected",
            "p_value",
            "status_word",
            "active_since",
            "recent_count",
            "recent_before",
            "is_merged_only",
            "agencies",
        )


class SignalPartSerializer(serializers.Serializer):
    stream = serializers.CharField()
    label = serializers.CharField()
    count = serializers.IntegerField()
    expected = serializers.FloatField()
    llr = serializers.FloatField()


@with_example(SIGNAL)
class SignalSerializer(serializers.ModelSerializer):
    picture = serializers.UUIDField(source="picture_id", read_only=True)
    stream = serializers.CharField(
        read_only=True, help_text="group:KÜRZEL, set:UUID eines eigenen Stroms, joint:incident oder joint:complaint"
    )
    label = serializers.CharField(source="stream_label", read_only=True, help_text="Strom in Worten")
    last_day = serializers.SerializerMethodField(help_text="Stand des Lagebilds")
    center_cell = CellField(read_only=True)
    cells = serializers.ListField(child=CellField(), read_only=True)
    count = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="null bei mehreren Gruppen zugleich: sie werden nie addiert"
    )
    expected = serializers.FloatField(read_only=True, allow_null=True, help_text="zu erwarten nach dem eigenen Jahr")
    llr = serializers.FloatField(read_only=True, help_text="Logarithmus des Likelihood-Verhältnisses")
    p_value = serializers.FloatField(read_only=True, help_text="Wahrscheinlichkeit in einer Nacht und diesem Strom")
    recurrence_nights = serializers.SerializerMethodField(
        help_text="in so vielen Nächten bringt der Zufall so viel einmal hervor; höchstens 1.000.000"
    )
    is_fitted = serializers.BooleanField(read_only=True, help_text="p ist geschätzt, nicht ausgezählt")
    is_merged_only = serializers.BooleanField(read_only=True, help_text="keine Behörde hätte es allein erkannt")
    agencies = serializers.ListField(
        child=serializers.SlugField(), read_only=True, help_text="Behörden mit mindestens drei eigenen Meldungen"
    )
    parts = SignalPartSerializer(many=True, read_only=True, help_text="bei mehreren Gruppen zugleich jede Gruppe")

    class Meta:
        model = Signal
        fields = (
            "picture",
            "stream",
            "label",
            "kind",
            "first_day",
            "last_day",
            "days",
            "center_cell",
            "cells",
            "count",
            "expected",
            "llr",
            "p_value",
            "recurrence_nights",
            "is_fitted",
            "is_merged_only",
            "agencies",
            "parts",
        )

    @extend_schema_field(serializers.DateField())
    def get_last_day(self, signal: Signal) -> dt.date:
        return signal.first_day + dt.timedelta(days=signal.days - 1)

    def get_recurrence_nights(self, signal: Signal) -> int:
        return round(recurrence_nights(signal))


class DangerSerializer(serializers.ModelSerializer):
    rule = serializers.CharField(source="rule_words", read_only=True, help_text="Regel in Worten, wie sie geprüft ist")
    cells = serializers.ListField(child=CellField(), read_only=True)
    center_cell = CellField(read_only=True, allow_null=True)
    records = serializers.ListField(
        source="parts", child=serializers.CharField(), read_only=True, help_text="Zahl der Meldungen je Kategorie"
    )
    holds = serializers.BooleanField(
        read_only=True, help_text="false: nach den heute freigegebenen Meldungen nicht mehr erfüllt"
    )

    class Meta:
        model = Danger
        fields = (
            "good",
            "rule",
            "center_cell",
            "cells",
            "first_at",
            "last_at",
            "records",
            "agencies",
            "holds",
            "ended_on",
            "raised_at",
            "grown_at",
            "checked_at",
        )


class FindingSerializer(serializers.ModelSerializer):
    group = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    subject = serializers.CharField(read_only=True, help_text="Gegenstand, wo ihn die Gruppe allein nicht sagt")
    district = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    responsible_agency = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    sighting = serializers.SerializerMethodField(help_text="Belege aus dem jüngsten Lagebild, das sie zeigt")
    danger = serializers.SerializerMethodField(help_text="Belege einer Gefahr; null bei anderen Arten")
    phenomenon = serializers.SerializerMethodField(
        help_text="Belege eines Phänomens aus dem jüngsten Lagebild, das es zeigt; null bei anderen Arten"
    )
    signals = SignalSerializer(
        source="latest_signals",
        many=True,
        read_only=True,
        help_text="Signale aus dem jüngsten Lagebild, in dem die Erkenntnis eines hat; leer, wo nie eines stand",
    )

    class Meta:
        model = Finding
        fields = (
            "id",
            "number",
            "kind",
            "group",
            "subject",
            "district",
            "place_label",
            "status",
            "first_seen_on",
            "last_seen_on",
            "assessment",
            "assessed_at",
            "responsible_agency",
            "no_measure_reason",
            "review_on",
            "sighting",
            "danger",
            "phenomenon",
            "signals",
        )

    @extend_schema_field(SightingSerializer(allow_null=True))
    def get_sighting(self, finding: Finding) -> dict | None:
        return SightingSerializer(finding.latest_sightings[0]).data if finding.latest_sightings else None

    @extend_schema_field(DangerSerializer(allow_null=True))
    def get_danger(self, finding: Finding) -> dict | None:
        return DangerSerializer(finding.danger).data if finding.kind == FindingKind.GEFAHR else None

    @extend_schema_field(PhenomenonSerializer(allow_null=True))
    def get_phenomenon(self, finding: Finding) -> dict | None:
        return PhenomenonSerializer(finding.latest_phenomena[0]).data if finding.latest_phenomena else None


class EditionSerializer(serializers.ModelSerializer):
    number = serializers.CharField(read_only=True)
    picture = serializers.UUIDField(source="picture_id", read_only=True)

    class Meta:
        model = Edition
        fields = ("id", "number", "title", "picture", "sha256", "frozen_at")
