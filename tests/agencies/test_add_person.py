import io
import sys

import pytest
from django.core.management import CommandError, call_command

from agencies.models import User

GOOD = "Regenschirm-im-Mai-26"


def add(monkeypatch, *, password: str = GOOD, **changes) -> str:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\n"))
    out = io.StringIO()
    options = {"agency": "siko", "email": "erste@siko.example", "name": "Erste Person", "role": ["admin"]} | changes
    call_command("add_person", stdout=out, **options)
    return out.getvalue()


def test_first_administrator_can_sign_in(world, monkeypatch, client):
    assert "ist angelegt" in add(monkeypatch)
    person = User.objects.get(email="erste@siko.example")
    assert person.can("administer_memberships")
    assert person.check_password(GOOD)


def test_dry_run_writes_nothing(world, monkeypatch):
    assert "würde angelegt" in add(monkeypatch, dry_run=True)
    assert not User.objects.filter(email="erste@siko.example").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"agency": "gibtsnicht"}, "gibt es nicht"),
        ({"email": "vorsitz@SIKO.example"}, "schon ein Konto"),
        ({"password": "kurz"}, "mindestens 12 Zeichen"),
        ({"agency": "polizei"}, "Diese Rolle gibt es in der Behörde nicht"),
    ],
)
def test_refusals_say_why(world, monkeypatch, changes, message):
    before = User.objects.count()
    with pytest.raises(CommandError, match=message):
        add(monkeypatch, **changes)
    assert User.objects.count() == before
