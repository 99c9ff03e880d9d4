from __future__ import annotations

import datetime

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agencies.api.serializers import StrictSerializer
from agencies.visibility import SharingLevel
from incidents.actions import RecordData
from incidents.importing.fields import TEXT_LIMITS
from incidents.importing.records import PLACE_DIGITS
from incidents.models import (
    Accuracy,
    Area,
    Category,
    Complaint,
    ComplaintDetail,
    Incident,
    IncidentDetail,
    Record,
    Severity,
)
from incidents.workflow import Status

_UNKNOWN_CHOICE = "Diesen Wert gibt es nicht. Bitte die Beschreibung der Schnittstelle ansehen."
_MOMENT = "Bitte einen Zeitpunkt wie 2026-11-01T14:30:00+01:00 angeben."
_TEXT = {
    "invalid": "Bitte einen Text angeben.",
    "max_length": "Der Text ist länger als {max_length} Zeichen. Bitte kürzen.",
    "null": "Bitte einen Text angeben oder das Feld weglassen.",
}
_MISSING = {"required": "Diese Angabe fehlt. Bitte ergänzen.", "null": "Diese Angabe fehlt. Bitte ergänzen."}
PLACED_ACCURACIES = [(a.value, a.label) for a in (Accuracy.POINT, Accuracy.STREET, Accuracy.DISTRICT)]
PLACE_FIELDS = frozenset({"lon", "lat", "district"})


class CellField(serializers.Field):
    """An H3 cell as the hexadecimal text every H3 library reads."""

    def to_representation(self, value: int) -> str:
        return format(value, "x")


CellField = extend_schema_field({"type": "string", "pattern": "^[0-9a-f]{15}$"})(CellField)


class CategorySerializer(serializers.ModelSerializer):
    group = serializers.SlugRelatedField("slug", read_only=True)
    group_label = serializers.CharField(source="group.label", read_only=True)

    class Meta:
        model = Category
        fields = (
            "slug",
            "label",
            "description",
            "kind",
            "group",
            "group_label",
            "origin",
            "geo",
            "unit",
            "unit_label",
            "is_sensitive",
            "is_shareable",
            "in_picture",
            "is_active",
        )


class AreaSerializer(serializers.ModelSerializer):
    class Meta:
        model = Area
        fields = ("slug", "name", "kind", "number", "is_official", "note", "updated_at")


class AreaWithGeometrySerializer(AreaSerializer):
    geometry = serializers.DictField(help_text="GeoJSON-Geometrie in WGS84")
    windows = serializers.ListField(child=serializers.JSONField(), help_text="Zeitfenster einer Zone")

    class Meta(AreaSerializer.Meta):
        fields = (*AreaSerializer.Meta.fields, "geometry", "windows")


_DETAIL_FIELDS = ("number", "reference", "lon", "lat", "place_text", "description", "internal_note")


class IncidentDetailSerializer(serializers.ModelSerializer):
    number = serializers.CharField(source="number_label", read_only=True)

    class Meta:
        model = IncidentDetail
        fields = _DETAIL_FIELDS


class ComplaintDetailSerializer(IncidentDetailSerializer):
    class Meta:
        model = ComplaintDetail
        fields = (*_DETAIL_FIELDS, "complainant_contact", "reporter_key")


class RecordSerializer(serializers.ModelSerializer):
    """The face, and the confidential part where the row belongs to whoever asks.

    Reads `own_detail` and `cleared_note`, which the view has loaded for the actor; never the bare relations.
    """

    agency = serializers.SlugRelatedField("slug", read_only=True, help_text="Behörde, der die Meldung gehört")
    category = serializers.SlugRelatedField("slug", read_only=True)
    group = serializers.SlugRelatedField("slug", source="category.group", read_only=True)
    cell = CellField(allow_null=True, read_only=True, help_text="H3-Zelle der Auflösung 9")
    district = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    note = serializers.SerializerMethodField(help_text="Freigegebener Hinweis für die Partner")
    sharing_level = serializers.SerializerMethodField(help_text="Freigabestufe; nur bei eigenen Meldungen")
    is_own = serializers.SerializerMethodField()

    class Meta:
        fields = (
            "id",
            "is_own",
            "agency",
            "category",
            "group",
            "occurred_from",
            "occurred_to",
            "status",
            "severity",
            "accuracy",
            "cell",
            "district",
            "note",
            "is_demonstration",
            "updated_at",
            "sharing_level",
            "detail",
        )

    def get_note(self, record: Record) -> str | None:
        return record.cleared_note.text if record.cleared_note else None

    def get_is_own(self, record: Record) -> bool:
        return record.own_detail is not None

    @extend_schema_field(serializers.ChoiceField(choices=SharingLevel.choices, allow_null=True))
    def get_sharing_level(self, record: Record) -> str | None:
        return record.sharing_level if record.own_detail else None

    def to_representation(self, record: Record) -> dict:
        if record.own_detail is not None:
            record.own_detail.agency = record.agency
        return super().to_representation(record)


_DETAIL_SOURCE = {
    "source": "own_detail",
    "read_only": True,
    "allow_null": True,
    "help_text": "Vertraulicher Teil; nur bei eigenen Meldungen",
}


class IncidentSerializer(RecordSerializer):
    detail = IncidentDetailSerializer(**_DETAIL_SOURCE)

    class Meta(RecordSerializer.Meta):
        model = Incident


class ComplaintSerializer(RecordSerializer):
    detail = ComplaintDetailSerializer(**_DETAIL_SOURCE)

    class Meta(RecordSerializer.Meta):
        model = Complaint


