from __future__ import annotations

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class PlainJSONParser(JSONParser):
    """JSON with one plain message for whatever is none, nesting without end included."""

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            return super().parse(stream, media_type, parser_context)
        except (ParseError, RecursionError) as error:
            raise ParseError("Der Inhalt der Anfrage ist kein gültiges JSON in UTF-8. Bitte prüfen.") from error
