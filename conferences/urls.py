from django.urls import include, path

from conferences.views import agenda, measures, meetings

conference_patterns = [
    path("", meetings.conference_list, name="list"),
    path("neu/", meetings.conference_create, name="create"),
    path("<uuid:pk>/", meetings.conference_detail, name="detail"),
    path("<uuid:pk>/bearbeiten/", meetings.conference_edit, name="edit"),
    path("<uuid:pk>/einladung/", meetings.conference_invitation, name="invitation"),
    path("<uuid:pk>/ausgabe/", meetings.conference_edition, name="edition"),
    path("<uuid:pk>/ausgabe.pdf", meetings.conference_pdf, name="pdf"),
    path("<uuid:pk>/entwurf-loeschen/", meetings.conference_discard, name="discard"),
    path("<uuid:pk>/schritt/<slug:step>/", meetings.conference_step, name="step"),
    path("<uuid:pk>/tagesordnung/neu/", agenda.item_add, name="item_add"),
    path("<uuid:pk>/tagesordnung/<int:item_pk>/", agenda.item_edit, name="item_edit"),
    path("<uuid:pk>/tagesordnung/<int:item_pk>/verschieben/", agenda.item_move, name="item_move"),
    path("<uuid:pk>/tagesordnung/<int:item_pk>/loeschen/", agenda.item_remove, name="item_remove"),
    path("<uuid:pk>/beschluesse/neu/", agenda.decision_add, name="decision_add"),
    path("<uuid:pk>/beschluesse/<uuid:decision_pk>/massnahme/", measures.measure_add, name="measure_add"),
]
measure_patterns = [
    path("", measures.measure_list, name="list"),
    path("<uuid:pk>/", measures.measure_detail, name="detail"),
]

urlpatterns = [
    path("konferenzen/", include((conference_patterns, "conferences"))),
    path("massnahmen/", include((measure_patterns, "measures"))),
]
