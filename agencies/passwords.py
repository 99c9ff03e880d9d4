"""What a password must be: long and not one that others would try. No mix of kinds of characters, no expiry.

BSI ORP.4 and NIST SP 800-63B agree on length, a blocklist and no rotation.
"""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import ValidationError

from agencies.models import User

MAX_LENGTH = 256
# What somebody would try first who knows where they are.
_LOCAL_WORDS = ("hamm", "lagebild", "sicherheit", "behörde", "behoerde", "polizei", "ordnungsamt", "kooperation")
# What remains of a password beside such words must carry it.
_REST_LENGTH = 8
_FEWEST_DIFFERENT = 5
_NOT_LETTERS = re.compile(r"[\W\d_]+")


class LengthValidator:
    """Between 12 and 256 characters; the upper end keeps hashing affordable."""

    def __init__(self, min_length: int = 12) -> None:
        self.min_length = min_length

    def validate(self, password: str, user: User | None = None) -> None:
        if len(password) < self.min_length:
            raise ValidationError(
                f"Das Passwort ist zu kurz. Bitte mindestens {self.min_length} Zeichen wählen.", code="too_short"
            )
        if len(password) > MAX_LENGTH:
            raise ValidationError(
                f"Das Passwort ist zu lang. Bitte höchstens {MAX_LENGTH} Zeichen wählen.", code="too_long"
            )
        if len(set(password)) < _FEWEST_DIFFERENT:
            raise ValidationError(
                "Das Passwort besteht aus zu wenigen verschiedenen Zeichen. Bitte ein anderes wählen.",
                code="monotonous",
            )

    def get_help_text(self) -> str:
        return f"Mindestens {self.min_length} Zeichen, am besten mehrere Wörter."


class LocalWordsValidator:
    """Refuse what is made of the portal's, the agency's and the person's own words and little else."""

    def validate(self, password: str, user: User | None = None) -> None:
        rest = password.lower()
        for word in sorted(self._words(user), key=len, reverse=True):
            rest = rest.replace(word, "")
        rest = _NOT_LETTERS.sub("", rest)
        if len(rest) < _REST_LENGTH and rest != _NOT_LETTERS.sub("", password.lower()):
            raise ValidationError(
                "Das Passwort besteht fast nur aus Wörtern, die hier jeder kennt, etwa dem Namen der Behörde "
                "oder Ihrem eigenen. Bitte andere Wörter wählen.",
                code="local_words",
            )

    def get_help_text(self) -> str:
        return "Es ist nicht aus den Namen der Behörde oder des Portals gebildet."

    def _words(self, user: User | None) -> set[str]:
        texts = [settings.PORTAL_NAME]
        if user is not None:
            texts += [user.full_name, user.email]
            texts += [user.agency.name, user.agency.short_name, user.agency.slug] if user.agency else []
        found = {word for text in texts for word in re.split(r"[\W\d_]+", text.lower())}
        return {word for word in found if len(word) >= 4} | set(_LOCAL_WORDS)
