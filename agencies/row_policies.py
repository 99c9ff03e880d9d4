"""The second lock on the directory, the people, the keys and the log."""

from agencies.audit import FAILURES, Act
from agencies.wall.policies import (
    ALL,
    READ,
    WRITE,
    Guarded,
    Table,
    Unguarded,
    acts_as,
    builder,
    can,
    keeps,
    web,
)

SIGNING_ON = (
    *(Act.LOGIN, Act.LOGOUT, Act.CONFIRMED, Act.INVITATION_TAKEN, Act.PASSWORD_CHANGED, Act.PASSWORD_RESET_ASKED),
    *(Act.FACTOR_ADDED, Act.RECOVERY_USED, Act.RECOVERY_RENEWED, Act.SESSION_ENDED),
)


def _acts(acts: tuple[Act, ...]) -> str:
    return ", ".join(f"'{act.value}'" for act in acts)


OPERATOR = acts_as("operator")
VISITOR = acts_as("visitor")
ADMINISTERS = can("administer_memberships")
READS_LOG = can("read_audit")
SEES_DIRECTORY = "(SELECT wall.sees_directory())"
OWN_AGENCY = "agency_id = (SELECT wall.agency())"
LEADS_AGENCY = "agency_id = (SELECT wall.agency_for('lead_agency'))"
COORDINATION = "agency_id IN (SELECT id FROM agencies_agency WHERE is_coordination)"
OWN_INSPECTION = "user_id = (SELECT wall.account())"
SOMEBODY = "(SELECT wall.kind()) IS NOT NULL"
PEOPLE_LED = "SELECT id FROM agencies_user WHERE agency_id = (SELECT wall.agency_for('lead_agency'))"
PERSON_OF_OWN = (
    f"user_id IN ({PEOPLE_LED})"  # noqa: S608 - both parts stand here
    " AND group_id IN (SELECT group_id FROM agencies_rolegroup WHERE agency_id = (SELECT wall.agency()))"
)
# What changes at one's own account by signing on and by a new password; everything else is for lead and administration.
SIGNED_ON_WITH = ("password", "last_login", "factor_failures", "factor_failed_at")
NAMELESS = "user_id IS NULL AND api_key_id IS NULL AND agency_id IS NULL"
# Nobody writes into the log in somebody else's name. A visitor is named when signing on; a refusal is written on a
# connection of its own, where nobody acts.
IN_THE_OWN_NAME = f"""CASE (SELECT wall.kind())
    WHEN 'operator' THEN true
    WHEN 'visitor' THEN action IN ({_acts(SIGNING_ON)})
    WHEN 'person' THEN api_key_id IS NULL AND coalesce(user_id = (SELECT wall.account()), true)
        AND coalesce({OWN_AGENCY}, true)
    WHEN 'key' THEN user_id IS NULL AND coalesce(api_key_id = (SELECT wall.api_key()), true)
        AND coalesce({OWN_AGENCY}, true)
    WHEN 'agency' THEN api_key_id IS NULL AND coalesce({OWN_AGENCY}, true)
        AND (user_id IS NULL OR user_id IN (SELECT id FROM agencies_user WHERE {OWN_AGENCY}))
    ELSE action IN ({_acts(FAILURES)}) END"""  # noqa: S608 - all parts stand here

