from django.urls import include, path

from lagebild import (
    calendar_views,
    danger_views,
    edition_views,
    finding_views,
    retention_views,
    retrospect_views,
    stream_views,
    views,
)

lagebild = [
    path("", views.picture, name="picture"),
    path("zellen.geojson", views.cells, name="cells"),
    path("neu-erstellen/", views.rebuild, name="rebuild"),
    path("erkenntnisse/", finding_views.findings, name="findings"),
    path("erkenntnisse/<uuid:pk>/", finding_views.finding, name="finding"),
    path("erkenntnisse/<uuid:pk>/meldungen/", danger_views.finding_records, name="finding_records"),
    path("erkenntnisse/<uuid:pk>/ort.geojson", danger_views.finding_place, name="finding_place"),
    path("gefahrenregeln/", danger_views.danger_rules, name="danger_rules"),
    path("gefahrenregeln/neu/", danger_views.danger_rule_add, name="danger_rule_add"),
    path("gefahrenregeln/<uuid:pk>/", danger_views.danger_rule, name="danger_rule"),
    path("gefahrenregeln/<uuid:pk>/schalten/", danger_views.danger_rule_switch, name="danger_rule_switch"),
    path("rueckblick/", retrospect_views.retrospects, name="retrospects"),
    path("rueckblick/<uuid:pk>/", retrospect_views.retrospect, name="retrospect"),
    path("rueckblick/<uuid:pk>/stand/", retrospect_views.retrospect_progress, name="retrospect_progress"),
    path("rueckblick/<uuid:pk>/karte.geojson", retrospect_views.retrospect_map, name="retrospect_map"),
    path("verfahren/", stream_views.method, name="method"),
    path("verfahren/stroeme/neu/", stream_views.stream_set_add, name="stream_set_add"),
    path("verfahren/stroeme/<uuid:pk>/", stream_views.stream_set, name="stream_set"),
    path("verfahren/stroeme/<uuid:pk>/schalten/", stream_views.stream_set_switch, name="stream_set_switch"),
    path("kalender/", calendar_views.calendar, name="calendar"),
    path("kalender/veranstaltung/", calendar_views.entry_add, {"kind": "event"}, name="calendar_event_add"),
    path("kalender/ferien/", calendar_views.entry_add, {"kind": "school_holidays"}, name="calendar_holidays_add"),
    path("kalender/lieferhinweis/", calendar_views.notice_add, name="calendar_notice_add"),
    path("kalender/eintrag/<uuid:pk>/", calendar_views.entry, name="calendar_entry"),
    path("kalender/eintrag/<uuid:pk>/loeschen/", calendar_views.entry_remove, name="calendar_entry_remove"),
    path("kalender/lieferhinweis/<uuid:pk>/", calendar_views.notice, name="calendar_notice"),
    path("kalender/lieferhinweis/<uuid:pk>/loeschen/", calendar_views.notice_remove, name="calendar_notice_remove"),
    path("ausgaben/", edition_views.editions, name="editions"),
    path("ausgaben/neu/", edition_views.freeze, name="freeze"),
    path("ausgaben/<uuid:pk>/", edition_views.edition, name="edition"),
    path("ausgaben/<uuid:pk>/ausgabe.pdf", edition_views.edition_pdf, name="edition_pdf"),
]

retention = [
    path("vorfall/<uuid:pk>/loeschen/", retention_views.delete, {"kind": "incident"}, name="delete_incident"),
    path("beschwerde/<uuid:pk>/loeschen/", retention_views.delete, {"kind": "complaint"}, name="delete_complaint"),
]

urlpatterns = [
    path("lagebild/", include((lagebild, "lagebild"))),
    path("datenschutz/pruefung/", include((retention, "lagebild_retention"))),
]
