from django.urls import include, path, re_path

from incidents import import_views as views

pages = [
    path("", views.index, name="index"),
    path("fehlanzeige/", views.nothing, name="nothing"),
    re_path(r"^vorlage-(?P<kind>incident|complaint|counts)\.csv$", views.template, name="template"),
    path("<int:pk>/", views.run, name="run"),
    path("<int:pk>/uebernehmen/", views.take_over, name="take_over"),
    path("<int:pk>/verwerfen/", views.discard, name="discard"),
    path("<int:pk>/bericht.csv", views.report, name="report"),
]
urlpatterns = [path("vorfaelle/import/", include((pages, "imports")))]
