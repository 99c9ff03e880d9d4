from django.apps import AppConfig


class LagebildConfig(AppConfig):
    name = "lagebild"
    verbose_name = "Lagebild"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Tasks need the models, which exist only from here on.
        from agencies.listeners import on_membership_change  # noqa: PLC0415
        from incidents.listeners import on_shared_change  # noqa: PLC0415
        from lagebild.tasks import queue_danger_check  # noqa: PLC0415

        on_shared_change(queue_danger_check)
        on_membership_change(queue_danger_check)
