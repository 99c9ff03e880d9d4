"""What every form is drawn from: its fields, and the summary of its errors with links to them."""

from __future__ import annotations

import re

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe


class Questions(forms.Form):
    purpose = forms.ChoiceField(
        label="Wozu lesen Sie?", choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect, help_text="Eines."
    )
    roles = forms.MultipleChoiceField(label="Rollen", choices=[("x", "X")], widget=forms.CheckboxSelectMultiple)
    password = forms.CharField(label="Passwort", help_text=mark_safe("<ul><li>Mindestens 12 Zeichen.</li></ul>"))


def drawn(form: forms.Form) -> str:
    fields = [render_to_string("partials/form_field.html", {"field": field}) for field in form]
    return render_to_string("partials/form_errors.html", {"form": form}) + "".join(fields)


def ids(text: str) -> list[str]:
    return re.findall(r'\bid="([^"]+)"', text)


def test_no_id_is_given_twice():
    found = ids(drawn(Questions({})))
    assert {"id_purpose", "id_roles", "id_password"} <= set(found)
    assert sorted(found) == sorted(set(found))


def test_each_error_leads_to_its_field():
    text = drawn(Questions({}))
    targets = re.findall(r'href="#([^"]*)"', text)
    assert len(targets) == 3
    assert set(targets) <= set(ids(text))


def test_a_question_is_not_followed_by_a_colon():
    text = drawn(Questions({}))
    assert "Wozu lesen Sie?</a> Diese Angabe fehlt." in text
    assert "Rollen</a>: Diese Angabe fehlt." in text


def test_help_may_be_a_list():
    """A paragraph would end before the list, and its id would name nothing."""
    text = drawn(Questions())
    helps = re.findall(r'<(\w+) class="field__help" id="id_password_helptext">(.*?)</\1>', text)
    assert helps == [("div", "<ul><li>Mindestens 12 Zeichen.</li></ul>")]
