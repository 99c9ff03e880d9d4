"""Forms of accounts, people, keys and the log."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.utils import timezone

from agencies.inspection_models import LONGEST_REASON, SHORTEST_REASON
from agencies.models import REGULAR_PULL, Agency, KeyScope
from agencies.roles import ASSIGNABLE_ROLES, COORDINATION_ROLES, Role

EARLIEST = datetime.date(2000, 1, 1)
DATE_HELP = "Zum Beispiel 06.10.2022."


def went_through(form: forms.Form, action: Callable[..., Any], **arguments) -> bool:
    """Run the action; its objections become errors of the form, so nothing typed is lost."""
    try:
        action(**arguments)
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True


class GermanDateField(forms.DateField):
    """A date between 2000 and ten years ahead, typed as 06.10.2022 or 2022-10-06."""

    def __init__(self, **options) -> None:
        options.setdefault("help_text", DATE_HELP)
        widget = forms.DateInput(attrs={"autocomplete": "off", "inputmode": "numeric"})
        super().__init__(widget=widget, **options)
        self.error_messages |= {"invalid": "Das ist kein Datum. Bitte in der Form 06.10.2022 angeben."}

    def validate(self, value: datetime.date | None) -> None:
        super().validate(value)
        if value is None:
            return
        if value < EARLIEST:
            raise ValidationError("Das Datum liegt vor dem Jahr 2000. Bitte das Jahr prüfen.")
        if value > timezone.localdate() + datetime.timedelta(days=3653):
            raise ValidationError("Das Datum liegt mehr als zehn Jahre in der Zukunft. Bitte das Jahr prüfen.")


class LoginForm(AuthenticationForm):
    error_messages = {
        "invalid_login": (
            "Die Anmeldung ist fehlgeschlagen. Bitte E-Mail-Adresse und Passwort prüfen. "
            "Nach fünf Fehlversuchen ist die Anmeldung vorübergehend gesperrt."
        ),
        "inactive": "",  # never shown: an inactive account fails like a wrong password
    }

    @property
    def was_refused(self) -> bool:
        """Whether an e-mail and a password were given and did not fit."""
        return bool(self.cleaned_data.get("username") and self.cleaned_data.get("password")) and self.user_cache is None


class _ToldWhereTyped:
    """What is wrong with a new password stands at its own field, not at its repetition."""

    def validate_password_for_user(self, user, *repetition: str) -> None:
        super().validate_password_for_user(user, "new_password1")


class OwnPasswordForm(_ToldWhereTyped, PasswordChangeForm):
    field_order = ("old_password", "new_password1", "new_password2")


class FirstPasswordForm(_ToldWhereTyped, SetPasswordForm):
    """A password set through an access link."""


_CODE_WIDGET = forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "spellcheck": "false"})


class FactorForm(forms.Form):
    """A one-time or recovery code, or in its place the browser's answer with a passkey."""

    code = forms.CharField(
        label="Code",
        max_length=40,
        required=False,
        widget=_CODE_WIDGET,
        help_text="Sechs Ziffern aus Ihrer App oder ein Wiederherstellungscode.",
    )
    passkey = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)

    def clean(self) -> dict:
        data = super().clean()
        if not self.errors and not (data.get("code") or data.get("passkey")):
            self.add_error("code", "Es fehlt der Code. Bitte den Code der App eingeben.")
        return data


class ConfirmForm(forms.Form):
    """Password, code or passkey: whichever the person has at hand."""

    password = forms.CharField(
        label="Passwort",
        required=False,
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = forms.CharField(
        label="Oder Code aus der App",
        required=False,
        max_length=40,
        widget=_CODE_WIDGET,
        help_text="Es genügt eines von beiden.",
    )
    passkey = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)
    held = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args, user, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not user.factors.exists():
            del self.fields["code"], self.fields["passkey"]
        if not user.has_usable_password():
            del self.fields["password"]

    def clean(self) -> dict:
        data = super().clean()
        if not self.errors and not any(data.get(name) for name in ("password", "code", "passkey")):
            raise ValidationError("Es fehlt die Bestätigung. Bitte das Passwort oder einen Code eingeben.")
        return data


class TotpForm(forms.Form):
    code = forms.CharField(
        label="Code aus der App",
        max_length=10,
        widget=_CODE_WIDGET,
        help_text="Die sechs Ziffern, die die App jetzt zeigt.",
    )


