from django.apps import AppConfig


class LagebildConfig(AppConfig):
    name = "lagebild"
    verbose_name = "Lagebild"
    default_auto_field = "django.db.models.BigAutoField"
