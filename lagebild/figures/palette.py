"""The one place of colours: every meaning has one look on screen, map, print and export.

Ramps run in even steps of CIELAB lightness (86, 72, 58, 44, 30), so that they stay readable in grey print
and for colour-blind readers; kind is told by solid or hatched surface and by a letter, never by hue alone.
"""

INCIDENT = "incident"
COMPLAINT = "complaint"

INCIDENT_RAMP = ("#f7cdc9", "#ed9b95", "#dd6763", "#ba3a3e", "#852126")
COMPLAINT_RAMP = ("#c2daf5", "#82b5e6", "#2e93d4", "#1a6fb0", "#0b4c82")
RAMPS = {INCIDENT: INCIDENT_RAMP, COMPLAINT: COMPLAINT_RAMP}

INCIDENT_LINE = INCIDENT_RAMP[4]
COMPLAINT_LINE = COMPLAINT_RAMP[4]
LINES = {INCIDENT: INCIDENT_LINE, COMPLAINT: COMPLAINT_LINE}

PHENOMENON = "#6a3d9a"
DANGER_GROUND = "#1a1a1a"
DANGER = "#ffb000"
FEAR_SPACE = "#4a4a4a"
MEASURE = "#1f7a3d"

INK = "#1a1a1a"
INK_SOFT = "#4d4d4d"
GRID = "#c4c4c4"
BOUNDARY = "#8c8c8c"
GROUND = "#ffffff"
AREA = "#f6f6f4"
PREVIOUS = "#888888"
MISSING_HATCH = "#949494"
DELIVERED = "#6e6e6e"
SPECIAL_BAND = "#8a8a8a"
