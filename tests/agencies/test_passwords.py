"""What a password must be, and what it need not."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from agencies.forms import FirstPasswordForm, OwnPasswordForm
from agencies.models import Agency, User


def person() -> User:
    agency = Agency(slug="feuerwehr", name="Feuerwehr der Stadt", short_name="Feuerwehr")
    return User(email="karoline.sonnenschein@feuerwehr.example", full_name="Karoline Sonnenschein", agency=agency)


@pytest.mark.parametrize(
    "password",
    [
        "regenschirmimmai",
        "REGENSCHIRMIMMAI",
        "vier Wörter mit Leerzeichen",
        "8316 4402 9975 1863",
        "пароль-из-слов-и-ещё",
        "köln am rhein, " * 17,
        "hammerschlag am regentag",
    ],
    ids=lambda value: value[:20],
)
def test_long_ones_of_any_kind_are_taken(password):
    validate_password(password, person())


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("elf Zeichen", "zu kurz"),
        ("x" * 257, "höchstens 256 Zeichen"),
        ("123456789123", "zu verbreitet"),
        ("aaaabbbbcccc", "wenigen verschiedenen"),
        ("121212121212", "wenigen verschiedenen"),
        ("Lagebild-Demo-2026", "fast nur aus Wörtern"),
        ("HammHammHamm12!", "fast nur aus Wörtern"),
        ("Feuerwehr2026!!", "fast nur aus Wörtern"),
        ("Sonnenschein2026", "fast nur aus Wörtern|ähnlich"),
        ("karoline.sonnenschein", "fast nur aus Wörtern|ähnlich"),
        ("Sicherheitskooperation", "fast nur aus Wörtern"),
    ],
)
def test_short_common_and_local_ones_are_refused_in_german(password, message):
    with pytest.raises(ValidationError, match=message):
        validate_password(password, person())


@pytest.mark.parametrize("form_class", [FirstPasswordForm, OwnPasswordForm])
def test_what_is_wrong_with_a_password_stands_at_its_own_field(form_class):
    form = form_class(person(), {"new_password1": "elf Zeichen", "new_password2": "elf Zeichen"})
    assert "zu kurz" in str(form.errors["new_password1"])
    assert "new_password2" not in form.errors
