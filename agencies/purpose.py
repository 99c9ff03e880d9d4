"""Why somebody reads foreign data: asked once per session, before the first of them is shown."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.middleware import get_user
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

SESSION_KEY = "purpose"
OTHER = "Anderer Zweck"
PURPOSES = (
    "Lagebeurteilung im eigenen Zuständigkeitsbereich",
    "Bearbeitung eines eigenen Vorgangs",
    "Planung von Streifen und Einsätzen",
    "Abwehr einer gegenwärtigen Gefahr",
    "Vor- oder Nachbereitung einer Sitzung der Sicherheitskooperation",
    "Prüfung von Freigaben und Doppelmeldungen",
    OTHER,
)


class PurposeForm(forms.Form):
    purpose = forms.ChoiceField(
        label="Wozu lesen Sie Meldungen anderer Behörden?",
        choices=[(name, name) for name in PURPOSES],
        widget=forms.RadioSelect,
    )
    detail = forms.CharField(
        label="Nähere Angabe",
        required=False,
        max_length=120,
        help_text="Zum Beispiel der Anlass; bei „Anderer Zweck“ nötig. Bitte keine Namen von Personen.",
    )

    def clean(self) -> dict:
        data = super().clean()
        if data.get("purpose") == OTHER and not data.get("detail"):
            self.add_error("detail", "Bitte den Zweck mit einigen Worten angeben.")
        return data

    @property
    def words(self) -> str:
        """The purpose as it stands in the log."""
        chosen, detail = self.cleaned_data["purpose"], self.cleaned_data["detail"]
        if chosen == OTHER:
            return detail
        return f"{chosen}: {detail}" if detail else chosen


def stated_purpose(request: HttpRequest) -> str:
    return request.session.get(SESSION_KEY, "")


def purpose_question(request: HttpRequest) -> HttpResponse | None:
    """The way to the question when this session has not answered it, else None. For pages about to show foreign data.

    Whoever is asked may see the data, so that the question tells nobody what there is.
    """
    if stated_purpose(request):
        return None
    return redirect(f"{reverse('purpose')}?{urlencode({'next': request.get_full_path()})}")


def purpose_of_session(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: who acts carries the purpose of the session into each entry of the log."""

    def acting(request: HttpRequest):
        person = get_user(request)
        person.purpose = stated_purpose(request)
        return person

    def middleware(request: HttpRequest) -> HttpResponse:
        request.user = SimpleLazyObject(lambda: acting(request))
        return get_response(request)

    return middleware
