"""The second lock on records: the face by the sharing rule, everything else the owner's alone."""

from agencies.wall.policies import READ, WRITE, Guarded, Rule, Table, among, builder, can, catalogue, own, owned, web

MEMBERS = among("members")
CONFIDENTIAL = ("reference", "place_text", "lon", "lat", "cell", "description", "internal_note")
# What the administration looks into for a stated reason.
INSPECTED = "agency_id = (SELECT wall.inspected_agency())"
GIVERS = among("givers")
OPEN = among("open_agencies")


def _face(kind: str) -> Guarded:
    granted = f"id IN (SELECT wall.granted_{kind}s())"
    return Guarded(
        (
            web(
                *READ,
                # What most rows pass comes first.
                when=f"(sharing_level = 'cooperation' AND {GIVERS}) OR {OPEN} OR ({granted} AND {GIVERS})",
            ),
            web(*WRITE, when=own("enter_records")),
            builder(*READ, when=f"sharing_level IN ('statistics', 'cooperation') AND {MEMBERS}"),
        )
    )


def _of_own_record(kind: str, write: str = "enter_records") -> tuple[Rule, ...]:
    """Writing a part of a record: nobody hangs a part of their own onto a foreign record."""
    face = f"EXISTS (SELECT FROM incidents_{kind} AS face WHERE face.id = record_id AND face.{own(write)})"
    return web("INSERT", "UPDATE", when=f"{own(write)} AND {face}"), web("DELETE", when=own(write))


def _part(kind: str, unmeasured: tuple[str, ...] = ()) -> Guarded:
    return Guarded((web(*READ, when=own("read_records")), *_of_own_record(kind)), unmeasured)


def _detail(kind: str) -> Guarded:
    counted = f"EXISTS (SELECT FROM incidents_{kind} AS face WHERE face.id = record_id)"
    return Guarded(
        (
            web(*READ, when=own("read_records")),
            *_of_own_record(kind),
            builder(*READ, when=f"{MEMBERS} AND {counted}", columns=("record_id", "agency_id", "cell")),
        ),
        unmeasured=CONFIDENTIAL if kind == "incident" else (*CONFIDENTIAL, "complainant_contact", "reporter_key"),
    )


def _note(kind: str) -> Guarded:
    seen = f"EXISTS (SELECT FROM incidents_{kind} AS face WHERE face.id = record_id)"
    return Guarded(
        (
            web(
                *READ,
                when=f"{own('read_records')} OR (cleared_at IS NOT NULL AND ({GIVERS} OR {INSPECTED}) AND {seen})",
            ),
            *_of_own_record(kind),
        ),
        unmeasured=("text",),
    )


def _grants(kind: str) -> Guarded:
    is_own = f"wall.owns_{kind}(content_object_id)"
    return Guarded(
        (
            web(*READ, when=f"group_id = (SELECT wall.member_group()) OR {is_own}"),
            web(*WRITE, when=f"{is_own} AND (SELECT wall.can('share_records'))"),
            # Which cases another agency sees one by one protects nobody: the release of counts must know.
            builder(*READ),
        )
    )


TABLES: dict[str, Table] = {
    "incidents_incident": _face("incident"),
    "incidents_complaint": _face("complaint"),
    "incidents_incidentdetail": _detail("incident"),
    "incidents_complaintdetail": _detail("complaint"),
    "incidents_incidentnote": _note("incident"),
    "incidents_complaintnote": _note("complaint"),
    "incidents_incidentgroupobjectpermission": _grants("incident"),
    "incidents_complaintgroupobjectpermission": _grants("complaint"),
    "incidents_numbersequence": owned(),
    "incidents_sharingdefault": owned(),
    "incidents_countdelivery": owned(build=True),
    "incidents_deliveredweek": owned(build=True),
    "incidents_importrun": owned(),
    # The feed's memory is written while it is read, be it with a key that may only read.
    "incidents_toldrecord": owned(write="read_records"),
    "incidents_feedposition": owned(write="read_records"),
    "incidents_retentionrule": owned(write="lead_agency"),
    "incidents_incidentextension": _part("incident", ("reason",)),
    "incidents_complaintextension": _part("complaint", ("reason",)),
    "incidents_deletedreference": owned(),
    "incidents_incidentrevision": _part("incident"),
    "incidents_complaintrevision": _part("complaint"),
    "incidents_retentionrun": Guarded(
        (
            web(*READ, when=f"{own('read_records')} OR {can('read_audit')}"),
            web(*WRITE, when=own("lead_agency")),
        )
    ),
    "incidents_categorygroup": catalogue(),
    "incidents_category": catalogue(),
    "incidents_area": catalogue(),
}
