from django.urls import include, path

from lagebild import edition_views, finding_views, retention_views, views

lagebild = [
    path("", views.picture, name="picture"),
    path("zellen.geojson", views.cells, name="cells"),
    path("neu-erstellen/", views.rebuild, name="rebuild"),
    path("erkenntnisse/", finding_views.findings, name="findings"),
    path("erkenntnisse/<uuid:pk>/", finding_views.finding, name="finding"),
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
