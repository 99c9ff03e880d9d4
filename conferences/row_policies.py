"""The second lock on meetings: the coordination office, and whom it has invited."""

from agencies.wall.policies import ALL, READ, Guarded, Rule, Table, keeps, own, web

RUNS_MEETINGS = "(SELECT wall.meeting_agency('run_conferences')) IS NOT NULL"
# Reported by the agency that is responsible, in the own name.
REPORTED = (
    "EXISTS (SELECT FROM conferences_measure AS measure WHERE measure.id = measure_id"
    f" AND measure.{own('report_measures')}) AND coalesce(reported_by_id = (SELECT wall.account()), true)"
)
SEEN_MEASURE = "EXISTS (SELECT FROM conferences_measure AS measure WHERE measure.id = measure_id)"


def _of_meeting(column: str, *rules: Rule) -> Guarded:
    return Guarded((web(*READ, when=f"wall.sees_conference({column})"), web(*ALL, when=RUNS_MEETINGS), *rules))


TABLES: dict[str, Table] = {
    "conferences_conference": _of_meeting("id", web(*READ, when="id IN (SELECT wall.conferences_followed_up())")),
    "conferences_invitation": _of_meeting("conference_id"),
    "conferences_agendaitem": _of_meeting("conference_id"),
    "conferences_decision": _of_meeting(
        "conference_id", web(*READ, when="id IN (SELECT wall.decisions_followed_up())")
    ),
    "conferences_measure": Guarded(
        (
            web(
                *READ,
                when=f"(SELECT wall.sees_picture()) AND ({own('read_picture')} OR wall.sees_measures_of(decision_id))",
            ),
            web("UPDATE", when=f"{own('report_measures')} AND {keeps('conferences_measure', 'status', 'result')}"),
            web(*ALL, when=RUNS_MEETINGS),
        )
    ),
    "conferences_measurereport": Guarded(
        (
            web(*READ, when=SEEN_MEASURE),
            web("INSERT", when=REPORTED),
            web(*ALL, when=RUNS_MEETINGS),
        )
    ),
}

# A guest sees no picture, but the edition of the meeting the guest is invited to.
FURTHER_RULES = {"lagebild_edition": (web(*READ, when="wall.sees_edition_of_meeting(id)"),)}