class PasskeyForm(forms.Form):
    label = forms.CharField(
        label="Bezeichnung",
        max_length=60,
        initial="Passkey",
        help_text="Zum Beispiel „Dienstrechner“ oder „Schlüsselbund“.",
    )
    passkey = forms.CharField(max_length=20_000, widget=forms.HiddenInput)


class ForgottenForm(forms.Form):
    email = forms.EmailField(label="E-Mail-Adresse", help_text="Die Adresse, mit der Sie sich anmelden.")


class AgencyForm(forms.Form):
    """A form about one agency."""

    def __init__(self, *args, agency: Agency, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.agency = agency


class PersonForm(AgencyForm):
    full_name = forms.CharField(label="Name", max_length=150, help_text="Vor- und Nachname, wie in der Behörde üblich.")
    email = forms.EmailField(label="E-Mail-Adresse", help_text="Damit meldet sich die Person an.")

    def wanted_roles(self) -> list[Role]:
        """The agency's first lead, named by the administration."""
        return [Role.LEAD]


class RolesForm(AgencyForm):
    roles = forms.MultipleChoiceField(
        label="Rollen",
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Ohne Rolle kann sich die Person anmelden, sieht aber keine Meldungen.",
    )

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        is_coordination = self.agency.is_coordination
        offered = [role for role in ASSIGNABLE_ROLES if is_coordination or role not in COORDINATION_ROLES]
        self.fields["roles"].choices = [(role.value, role.label) for role in offered]


class StaffForm(PersonForm, RolesForm):
    field_order = ("full_name", "email", "roles")

    def wanted_roles(self) -> list[Role]:
        return [Role(role) for role in self.cleaned_data["roles"]]


class SignOnForm(forms.Form):
    issuer = forms.URLField(
        label="Aussteller",
        max_length=300,
        assume_scheme="https",
        help_text="Die Adresse des Dienstes, zum Beispiel https://anmeldung.behoerde.de/realms/intern.",
    )
    client_id = forms.CharField(label="Client-Kennung", max_length=200)
    client_secret = forms.CharField(
        label="Client-Geheimnis",
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Wird verschlüsselt abgelegt und nie wieder gezeigt. Leer lassen, um das bisherige zu behalten.",
    )
    asserts_factor = forms.BooleanField(
        label="Der Dienst verlangt selbst einen zweiten Faktor; das Portal fragt dann keinen.", required=False
    )
    is_active = forms.BooleanField(label="In Betrieb", required=False, initial=True)

    def clean_issuer(self) -> str:
        issuer = self.cleaned_data["issuer"].rstrip("/")
        if not issuer.startswith("https://"):
            raise ValidationError("Der Dienst muss über https erreichbar sein. Bitte die Adresse prüfen.")
        return issuer


class InspectionForm(forms.Form):
    reason = forms.CharField(
        label="Grund der Sondereinsicht",
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="In ganzen Sätzen, 20 bis 500 Zeichen. Bitte keine Namen von Personen.",
        error_messages={
            "required": "Bitte den Grund angeben. Ohne Grund gibt es keine Sondereinsicht.",
            "min_length": "Bitte den Grund in mindestens %(limit_value)d Zeichen beschreiben.",
            "max_length": "Bitte den Grund in höchstens %(limit_value)d Zeichen beschreiben.",
        },
    )


class KeyForm(forms.Form):
    label = forms.CharField(
        label="Bezeichnung",
        max_length=100,
        help_text="Welches System benutzt den Schlüssel? Zum Beispiel „Nachtabruf“.",
    )
    purpose = forms.CharField(
        label="Zweck",
        max_length=200,
        initial=REGULAR_PULL,
        help_text="Wozu werden die Daten abgerufen? Der Zweck steht bei jedem Abruf im Protokoll.",
    )
    scope = forms.ChoiceField(label="Umfang", choices=KeyScope.choices)
    days = forms.IntegerField(
        label="Gültig für (Tage)", min_value=1, max_value=730, initial=365, help_text="Höchstens 730 Tage."
    )
    networks = forms.CharField(
        label="Erlaubte Netze",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Ein Netz je Zeile, zum Beispiel 10.1.0.0/16. Ohne Angabe gilt der Schlüssel von überall.",
    )

    def clean_networks(self) -> list[str]:
        found = self.cleaned_data["networks"].replace(",", " ").split()
        for network in found:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValidationError(f"„{network}“ ist kein Netz. Bitte zum Beispiel 10.1.0.0/16 angeben.") from error
        return found
