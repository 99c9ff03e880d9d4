"""How far a delivered record may be shared: as far as the agency's agreement goes."""

from __future__ import annotations

from dataclasses import replace

from agencies.models import Agency
from agencies.scope import lower_of, objection
from incidents.actions import RecordData, moved_beyond
from incidents.geo import DistrictIndex
from incidents.models import Area, RecordDetail


class Reach:
    """The scope of one agency, asked for row after row without further queries."""

    def __init__(self, agency: Agency, districts: DistrictIndex) -> None:
        self.agency, self.scope = agency, agency.scope
        self.districts = {area.pk: area for area in districts.areas}

    def limit(
        self, data: RecordData, *, known: RecordDetail | None, face: dict, has_place: bool, is_asked: bool, keeps: bool
    ) -> tuple[RecordData, dict[str, str]]:
        """The row with its level as far as the agreement goes, and objections by field.

        A level that is `is_asked` for and goes beyond is objected to, one that comes from a default is lowered. A
        known record that `keeps` its level may not move to where the agreement does not reach.
        """
        area = self._area(known, face, has_place)
        if known is not None and keeps:
            text = moved_beyond(known.record, agency=self.agency, category=data.category, district=area)
            return data, {"category": text} if text else {}
        if is_asked:
            text = objection(self.scope, level=data.sharing_level, category=data.category, area=area)
            return data, {"sharing_level": text} if text else {}
        return replace(data, sharing_level=lower_of(data.sharing_level, self.scope.highest_at(data.category, area))), {}

    def _area(self, known: RecordDetail | None, face: dict, has_place: bool) -> Area | None:
        if known is not None and not has_place:
            return self.districts.get(known.record.district_id)
        return face.get("district")
