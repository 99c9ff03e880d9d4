"""Short neutral sentences for made-up records. No persons, no names, no number plates."""

from __future__ import annotations

import numpy as np

SENTENCES: dict[str, tuple[str, ...]] = {
    "violence": (
        "Nach einem Streit kam es zu Tätlichkeiten. Die Lage war beim Eintreffen beruhigt.",
        "Auseinandersetzung zwischen zwei Gruppen, ein Rettungswagen wurde hinzugezogen.",
        "Bedrohung im öffentlichen Raum. Spuren wurden gesichert, Zeugen befragt.",
    ),
    "property": (
        "Diebstahl angezeigt, der Tatzeitraum ist nicht genau bekannt.",
        "Entwendung am Nachmittag bemerkt. Hinweise auf das Vorgehen liegen vor.",
        "Anzeige vor Ort aufgenommen, Aufnahmen einer Kamera sind angefragt.",
    ),
    "damage-graffiti": (
        "Frischer Schaden an einer Fassade, Fotos liegen bei.",
        "Scheibe eingeschlagen, der Eigentümer ist verständigt.",
        "Beschädigung in der Nacht festgestellt, Reinigung ist veranlasst.",
    ),
    "drugs": (
        "Feststellung bei einer Kontrolle, Betäubungsmittel wurden sichergestellt.",
        "Konsumreste gefunden und fachgerecht beseitigt.",
        "Hinweis auf Weitergabe im Umfeld, Streife zeitnah vor Ort.",
    ),
    "weapons": (
        "Bei der Kontrolle wurde ein Messer sichergestellt.",
        "Verbotener Gegenstand mitgeführt, Verfahren eingeleitet.",
        "Kontrolle während der Geltungszeit der Verbotszone, ein Verstoß.",
    ),
    "public-order": (
        "Gruppe hält sich seit dem Abend hier auf, laute Musik und Abfall.",
        "Platzverweise ausgesprochen, danach ruhig.",
        "Wiederholte Störung, die Örtlichkeit wurde erneut bestreift.",
    ),
    "waste": (
        "Sperrmüll und Säcke neben dem Container, Abholung ist beauftragt.",
        "Ablagerung am Wegrand, Verursacher unbekannt.",
        "Verstreuter Abfall nach dem Wochenende, Reinigung ist veranlasst.",
    ),
    "traffic": (
        "Fahrzeug verstellt den Gehweg, Verwarnung ausgestellt.",
        "Unfallaufnahme abgeschlossen, die Fahrbahn ist wieder frei.",
        "Messung in Höhe der Einmündung, mehrere Überschreitungen.",
    ),
    "trade-tax": (
        "Gemeinsame Kontrolle, Unterlagen wurden angefordert.",
        "Auflagen nicht eingehalten, Nachschau ist vorgesehen.",
        "Ware ohne Nachweis festgestellt und sichergestellt.",
    ),
    "youth-school": (
        "Vorfall im Schulbetrieb, Gespräch mit allen Beteiligten ist angesetzt.",
        "Hinweis der Schule, das weitere Vorgehen ist abgestimmt.",
        "Kontrolle zum Jugendschutz, ein Verstoß festgestellt.",
    ),
    "rail-transit": (
        "Einsatz auf dem Bahnsteig, der Zugverkehr lief weiter.",
        "Feststellung bei der Streife im Bahnhof, Anzeige gefertigt.",
        "Kurzzeitige Sperrung, nach zwanzig Minuten wieder frei.",
    ),
    "fire-rescue": (
        "Einsatz abgeschlossen, die Stelle wurde übergeben.",
        "Alarm bestätigt, ein Trupp vor Ort, keine Verletzten.",
        "Gemeldete Lage vorgefunden, Maßnahmen nach Plan.",
    ),
    "justice-prison": (
        "Feststellung an der Außenmauer, der Bereich wurde abgesucht.",
        "Gegenstand bei der Eingangskontrolle einbehalten.",
        "Störung im Wartebereich, nach Ansprache beendet.",
    ),
    "events": (
        "Vorkommnis am Rande der Veranstaltung, keine weiteren Folgen.",
        "Verlauf störungsfrei, Verkehr kurzzeitig geregelt.",
        "Anreise größerer Gruppen, Präsenz verstärkt.",
    ),
    "cleanliness": (
        "Hier liegt seit Tagen Müll, bitte abholen lassen.",
        "Der Behälter läuft über, es zieht Ungeziefer an.",
        "Die Stelle ist ständig verschmutzt, bitte öfter reinigen.",
    ),
    "noise-order": (
        "Jeden Abend Lärm bis nach Mitternacht, an Schlaf ist nicht zu denken.",
        "Es wird getrunken und gegrölt, Flaschen bleiben liegen.",
        "Wir bitten um Kontrollen in den Abendstunden.",
    ),
    "feeling-unsafe": (
        "Der Weg ist dunkel, viele meiden ihn am Abend.",
        "Man wird hier häufig angesprochen, bitte mehr Streifen.",
        "Seit einigen Wochen fühlen wir uns hier nicht mehr sicher.",
    ),
    "traffic-parking": (
        "Der Gehweg ist zugeparkt, mit Kinderwagen kein Durchkommen.",
        "Am Abend wird hier viel zu schnell gefahren.",
        "Das Fahrzeug steht seit Wochen unbewegt am Rand.",
    ),
    "infrastructure": (
        "Die Laterne ist seit einer Woche aus.",
        "Großes Loch in der Fahrbahn, Gefahr für Radfahrende.",
        "Lose Platten auf dem Gehweg, Stolpergefahr.",
    ),
    "station-transit": (
        "Die Unterführung ist verschmutzt und riecht stark.",
        "An der Haltestelle wird abends laut gestritten.",
        "Der Aufzug zum Bahnsteig ist erneut außer Betrieb.",
    ),
    "authority": (
        "Auf das Schreiben gab es bisher keine Antwort.",
        "Telefonisch war über Tage niemand zu erreichen.",
        "Es wird um Rückmeldung zum Stand gebeten.",
    ),
}
NOTES = (
    "Häufung in den Abendstunden, bitte bei Streifen berücksichtigen.",
    "Zusammenhang mit weiteren Meldungen im Umfeld wird geprüft.",
    "Gemeinsame Kontrolle wird vorgeschlagen, Termin nach Absprache.",
    "Beleuchtung an der Stelle ist ausgefallen, Reparatur ist beauftragt.",
)
INTERNAL_NOTES = (
    "Wiedervorlage in zwei Wochen.",
    "Rücksprache mit dem Bezirksteam erledigt.",
    "Fotos in der Fachakte abgelegt.",
)


def describe(groups: list[str], rng: np.random.Generator) -> list[str]:
    """One sentence per record, drawn from its group's."""
    drawn = rng.integers(0, 1 << 16, len(groups))
    return [SENTENCES[group][draw % len(SENTENCES[group])] for group, draw in zip(groups, drawn, strict=True)]