@extend_schema_field({"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"})
class KnownSlugField(serializers.Field):
    """A slug out of the rows that the view loaded once under `context[known]`."""

    default_error_messages = {"unknown": "Dieses Kürzel gibt es nicht. Bitte ein bekanntes angeben."}

    def __init__(self, *, known: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self.known = known

    def to_internal_value(self, data):
        row = self.context[self.known].get(data) if isinstance(data, str) else None
        if row is None:
            self.fail("unknown")
        return row


def _text(name: str, help_text: str, **kwargs) -> serializers.CharField:
    kwargs = {"required": False, "allow_blank": True} | kwargs
    messages = _TEXT | kwargs.pop("error_messages", {})
    return serializers.CharField(max_length=TEXT_LIMITS[name], help_text=help_text, error_messages=messages, **kwargs)


def _choice(choices, **kwargs) -> serializers.ChoiceField:
    return serializers.ChoiceField(
        choices=choices, required=False, error_messages={"invalid_choice": _UNKNOWN_CHOICE}, **kwargs
    )


class MomentField(serializers.DateTimeField):
    """Date and time; a bare day would claim that something began at midnight."""

    def __init__(self, **kwargs) -> None:
        messages = dict.fromkeys(("invalid", "date", "overflow", "make_aware"), _MOMENT)
        super().__init__(error_messages=messages | _MISSING, **kwargs)

    def to_internal_value(self, value):
        if not isinstance(value, str) or ":" not in value:
            self.fail("invalid", format="")
        try:
            # A local time in the repeated hour of autumn equals no time of another zone and would always look changed.
            return super().to_internal_value(value).astimezone(datetime.UTC)
        except OverflowError:
            self.fail("overflow")


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": 4})
class SeverityField(serializers.ChoiceField):
    def __init__(self, **kwargs) -> None:
        super().__init__(choices=Severity.choices, error_messages={"invalid_choice": _UNKNOWN_CHOICE}, **kwargs)

    def to_internal_value(self, data):
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class CoordinateField(serializers.FloatField):
    def __init__(self, **kwargs) -> None:
        messages = {"invalid": "Bitte eine Zahl in Grad angeben, zum Beispiel 7.8078."}
        super().__init__(required=False, allow_null=True, error_messages=messages, **kwargs)

    def to_internal_value(self, data) -> float:
        if isinstance(data, (bool, str)):
            self.fail("invalid")
        return round(super().to_internal_value(data), PLACE_DIGITS)


class RecordInputSerializer(StrictSerializer):
    """What a partner system may say about one record. The rules of the content are the actions'."""

    category = KnownSlugField(known="categories", error_messages=_MISSING, help_text="Kürzel der Kategorie")
    occurred_from = MomentField(help_text="Beginn; ohne Zeitversatz in Ortszeit")
    occurred_to = MomentField(help_text="Ende, falls bekannt", required=False, allow_null=True)
    severity = SeverityField(required=False, help_text="1 gering, 2 normal, 3 erheblich, 4 schwer")
    status = _choice(Status.choices)
    lon = CoordinateField(help_text="Länge in WGS84; zusammen mit „lat“")
    lat = CoordinateField(help_text="Breite in WGS84; zusammen mit „lon“")
    accuracy = _choice(PLACED_ACCURACIES, help_text="Genauigkeit der Koordinaten")
    district = KnownSlugField(
        known="districts", required=False, allow_null=True, help_text="Stadtbezirk, wo Koordinaten fehlen"
    )
    place_text = _text("place_text", "Ort in Worten, vertraulich")
    description = _text("description", "Sachverhalt, vertraulich")
    internal_note = _text("internal_note", "Interner Vermerk, vertraulich")
    reference = _text("reference", "Aktenzeichen der eigenen Behörde, vertraulich")

    def validate(self, attrs: dict) -> dict:
        if "accuracy" in attrs and attrs.get("lon") is None:
            raise serializers.ValidationError(
                {"accuracy": "Die Genauigkeit gehört zu Koordinaten. Bitte „lon“ und „lat“ angeben oder weglassen."}
            )
        return attrs

    def record_data(self, **further) -> RecordData:
        return RecordData(**(self.validated_data | further))


class IncidentInputSerializer(RecordInputSerializer):
    sharing_level = _choice(SharingLevel.choices, help_text="Ohne Angabe die Vorgabe der eigenen Leitung")


class ComplaintInputSerializer(IncidentInputSerializer):
    complainant_contact = _text("complainant_contact", "Kontakt der meldenden Person, wird nie geteilt")
    reporter_key = _text("reporter_key", "Kennung der meldenden Person, wird nie geteilt")


class IncidentRowSerializer(RecordInputSerializer):
    """A row of a bulk push: recognised by its reference; the level is set once, by the agency's own default."""

    reference = _text(
        "reference",
        "Aktenzeichen; daran wird die Meldung wiedererkannt",
        required=True,
        allow_blank=False,
        error_messages=_MISSING | {"blank": _MISSING["required"]},
    )


class ComplaintRowSerializer(IncidentRowSerializer):
    complainant_contact = _text("complainant_contact", "Kontakt der meldenden Person, wird nie geteilt")
    reporter_key = _text("reporter_key", "Kennung der meldenden Person, wird nie geteilt")


class RowErrorSerializer(serializers.Serializer):
    pointer = serializers.CharField(help_text="Stelle in der Anfrage als JSON Pointer")
    reason = serializers.CharField()


class RowResultSerializer(serializers.Serializer):
    index = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=["created", "updated", "unchanged", "refused"])
    id = serializers.UUIDField(allow_null=True)
    errors = RowErrorSerializer(many=True)


class BulkResultSerializer(serializers.Serializer):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = RowResultSerializer(many=True)
