from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class AgenciesConfig(AppConfig):
    name = "agencies"
    verbose_name = "Behörden"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The receiver needs the models, which exist only from here on.
        from agencies.sessions import note_sign_on  # noqa: PLC0415

        user_logged_in.connect(note_sign_on, dispatch_uid="agencies.note_sign_on")
