from django.core.exceptions import PermissionDenied

from agencies.visibility import AgencyScoped


class VisibilityBackend:
    """Answers object permissions on agency-scoped rows out of `visible_to`; no other backend is asked after it."""

    def authenticate(self, request, **credentials):
        return None

    def has_perm(self, user_obj, perm: str, obj=None) -> bool:
        if not isinstance(obj, AgencyScoped):
            return False
        app_label, _, codename = perm.partition(".")
        action, _, model_name = codename.partition("_")
        if (app_label, model_name) != (obj._meta.app_label, obj._meta.model_name):
            raise PermissionDenied
        if not type(obj)._default_manager.visible_to(user_obj).filter(pk=obj.pk).exists():
            raise PermissionDenied
        if action != "view" and not (obj.agency_id == user_obj.agency_id and user_obj.can("enter_records")):
            raise PermissionDenied
        return True
