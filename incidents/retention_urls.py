from django.urls import include, path

from incidents.views import retention

pages = [
    path("fristen/", retention.rules, name="rules"),
    path("fristen/<int:pk>/aufheben/", retention.rule_remove, name="rule_remove"),
    path("pruefung/", retention.review, name="review"),
    path("pruefung/vorfall/<uuid:pk>/", retention.check, {"kind": "incident"}, name="check_incident"),
    path("pruefung/beschwerde/<uuid:pk>/", retention.check, {"kind": "complaint"}, name="check_complaint"),
    path("loeschungen/", retention.runs, name="runs"),
    path("loeschungen/<int:pk>/", retention.run, name="run"),
    path("loeschungen/<int:pk>/nachweis.csv", retention.run_csv, name="run_csv"),
]
urlpatterns = [path("datenschutz/", include((pages, "retention")))]
