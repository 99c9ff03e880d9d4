from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from incidents.api.serializers import CellField
from lagebild.models import Cell, Coverage, Danger, Edition, Finding, FindingKind, Picture, Sighting, Trend

_WEEKS = serializers.ListField(child=serializers.IntegerField(allow_null=True))


class PictureSerializer(serializers.ModelSerializer):
    class Meta:
        model = Picture
        fields = ("id", "date", "revision", "published_at", "code_version", "sha256", "is_demonstration")


class CoverageSerializer(serializers.ModelSerializer):
    agency = serializers.SlugRelatedField("slug", read_only=True)

    class Meta:
        model = Coverage
        fields = ("agency", "week", "state")


class PictureWithCoverageSerializer(PictureSerializer):
    parameters = serializers.DictField(help_text="Verfahren und Zeitraum")
    statements = serializers.ListField(child=serializers.JSONField(), help_text="Kernaussagen")
    coverage = CoverageSerializer(many=True, source="coverages", help_text="Lieferungen je Behörde und Woche")

    class Meta(PictureSerializer.Meta):
        fields = (*PictureSerializer.Meta.fields, "parameters", "statements", "coverage")


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
        )


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
    subject = serializers.CharField(read_only=True, help_text="Gegenstand, wo die Erkenntnis keine Gruppe hat")
    district = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    responsible_agency = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    sighting = serializers.SerializerMethodField(help_text="Belege aus dem jüngsten Lagebild, das sie zeigt")
    danger = serializers.SerializerMethodField(help_text="Belege einer Gefahr; null bei anderen Arten")

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
        )

    @extend_schema_field(SightingSerializer(allow_null=True))
    def get_sighting(self, finding: Finding) -> dict | None:
        return SightingSerializer(finding.latest_sightings[0]).data if finding.latest_sightings else None

    @extend_schema_field(DangerSerializer(allow_null=True))
    def get_danger(self, finding: Finding) -> dict | None:
        return DangerSerializer(finding.danger).data if finding.kind == FindingKind.GEFAHR else None


class EditionSerializer(serializers.ModelSerializer):
    number = serializers.CharField(read_only=True)
    picture = serializers.UUIDField(source="picture_id", read_only=True)

    class Meta:
        model = Edition
        fields = ("id", "number", "title", "picture", "sha256", "frozen_at")
