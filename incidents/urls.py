from django.urls import include, path

from incidents.models import Kind
from incidents.views import agreement, defaults, detail, entry, fragments, lists, maps


def record_patterns(kind: Kind) -> list:
    """The same pages for incidents and complaints."""
    extra = {"kind": kind.value}
    return [
        path("", lists.record_list, extra, name="list"),
        path("neu/", entry.create, extra, name="create"),
        path("export/", lists.export, extra, name="export"),
        path("freigabevorgaben/", defaults.defaults, extra, name="defaults"),
        path("sichtbarkeit/", fragments.sight, extra, name="sight"),
        path("aehnliche/", fragments.similar, extra, name="similar"),
        path("<uuid:pk>/", detail.detail, extra, name="detail"),
        path("<uuid:pk>/bearbeiten/", entry.edit, extra, name="edit"),
        path("<uuid:pk>/status/", detail.advance, extra, name="advance"),
        path("<uuid:pk>/stufe/", detail.level, extra, name="level"),
        path("<uuid:pk>/freigaben/", detail.grant, extra, name="grant"),
        path("<uuid:pk>/freigaben/<slug:slug>/zuruecknehmen/", detail.revoke, extra, name="revoke"),
        path("<uuid:pk>/hinweis/", detail.note, extra, name="note"),
        path("<uuid:pk>/hinweis/freigeben/", detail.clear_note, extra, name="clear_note"),
        path("<uuid:pk>/verlauf/<int:revision>/schwaerzen/", detail.blacken, extra, name="blacken"),
        path("<uuid:pk>/ort.geojson", maps.place, extra, name="place"),
    ]


urlpatterns = [
    path("vorfaelle/", include((record_patterns(Kind.INCIDENT), "incidents"))),
    path("beschwerden/", include((record_patterns(Kind.COMPLAINT), "complaints"))),
    path("behoerden/<slug:slug>/mitgliedschaft/umfang/", agreement.membership_scope, name="membership_scope"),
    path("karte/gebiete.geojson", maps.areas, name="areas_geojson"),
    path("karte/orte/", fragments.places, name="known_places"),
    path("karte/stadtbezirk/", fragments.district, name="district_of_point"),
]
