"""The interface for partner systems under /api/v1/."""

from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from agencies.api.docs import docs, schema_file
from agencies.api.views import AgencyViewSet, unknown_address
from conferences.api.views import ConferenceViewSet, MeasureViewSet
from incidents.api.changes import ChangeViewSet
from incidents.api.views import AreaViewSet, CategoryViewSet, ComplaintViewSet, IncidentViewSet
from lagebild.api.views import CellViewSet, EditionViewSet, FindingViewSet, PictureViewSet, TrendViewSet

app_name = "api"

router = SimpleRouter()
router.register("agencies", AgencyViewSet, basename="agencies")
router.register("categories", CategoryViewSet, basename="categories")
router.register("areas", AreaViewSet, basename="areas")
router.register("incidents", IncidentViewSet, basename="incidents")
router.register("complaints", ComplaintViewSet, basename="complaints")
router.register("changes", ChangeViewSet, basename="changes")
router.register("findings", FindingViewSet, basename="findings")
router.register("cells", CellViewSet, basename="cells")
router.register("trends", TrendViewSet, basename="trends")
router.register("pictures", PictureViewSet, basename="pictures")
router.register("editions", EditionViewSet, basename="editions")
router.register("conferences", ConferenceViewSet, basename="conferences")
router.register("measures", MeasureViewSet, basename="measures")

urlpatterns = [
    path("schema/", schema_file, name="schema"),
    path("docs/", docs, name="docs"),
    *router.urls,
    re_path(r"^(?P<path>.*)$", unknown_address, name="unknown"),
]
