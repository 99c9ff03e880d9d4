"""What happens, in the end, to every table, stored file and folder of the portal.

A new table, file field or folder is added here with its fate, or a test fails. Choose by what the rows hold:

- WITH_RECORD: anything said about one record. Needs a foreign key that cascades from the record.
- EXPIRES: goes by its age in the nightly run (`incidents.expiry`), or at its own expiry where the text says so.
- VALUES: published or frozen figures and catalogue data, nothing of a single record.
- IDS: verbs, ids and counts, never text of a record.
- PEOPLE: members of staff, their agencies and rights, as long as they belong to the cooperation.
- TECHNICAL: what the frameworks need to run.
"""

from __future__ import annotations

from enum import StrEnum


class Fate(StrEnum):
    WITH_RECORD = "with record"
    EXPIRES = "expires"
    VALUES = "values"
    IDS = "ids"
    PEOPLE = "people"
    TECHNICAL = "technical"


# Records themselves: deleted by the terms of their agency (`incidents.retention`).
RECORDS = ("incidents_incident", "incidents_complaint")

TABLES: dict[str, tuple[Fate, str]] = {
    "incidents_incidentdetail": (Fate.WITH_RECORD, "exact place, texts, reference, search data"),
    "incidents_complaintdetail": (Fate.WITH_RECORD, "exact place, texts, contact, search data"),
    "incidents_incidentnote": (Fate.WITH_RECORD, "note for the partners"),
    "incidents_complaintnote": (Fate.WITH_RECORD, "note for the partners"),
    "incidents_incidentextension": (Fate.WITH_RECORD, "why it was kept longer"),
    "incidents_complaintextension": (Fate.WITH_RECORD, "why it was kept longer"),
    "incidents_incidentrevision": (Fate.WITH_RECORD, "old and new values of what changed"),
    "incidents_complaintrevision": (Fate.WITH_RECORD, "old and new values of what changed"),
    "incidents_incidentgroupobjectpermission": (Fate.WITH_RECORD, "grants"),
    "incidents_complaintgroupobjectpermission": (Fate.WITH_RECORD, "grants"),
    "incidents_importrun": (Fate.EXPIRES, "12 months; not taken over: 1 day"),
    "incidents_countdelivery": (Fate.EXPIRES, "60 months after the end of the period"),
    "incidents_deletedreference": (Fate.EXPIRES, "at the record's regular date of deletion"),
    "incidents_retentionrun": (Fate.EXPIRES, "60 months; counts only"),
    "agencies_inspection": (Fate.EXPIRES, "24 months; who looked into which agency's records, and why"),
    "lagebild_retrospect": (Fate.EXPIRES, "12 months; stream, period, who asked"),
    "lagebild_retrospectcluster": (Fate.EXPIRES, "with its look back; places, days and counts of shared faces"),
    "agencies_session": (Fate.EXPIRES, "nightly, once ended"),
    "axes_accessattempt": (Fate.EXPIRES, "30 days"),
    "axes_accessattemptexpiration": (Fate.EXPIRES, "with its attempt"),
    "axes_accessfailurelog": (Fate.EXPIRES, "30 days"),
    "axes_accesslog": (Fate.EXPIRES, "30 days"),
    "agencies_auditentry": (Fate.IDS, "end of the following year; ids, verbs, stated purposes"),
    "agencies_auditseal": (Fate.IDS, "chain of the log"),
    "agencies_auditcheckpoint": (Fate.IDS, "chain of the log"),
    "agencies_unsealedentry": (Fate.IDS, "chain of the log"),
    "incidents_toldrecord": (Fate.IDS, "ids a partner was told of, until it has been told of the removal"),
    "incidents_feedposition": (Fate.IDS, "how far partners have read"),
    "incidents_deliveredweek": (Fate.IDS, "agency, week, basis"),
    "incidents_numbersequence": (Fate.IDS, "last running number"),
    "incidents_retentionrule": (Fate.VALUES, "terms of an agency"),
    "incidents_sharingdefault": (Fate.VALUES, "defaults of an agency"),
    "incidents_area": (Fate.VALUES, "geometry"),
    "incidents_category": (Fate.VALUES, "catalogue"),
    "incidents_categorygroup": (Fate.VALUES, "catalogue"),
    "lagebild_frozencount": (Fate.VALUES, "counts of deleted records on fixed atoms"),
    "lagebild_releasedatom": (Fate.VALUES, "published protected counts"),
    "lagebild_releasedblock": (Fate.VALUES, "which blocks are released"),
    "lagebild_picture": (Fate.VALUES, "published"),
    "lagebild_cell": (Fate.VALUES, "published"),
    "lagebild_trend": (Fate.VALUES, "published"),
    "lagebild_coverage": (Fate.VALUES, "published"),
    "lagebild_sighting": (Fate.VALUES, "published"),
    "lagebild_signal": (Fate.VALUES, "published"),
    "lagebild_phenomenon": (Fate.VALUES, "published"),
    "lagebild_timeprofile": (Fate.VALUES, "published"),
    "lagebild_night": (Fate.VALUES, "runs of the build, 60 days"),
    "lagebild_nightpart": (Fate.VALUES, "results of the runs, 60 days; published values"),
    "lagebild_nullpool": (Fate.VALUES, "numbers out of permutations, 60 days"),
    "lagebild_finding": (Fate.VALUES, "published, with the assessment of a named person"),
    "lagebild_danger": (Fate.IDS, "published: rule, shared places, days, ids of the cooperation faces it rests on"),
    "lagebild_dangerrule": (Fate.VALUES, "definition"),
    "lagebild_streamset": (Fate.VALUES, "definition"),
    "lagebild_edition": (Fate.VALUES, "published print"),
    "lagebild_calendarentry": (Fate.VALUES, "public dates: school holidays and major events"),
    "lagebild_deliverynotice": (Fate.IDS, "agency, groups, days, what is with the delivery"),
    "conferences_conference": (Fate.VALUES, "minutes of the cooperation"),
    "conferences_invitation": (Fate.VALUES, "minutes of the cooperation"),
    "conferences_agendaitem": (Fate.VALUES, "minutes of the cooperation"),
    "conferences_decision": (Fate.VALUES, "minutes of the cooperation"),
    "conferences_measure": (Fate.VALUES, "minutes of the cooperation"),
    "conferences_measurereport": (Fate.VALUES, "minutes of the cooperation"),
    "agencies_agency": (Fate.PEOPLE, "directory"),
    "agencies_apikey": (Fate.PEOPLE, "hash of the key"),
    "agencies_factor": (Fate.PEOPLE, "second factor of a person"),
    "agencies_invitation": (Fate.PEOPLE, "invitation of a person, with its own expiry"),
    "agencies_membership": (Fate.PEOPLE, "agreement"),
    "agencies_membershipstep": (Fate.PEOPLE, "steps of the agreement"),
    "agencies_rolegroup": (Fate.PEOPLE, "roles"),
    "agencies_scopeproposal": (Fate.PEOPLE, "scope of the agreement"),
    "agencies_signon": (Fate.PEOPLE, "sign-on service of an agency"),
    "agencies_user": (Fate.PEOPLE, "account; blocked, not deleted, while the log names it"),
    "agencies_user_groups": (Fate.PEOPLE, "roles"),
    "agencies_user_user_permissions": (Fate.PEOPLE, "empty: no permission is given to a person"),
    "auth_group": (Fate.TECHNICAL, "roles"),
    "auth_group_permissions": (Fate.TECHNICAL, "empty"),
    "auth_permission": (Fate.TECHNICAL, "names"),
    "django_content_type": (Fate.TECHNICAL, "names"),
    "django_migrations": (Fate.TECHNICAL, "names"),
    "wall.signing_key": (Fate.TECHNICAL, "stated anew by every migrate"),
    "guardian_groupobjectpermission": (Fate.TECHNICAL, "empty: grants stand in tables of their own"),
    "guardian_userobjectpermission": (Fate.TECHNICAL, "empty: refused by a constraint"),
}

# Fields that hold bytes or name a file: model.field.
FILES: dict[str, tuple[Fate, str]] = {
    "incidents.ImportRun.upload": (Fate.EXPIRES, "on taking over or discarding, else after 1 day"),
    "agencies.Membership.document": (Fate.PEOPLE, "signed agreement"),
    "lagebild.Edition.pdf": (Fate.VALUES, "published print"),
    "lagebild.NullPool.maxima": (Fate.VALUES, "numbers out of permutations, 60 days"),
    "agencies.AuditSeal.content": (Fate.IDS, "digest"),
    "agencies.AuditSeal.digest": (Fate.IDS, "digest"),
    "agencies.AuditCheckpoint.digest": (Fate.IDS, "digest"),
}

# First folders of the file store.
FOLDERS: dict[str, tuple[Fate, str]] = {
    "imports": (Fate.EXPIRES, "1 day"),
    "memberships": (Fate.PEOPLE, "signed agreements"),
}
