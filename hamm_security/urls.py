from django.urls import include, path
from django.views.generic import TemplateView

from hamm_security import health, views

handler400 = "hamm_security.errors.bad_request"
handler500 = "hamm_security.errors.server_error"

urlpatterns = [
    path("", views.start, name="start"),
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("metrics", health.metrics, name="metrics"),
    path("barrierefreiheit/", TemplateView.as_view(template_name="accessibility.html"), name="accessibility"),
    path("api/v1/", include("hamm_security.api_urls")),
    path("", include("agencies.urls")),
    path("", include("incidents.import_urls")),
    path("", include("incidents.urls")),
    path("", include("incidents.retention_urls")),
    path("", include("lagebild.urls")),
    path("", include("conferences.urls")),
]
