from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agencies.models import Agency, MembershipKind, MembershipStatus


class StrictSerializer(serializers.Serializer):
    """Refuses fields it does not know: a misspelt name must not be dropped in silence."""

    def to_internal_value(self, data):
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else set()
        if unknown:
            raise serializers.ValidationError(
                dict.fromkeys(unknown, "Dieses Feld ist nicht bekannt. Bitte weglassen oder den Namen prüfen.")
            )
        return super().to_internal_value(data)


class AgencySerializer(serializers.ModelSerializer):
    parent = serializers.CharField(
        source="parent_slug", read_only=True, allow_null=True, help_text="Kürzel der übergeordneten Behörde"
    )
    membership_kind = serializers.SerializerMethodField(help_text="Art der laufenden Mitgliedschaft")
    membership_status = serializers.SerializerMethodField(help_text="Stand der laufenden Mitgliedschaft")

    class Meta:
        model = Agency
        fields = (
            "slug",
            "name",
            "short_name",
            "parent",
            "is_coordination",
            "delivers_counts",
            "membership_kind",
            "membership_status",
            "is_demonstration",
        )

    @extend_schema_field(serializers.ChoiceField(choices=MembershipKind.choices, allow_null=True))
    def get_membership_kind(self, agency: Agency) -> str | None:
        membership = agency.current_membership
        return membership.kind if membership else None

    @extend_schema_field(serializers.ChoiceField(choices=MembershipStatus.choices, allow_null=True))
    def get_membership_status(self, agency: Agency) -> str | None:
        membership = agency.current_membership
        return membership.status if membership else None
