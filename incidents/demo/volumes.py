"""How much of what happens in a year: published totals, shares estimated where nothing is published.

Published for Hamm: 18,853 offences in 2023, of these 296 dwelling burglaries; about 360 complaints a month in 2023
with the top five of 2022 (889 pollution, 400 road, 382 footway, 200 signals, 186 green of about 2,800); the fire
brigade's 942 alarms, 2,015 technical rescues, 1,710 ordnance matters (2019) and 10 malicious alarms (2022).
"""

from __future__ import annotations

from dataclasses import dataclass

OFFENCES_PER_YEAR = 18_853
COMPLAINTS_PER_YEAR = 12 * 360

POLICE_OFFENCES = {
    "street-robbery": 95,
    "shop-robbery": 25,
    "aggravated-assault-public": 430,
    "simple-assault": 2050,
    "threat-coercion-stalking": 1600,
    "assault-on-officials": 170,
    "knife-attack": 60,
    "sexual-offence": 190,
    "exhibitionism": 30,
    "domestic-violence": 780,
    "burglary-dwelling": 296,
    "pickpocketing": 320,
    "shoplifting": 2350,
    "bicycle-theft": 960,
    "theft-from-vehicle": 1250,
    "criminal-damage": 2222,
    "graffiti": 270,
    "arson": 75,
    "drug-dealing": 260,
    "drug-possession": 950,
    "weapon-ban-zone-breach": 90,
    "weapons-act-offence": 110,
    "pyrotechnics": 60,
    "trespass": 330,
    "street-racing": 120,
    "school-vandalism": 20,
}
FEDERAL_POLICE_OFFENCES = {
    "trespass": 420,
    "pickpocketing": 110,
    "rail-assault": 190,
    "fare-dodging": 1750,
    "residence-law-offence": 380,
    "drug-possession": 240,
    "criminal-damage": 110,
    "graffiti": 80,
    "bicycle-theft": 90,
    "track-trespass": 110,
    "rail-metal-theft": 20,
    "weapons-act-offence": 50,
    "threat-coercion-stalking": 60,
    "knife-attack": 10,
    "aggravated-assault-public": 25,
    "assault-on-officials": 55,
    "drug-dealing": 40,
}
OTHER_INCIDENTS = {
    "polizei": {
        "noise-disturbance": 650,
        "disruptive-group": 350,
        "public-drinking": 200,
        "injury-crash": 780,
        "illegal-parking": 150,
        "assembly": 60,
        "event-incident": 40,
    },
    "bundespolizei": {"football-travel": 45, "transit-stop-disturbance": 60, "public-drinking": 90},
    "ordnungsamt": {
        "noise-disturbance": 1400,
        "loitering-scene": 900,
        "public-drinking": 500,
        "aggressive-begging": 150,
        "public-urination": 220,
        "disruptive-group": 450,
        "dog-control": 300,
        "unlicensed-street-use": 160,
        "derelict-property": 60,
        "fly-tipping": 1500,
        "littering": 600,
        "abandoned-bicycle": 180,
        "abandoned-vehicle": 260,
        "illegal-parking": 2600,
        "blocked-fire-access": 160,
        "speeding": 1500,
        "e-scooter": 420,
        "cannabis-zone-breach": 120,
        "needle-find": 90,
        "weapon-ban-zone-breach": 40,
        "shisha-co-hazard": 25,
        "illegal-gambling": 30,
        "licensing-breach": 140,
        "underage-sales": 60,
        "transit-stop-disturbance": 260,
        "event-incident": 70,
        "drug-possession": 60,
        "graffiti": 90,
        "criminal-damage": 60,
        "street-racing": 50,
    },
    "feuerwehr": {
        "small-fire": 300,
        "building-fire": 182,
        "false-alarm-system": 460,
        "technical-rescue": 2015,
        "unexploded-ordnance": 1710,
        "malicious-alarm": 10,
        "hazmat": 90,
        "ems-intoxication": 620,
        "blocked-fire-access": 30,
        "needle-find": 10,
    },
    "zoll": {"undeclared-work": 120, "untaxed-tobacco": 45, "smuggling": 30, "illegal-gambling": 10},
    "schule": {"school-vandalism": 80, "school-route-hazard": 70, "school-violence": 140, "school-threat": 6},
    "amtsgericht": {"court-security-incident": 18, "court-entry-seizure": 260},
    "jva": {"prison-throw-over-drone": 30},
    "finanzamt": {"licensing-breach": 40, "undeclared-work": 30},
}
COMPLAINT_SHARES = {
    "c-fly-tipping": 560,
    "c-full-bin": 180,
    "c-dog-fouling": 70,
    "c-graffiti": 50,
    "c-needles": 29,
    "c-road-damage": 400,
    "c-footway-damage": 382,
    "c-signal-sign": 200,
    "c-green-playground": 186,
    "c-lighting": 110,
    "c-illegal-parking": 130,
    "c-noise": 120,
    "c-abandoned-vehicle": 70,
    "c-drug-alcohol-scene": 50,
    "c-fear-space": 35,
    "c-more-patrols": 35,
    "c-harassment": 25,
    "c-drug-dealing": 25,
    "c-speeding": 45,
    "c-school-route": 20,
    "c-begging": 12,
    "c-venue": 18,
    "c-youth-hangout": 22,
    "c-station-inside": 8,
    "c-transit-stop": 10,
    "c-no-response": 6,
    "c-staff-conduct": 2,
}
# Who takes in complaints; what is not named here goes to the Ordnungsamt.
COMPLAINT_OWNERS = {
    "c-more-patrols": "polizei",
    "c-harassment": "polizei",
    "c-drug-dealing": "polizei",
    "c-speeding": "polizei",
    "c-staff-conduct": "polizei",
    "c-school-route": "schule",
    "c-station-inside": "bundespolizei",
}


@dataclass(frozen=True)
class Stream:
    """What one agency records of one category in an ordinary year."""

    agency: str
    kind: str
    category: str
    per_year: float


def streams() -> list[Stream]:
    """Every stream with its yearly volume, in a fixed order."""
    incidents = {
        "polizei": POLICE_OFFENCES | OTHER_INCIDENTS["polizei"],
        "bundespolizei": FEDERAL_POLICE_OFFENCES | OTHER_INCIDENTS["bundespolizei"],
        **{agency: table for agency, table in OTHER_INCIDENTS.items() if agency not in {"polizei", "bundespolizei"}},
    }
    found = [
        Stream(agency, "incident", category, float(volume))
        for agency, table in incidents.items()
        for category, volume in table.items()
    ]
    scale = COMPLAINTS_PER_YEAR / sum(COMPLAINT_SHARES.values())
    found += [
        Stream(COMPLAINT_OWNERS.get(category, "ordnungsamt"), "complaint", category, share * scale)
        for category, share in COMPLAINT_SHARES.items()
    ]
    return found
