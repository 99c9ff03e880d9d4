"""How often something may be done: counters in the shared cache, one per caller and window of time.

`settings.RATE_LIMITS` names each limit with its number and its window in seconds; a name that is not there is not
limited. Windows are fixed, so that counting is one atomic step in the cache, whichever process counts.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import math
import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def counted_address(request: HttpRequest) -> str | None:
    """Whose failures and calls are counted together. Of IPv6 the network: one house holds 2^64 addresses of it."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None
    if address.version == 4:
        return str(address)
    # A server that listens on both kinds writes IPv4 callers so; they are not one network.
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.IPv6Address(int(address) >> 64 << 64))


def address_of(request: HttpRequest) -> str:
    """Who calls without a name."""
    return f"address:{counted_address(request) or 'unknown'}"


def count(name: str, who: str) -> int:
    """Count one more; return 0 within the limit, else the seconds until the window ends."""
    return _ask(name, who, more=1)


def look(name: str, who: str) -> int:
    """Return the seconds to wait if the limit is used up already, without counting."""
    return _ask(name, who, more=0)


def _ask(name: str, who: str, *, more: int) -> int:
    if name not in settings.RATE_LIMITS:
        return 0
    most, window_s = settings.RATE_LIMITS[name]
    now = time.time()
    number = int(now // window_s)
    key = f"limit:{name}:{hashlib.sha256(who.encode()).hexdigest()[:32]}:{number}"
    try:
        cache.add(key, 0, timeout=2 * window_s)
        used = cache.incr(key, more)
    except RedisError:
        # Without the cache the portal goes on: failed sign-ons are counted in the database as well.
        logger.warning("The cache does not answer; the limit %s is not kept.", name)
        return 0
    # Looking asks whether one more would fit.
    if used + (1 - more) <= most:
        return 0
    return max(1, math.ceil((number + 1) * window_s - now))
