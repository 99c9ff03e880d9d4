from importlib.util import find_spec

from django.urls import include, path
from django.views.generic import TemplateView

from hamm_security import health

APPS = ("agencies", "incidents", "lagebild", "conferences")

urlpatterns = [
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("metrics", health.metrics, name="metrics"),
    path("barrierefreiheit/", TemplateView.as_view(template_name="accessibility.html"), name="accessibility"),
    *(path("", include(f"{app}.urls")) for app in APPS if find_spec(f"{app}.urls")),
]
