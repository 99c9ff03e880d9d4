"""Calls to addresses that people have entered: https, public addresses only, small answers, no redirects."""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
from urllib.parse import urlencode, urlsplit

from django.conf import settings

TIMEOUT_S = 10
MAX_BYTES = 512 * 1024


class CallError(Exception):
    """The call was refused or has failed; the text is for the log, not for people."""


def get_json(url: str) -> dict:
    return _call("GET", url)


def post_form(url: str, fields: dict[str, str]) -> dict:
    return _call("POST", url, urlencode(fields).encode())


class _PinnedConnection(http.client.HTTPSConnection):
    """Connects to the address that was checked, whatever the name resolves to by then."""

    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S, context=ssl.create_default_context())
        self.address = address

    def connect(self) -> None:
        raw = socket.create_connection((self.address, self.port), self.timeout)
        self.sock = self._context.wrap_socket(raw, server_hostname=self.host)


def _call(method: str, url: str, body: bytes | None = None) -> dict:
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError as error:
        raise CallError(f"{url}: {error}") from error
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
        raise CallError(f"{url}: only plain https addresses are called")
    connection = _PinnedConnection(parts.hostname, port, allowed_address(parts.hostname, port))
    headers = {"Accept": "application/json", "Host": parts.netloc}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        content = response.read(MAX_BYTES + 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise CallError(f"{url}: {error}") from error
    finally:
        connection.close()
    if response.status != 200 or len(content) > MAX_BYTES:
        raise CallError(f"{url}: answered {response.status} with {len(content)} bytes")
    return _object(url, content)


def _object(url: str, content: bytes) -> dict:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CallError(f"{url}: no JSON") from error
    if not isinstance(answer, dict):
        raise CallError(f"{url}: no JSON object")
    return answer


def allowed_address(host: str, port: int) -> str:
    """The address to connect to; refused if the name leads anywhere inside, unless the installation allows it."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise CallError(f"{host}: {error}") from error
    if not settings.SIGN_ON_PRIVATE_NETWORKS and not all(_is_public(ipaddress.ip_address(text)) for text in found):
        raise CallError(f"{host}: leads to an address that is not public")
    return sorted(found)[0]


# IPv6 addresses that stand for one of IPv4 behind a translator (RFC 6052), and two kinds that `is_global` lets pass:
# translators of the house itself (RFC 8215) and addresses of the form ::192.0.2.1.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_INSIDE = (ipaddress.ip_network("64:ff9b:1::/48"), ipaddress.ip_network("::/96"))


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if address.is_multicast or not address.is_global:
        return False
    if address.version == 4:
        return True
    if address in _TRANSLATED:
        return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour is not None:
        return _is_public(address.sixtofour)
    return not (address.is_site_local or any(address in network for network in _INSIDE))
