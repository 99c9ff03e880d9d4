from __future__ import annotations

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser


class ContentTooLarge(APIException):
    status_code = 413
    default_code = "content_too_large"
    default_detail = "Der Inhalt der Anfrage ist zu groß. Bitte in kleinere Anfragen teilen."


class LimitedJSONParser(JSONParser):
    """JSON up to DATA_UPLOAD_MAX_MEMORY_SIZE, which Django itself does not apply to a streamed body."""

    def parse(self, stream, media_type=None, parser_context=None):
        length = parser_context["request"].META.get("CONTENT_LENGTH") or "0"
        if int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise ContentTooLarge
        try:
            return super().parse(stream, media_type, parser_context)
        except (ParseError, RecursionError) as error:
            raise ParseError("Der Inhalt der Anfrage ist kein gültiges JSON in UTF-8. Bitte prüfen.") from error
