"""Messages of the frameworks speak like the portal: in the Sie-form, and with what to do. So does the log."""

import ast
import gettext
import re
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.utils import translation

from agencies import log_words

CATALOGUE = Path(settings.LOCALE_PATHS[0]) / "de" / "LC_MESSAGES" / "django.po"
SOURCES = [
    path
    for app in ("agencies", "incidents", "lagebild", "conferences", "hamm_security")
    for path in (Path(settings.BASE_DIR) / app).rglob("*.py")
]
ENTRY = re.compile(
    r'^msgid "(.+)"\n(?:msgid_plural "(.+)"\n)?msgstr(?:\[0\])? "(.+)"(?:\nmsgstr\[1\] "(.+)")?', re.MULTILINE
)


def test_the_compiled_catalogue_is_that_of_the_source():
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    entries = ENTRY.findall(CATALOGUE.read_text(encoding="utf-8"))
    assert len(entries) > 40
    for text, plural, one, many in entries:
        if plural:
            assert (compiled.ngettext(text, plural, 1), compiled.ngettext(text, plural, 2)) == (one, many)
        else:
            assert compiled.gettext(text) == one


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (forms.CharField(), "", "Diese Angabe fehlt. Bitte ergänzen."),
        (forms.EmailField(), "abc", "Das ist keine E-Mail-Adresse. Bitte in der Form name@behoerde.de angeben."),
        (forms.IntegerField(max_value=730), "9999", "Die Zahl ist zu groß. Bitte höchstens 730 angeben."),
        (forms.CharField(max_length=3), "abcd", "Der Text hat 4 Zeichen, erlaubt sind 3. Bitte kürzen."),
    ],
)
def test_a_field_says_what_happened_and_what_to_do(field, value, message):
    with translation.override("de"), pytest.raises(forms.ValidationError) as caught:
        field.clean(value)
    assert caught.value.messages == [message]


def test_the_log_has_a_german_word_for_every_fact_it_keeps():
    entry = {"by", "obj", "object_type", "object_id", "owner", "recipient", "purpose"}
    kept = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("audit.record", "audit.record_failure"):
                kept |= {keyword.arg for keyword in node.keywords if keyword.arg}
    assert {"roles", "unchanged"} <= kept
    assert kept - entry - log_words.FACTS.keys() == set()