TABLES: dict[str, Table] = {
    "agencies_agency": Guarded(
        (
            web(
                *READ,
                when=f"{SEES_DIRECTORY} OR id = (SELECT wall.agency()) OR {acts_as('operator', 'visitor', 'agency')}",
            ),
            web(*WRITE, when=f"{OPERATOR} OR {ADMINISTERS}"),
            builder(*READ),
        )
    ),
    "agencies_membership": Guarded(
        (
            web(
                *READ,
                when=f"{OWN_AGENCY} OR {OPERATOR} OR {ADMINISTERS}"
                f" OR ({SEES_DIRECTORY} AND signed_on IS NOT NULL AND status NOT IN ('draft', 'signed'))",
            ),
            web(*WRITE, when=f"{OPERATOR} OR {ADMINISTERS} OR ({acts_as('agency')} AND {OWN_AGENCY})"),
            builder(*READ),
        )
    ),
    "agencies_rolegroup": Guarded(
        (
            web(*READ, when=SOMEBODY),
            web(*WRITE, when=f"{OPERATOR} OR {ADMINISTERS}"),
        )
    ),
    "agencies_user": Guarded(
        (
            web(
                *READ,
                when=f"id = (SELECT wall.account()) OR {OWN_AGENCY} OR {COORDINATION} OR {VISITOR} OR {OPERATOR}"
                f" OR {ADMINISTERS} OR {READS_LOG}",
            ),
            web("INSERT", "DELETE", when=f"{LEADS_AGENCY} OR {ADMINISTERS} OR {OPERATOR}"),
            web("UPDATE", when=f"{LEADS_AGENCY} OR {ADMINISTERS} OR {OPERATOR}"),
            web(
                "UPDATE",
                when=f"(id = (SELECT wall.account()) OR {VISITOR}) AND {keeps('agencies_user', *SIGNED_ON_WITH)}",
            ),
        ),
        unmeasured=("password", "email", "full_name"),
    ),
    "agencies_user_groups": Guarded(
        (
            web(
                *READ,
                when="user_id = (SELECT wall.account()) OR group_id = ANY (ARRAY(SELECT wall.groups_in_sight()))",
            ),
            web("INSERT", "DELETE", when=f"({PERSON_OF_OWN}) OR {ADMINISTERS} OR {OPERATOR}"),
        )
    ),
    "agencies_apikey": Guarded(
        (
            web(*READ, when=f"{OWN_AGENCY} OR {VISITOR} OR {OPERATOR} OR {READS_LOG}"),
            web("INSERT", when=f"{LEADS_AGENCY} OR {OPERATOR}"),
            web("UPDATE", when=f"{LEADS_AGENCY} OR {OPERATOR} OR {ADMINISTERS}"),
            web("UPDATE", when=f"{VISITOR} AND {keeps('agencies_apikey', 'last_used_at')}"),
        ),
        unmeasured=("label", "prefix", "secret_hash", "purpose"),
    ),
    "agencies_auditentry": Guarded(
        (
            web(
                *READ,
                when=f"{OWN_AGENCY} OR owner_id = (SELECT wall.agency())"
                f" OR (facts -> 'owners') ? (SELECT wall.agency_slug()) OR {READS_LOG} OR {OPERATOR}",
            ),
            web("INSERT", when=IN_THE_OWN_NAME),
            builder("INSERT", when=f"(SELECT wall.kind()) = 'builder' AND {NAMELESS}"),
            builder(*READ, when="agency_id IS NULL AND (SELECT wall.kind()) = 'builder'"),
        ),
        unmeasured=("purpose", "object_id"),
    ),
    "agencies_unsealedentry": Guarded((web(*READ, when=f"{READS_LOG} OR {OPERATOR}"),)),
    "agencies_auditseal": Guarded((web(*READ, when=f"{READS_LOG} OR {OPERATOR}"),)),
    "agencies_auditcheckpoint": Guarded((web(*READ, when=f"{READS_LOG} OR {OPERATOR}"),)),
    "agencies_membershipstep": Guarded(
        (
            web(*READ, when=f"{OWN_AGENCY} OR {OPERATOR} OR {ADMINISTERS}"),
            web("INSERT", when=f"{OPERATOR} OR {ADMINISTERS} OR ({acts_as('agency')} AND {OWN_AGENCY})"),
        )
    ),
    "agencies_scopeproposal": Guarded(
        (
            web(*READ, when=f"{OWN_AGENCY} OR {OPERATOR} OR {ADMINISTERS}"),
            web(*WRITE, when=f"{OPERATOR} OR {ADMINISTERS} OR ({acts_as('agency')} AND {OWN_AGENCY})"),
        )
    ),
    "agencies_inspection": Guarded(
        (
            web(*READ, when=f"{OWN_INSPECTION} OR {LEADS_AGENCY} OR {READS_LOG}"),
            web("INSERT", when=f"{OWN_INSPECTION} AND {can('inspect_records')} AND NOT ({OWN_AGENCY})"),
            web("UPDATE", when=OWN_INSPECTION),
            web("DELETE", when=f"{acts_as('agency')} AND {OWN_AGENCY}"),
        )
    ),
    "agencies_session": Unguarded("found by a digest before anybody is known; holds no record", web=ALL, builder=()),
    "agencies_factor": Guarded(
        (
            web(*ALL, when="user_id = (SELECT wall.account())"),
            web(*READ, when=VISITOR),
            web("UPDATE", when=f"{VISITOR} AND {keeps('agencies_factor', 'counter', 'used_at')}"),
            web("SELECT", "DELETE", when=f"user_id IN ({PEOPLE_LED}) OR {ADMINISTERS} OR {OPERATOR}"),
        ),
        unmeasured=("label", "secret"),
    ),
    "agencies_invitation": Guarded(
        (
            web(*ALL, when=f"{LEADS_AGENCY} OR {ADMINISTERS} OR {OPERATOR}"),
            web(*READ, when=VISITOR),
            web("UPDATE", when=f"{VISITOR} AND {keeps('agencies_invitation', 'accepted_at')}"),
        ),
        unmeasured=("email", "full_name"),
    ),
    "agencies_signon": Guarded(
        (
            web(*READ, when=f"{OWN_AGENCY} OR {VISITOR} OR {ADMINISTERS} OR {OPERATOR}"),
            web(*WRITE, when=f"{ADMINISTERS} OR {OPERATOR}"),
        ),
        unmeasured=("client_secret",),
    ),
    "auth_group": Guarded((web(*READ, when=SOMEBODY), web(*WRITE, when=f"{OPERATOR} OR {ADMINISTERS}"))),
    "auth_permission": Unguarded("Django's list of permissions"),
    "auth_group_permissions": Unguarded("asked by nobody: permissions of whole models open no record"),
    "agencies_user_user_permissions": Unguarded("asked by nobody: permissions of whole models open no record"),
    "django_content_type": Unguarded("Django's list of models"),
    "django_migrations": Unguarded("Django's list of migrations"),
    "guardian_userobjectpermission": Unguarded("kept empty by a constraint", builder=()),
    "guardian_groupobjectpermission": Unguarded("kept empty by a constraint", builder=()),
    "axes_accessfailurelog": Unguarded("digests of names at the sign-on", web=ALL, builder=()),
    "axes_accessattempt": Unguarded("digests of names at the sign-on", web=ALL, builder=()),
    "axes_accessattemptexpiration": Unguarded("digests of names at the sign-on", web=ALL, builder=()),
    "axes_accesslog": Unguarded("digests of names at the sign-on", web=ALL, builder=()),
}

# Written and tended inside the database: the log is sealed and purged by functions that may do that and nothing else.
FUNCTIONS = {
    "web": ("public.audit_seal(integer)", "public.audit_expired(timestamptz)", "public.audit_purge(timestamptz)"),
}
