"""The second lock on the picture: members read what is published; only the nightly build writes it."""

from agencies.wall.policies import (
    ALL,
    READ,
    WRITE,
    Guarded,
    Table,
    acts_as,
    among,
    builder,
    can,
    keeps,
    own,
    owned,
    web,
)

SEES_PICTURE = f"(SELECT wall.sees_picture()) OR {acts_as('operator')}"
IS_MEMBERS = among("members")
SHARES = f"(SELECT wall.sees_picture()) AND {IS_MEMBERS}"
# Agencies enter events, the coordination office enters school holidays, too, and changes what others have entered.
ENTERS = f"{SHARES} AND {own('enter_events')} AND (kind = 'event' OR {can('maintain_calendar')})"
MAINTAINS = f"{SHARES} AND (({own('enter_events')} AND kind = 'event') OR {can('maintain_calendar')})"
ENTRY_COLUMNS = (
    *("name", "first_day", "last_day", "extent", "districts", "place_label", "lon", "lat", "radius_m", "cells"),
    *("visitors", "updated_at"),
)
ASKS = f"(SELECT wall.sees_picture()) AND {own('read_picture')}"
BUILT = Guarded((web(*READ, when=SEES_PICTURE), builder(*ALL)))
# Rules and sets that agencies define for all. Only a reader of the picture defines, for the own agency.
DEFINES = "(SELECT wall.sees_picture()) AND agency_id = (SELECT wall.agency_for('define_methods'))"
DEFINED = Guarded(
    (
        web(*READ, when=SEES_PICTURE),
        web("INSERT", when=f"({DEFINES}) OR {acts_as('operator')}"),
        web("UPDATE", when=DEFINES),
        builder(*READ),
    )
)

TABLES: dict[str, Table] = {
    "lagebild_picture": BUILT,
    "lagebild_cell": BUILT,
    "lagebild_trend": BUILT,
    "lagebild_coverage": BUILT,
    "lagebild_sighting": BUILT,
    "lagebild_signal": BUILT,
    "lagebild_phenomenon": BUILT,
    "lagebild_timeprofile": BUILT,
    # How far a night has come may be seen; what it has found is read as signals of a published picture.
    "lagebild_night": Guarded((web(*READ, when=f"{SEES_PICTURE} OR {can('administer_memberships')}"), builder(*ALL))),
    "lagebild_nightpart": Guarded((builder(*ALL),)),
    "lagebild_nullpool": Guarded((builder(*ALL),)),
    # Which blocks are released is no secret, and what may be deleted depends on it.
    "lagebild_releasedblock": Guarded((web(*READ, when="(SELECT wall.kind()) IS NOT NULL"), builder(*ALL))),
    "lagebild_releasedatom": BUILT,
    "lagebild_frozencount": owned(build=True),
    "lagebild_finding": Guarded(
        (
            web(*READ, when=SEES_PICTURE),
            web("UPDATE", when=can("assess_findings")),
            builder("SELECT", "INSERT", "UPDATE"),
        )
    ),
    "lagebild_danger": Guarded((web(*READ, when=SEES_PICTURE), builder("SELECT", "INSERT", "UPDATE"))),
    # What an agency asks of the past is its own business; the builder answers.
    "lagebild_retrospect": Guarded(
        (
            web(*READ, when=f"({ASKS}) OR {acts_as('operator')}"),
            web("INSERT", when=f"{ASKS} AND asked_by_id = (SELECT wall.account()) AND state = 'waiting'"),
            web("DELETE", when=acts_as("operator")),
            builder("SELECT", "UPDATE"),
        )
    ),
    "lagebild_retrospectcluster": Guarded(
        (
            web(*READ, when="EXISTS (SELECT FROM lagebild_retrospect AS asked WHERE asked.id = retrospect_id)"),
            web("DELETE", when=acts_as("operator")),
            builder("SELECT", "INSERT", "DELETE"),
        )
    ),
    "lagebild_dangerrule": DEFINED,
    "lagebild_streamset": DEFINED,
    "lagebild_calendarentry": Guarded(
        (
            web(*READ, when=f"({SEES_PICTURE}) AND {IS_MEMBERS}"),
            web("INSERT", when=ENTERS),
            web("UPDATE", when=f"{MAINTAINS} AND {keeps('lagebild_calendarentry', *ENTRY_COLUMNS)}"),
            web("DELETE", when=MAINTAINS),
            builder(*READ, when=IS_MEMBERS),
        )
    ),
    "lagebild_deliverynotice": Guarded(
        (
            web(*READ, when=f"({SEES_PICTURE}) AND {IS_MEMBERS}"),
            web(*WRITE, when=f"{SHARES} AND {own('import_records')}"),
            builder(*READ, when=IS_MEMBERS),
        )
    ),
    "lagebild_edition": Guarded(
        (
            web(*READ, when=SEES_PICTURE),
            web("INSERT", when=f"{can('freeze_editions')} OR {acts_as('operator')}"),
        )
    ),
}
