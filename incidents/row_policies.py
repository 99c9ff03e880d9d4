"""The second lock on records: the face by the sharing rule, everything else the owner's alone."""

from agencies.wall.policies import READ, WRITE, Guarded, Table, builder, can, catalogue, own, owned, web

MEMBERS = "agency_id = ANY ((SELECT wall.members())::bigint[])"
GIVERS = "agency_id = ANY ((SELECT wall.givers())::bigint[])"


def _face(kind: str) -> Guarded:
    granted = (
        f"id IN (SELECT content_object_id FROM incidents_{kind}groupobjectpermission"  # noqa: S608
        f" WHERE group_id = (SELECT wall.member_group()) AND permission_id = (SELECT wall.view_permission('{kind}')))"
    )
    return Guarded(
        (
            web(
                *READ,
                when=f"{own('read_records')} OR ({GIVERS} AND (sharing_level = 'cooperation' OR {granted}))",
            ),
            web(*WRITE, when=own("enter_records")),
            builder(*READ, when=f"sharing_level IN ('statistics', 'cooperation') AND {MEMBERS}"),
        )
    )


def _detail(kind: str) -> Guarded:
    counted = f"EXISTS (SELECT FROM incidents_{kind} AS face WHERE face.id = record_id)"
    return Guarded(
        (
            web(*READ, when=own("read_records")),
            web(*WRITE, when=own("enter_records")),
            builder(*READ, when=f"{MEMBERS} AND {counted}", columns=("record_id", "agency_id", "cell")),
        )
    )


def _note(kind: str) -> Guarded:
    seen = f"EXISTS (SELECT FROM incidents_{kind} AS face WHERE face.id = record_id)"
    return Guarded(
        (
            web(*READ, when=f"{own('read_records')} OR (cleared_at IS NOT NULL AND {GIVERS} AND {seen})"),
            web(*WRITE, when=own("enter_records")),
        )
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
    "incidents_incidentextension": owned(),
    "incidents_complaintextension": owned(),
    "incidents_deletedreference": owned(),
    "incidents_incidentrevision": owned(),
    "incidents_complaintrevision": owned(),
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
