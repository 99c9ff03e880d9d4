from __future__ import annotations

from rest_framework import serializers

from conferences.models import AgendaItem, Conference, Decision, Measure, MeasureReport
from lagebild.api.serializers import EditionSerializer


class AgendaItemSerializer(serializers.ModelSerializer):
    class Meta:
        model = AgendaItem
        fields = ("position", "title", "note")


class DecisionSerializer(serializers.ModelSerializer):
    agenda_position = serializers.IntegerField(source="agenda_item.position", read_only=True, allow_null=True)

    class Meta:
        model = Decision
        fields = ("number", "text", "agenda_position", "votes_for", "votes_against", "votes_abstained", "recorded_at")


class ConferenceSerializer(serializers.ModelSerializer):
    edition = EditionSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Conference
        fields = ("id", "body", "title", "starts_at", "place", "status", "edition", "is_demonstration")


class ConferenceWithAgendaSerializer(ConferenceSerializer):
    """Guests get the invitation: no decisions."""

    agencies = serializers.SlugRelatedField("slug", many=True, read_only=True, help_text="eingeladene Behörden")
    agenda = AgendaItemSerializer(source="agenda_items", many=True, read_only=True)
    decisions = DecisionSerializer(source="shown_decisions", many=True, read_only=True)

    class Meta(ConferenceSerializer.Meta):
        fields = (*ConferenceSerializer.Meta.fields, "agencies", "agenda", "decisions")


class MeasureReportSerializer(serializers.ModelSerializer):
    class Meta:
        model = MeasureReport
        fields = ("text", "status", "reported_at")


class MeasureSerializer(serializers.ModelSerializer):
    agency = serializers.SlugRelatedField("slug", read_only=True, help_text="verantwortliche Behörde")
    area = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    finding = serializers.UUIDField(source="finding_id", read_only=True, allow_null=True)
    conference = serializers.UUIDField(
        source="visible_conference",
        read_only=True,
        allow_null=True,
        help_text="Konferenz, die sie beschlossen hat, wenn Ihre Behörde eingeladen war",
    )
    reports = MeasureReportSerializer(many=True, read_only=True)

    class Meta:
        model = Measure
        fields = (
            "id",
            "title",
            "description",
            "agency",
            "area",
            "finding",
            "conference",
            "starts_on",
            "due_on",
            "status",
            "result",
            "reports",
        )
