"""The portal's settings, made quick and self-contained for tests."""

from hamm_security.settings import *  # noqa: F403
from hamm_security.settings import DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SECOND_FACTOR_OPTIONAL = True
# Whoever a fixture has signed in counts as confirmed, however slow the machine is.
CONFIRM_MINUTES = 24 * 60
# Five times the zones; what they find has tests of its own.
SCAN_STREETS = False
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WHITENOISE_AUTOREFRESH = True
CELERY_RESULT_BACKEND = "cache+memory://"
# Tests of limits set their own.
RATE_LIMITS = {}
# One test database, created and migrated by the owner's login; the other logins look at the same.
DATABASES = {
    "default": DATABASES["default"] | {"TEST": {"MIRROR": "owner"}},
    "owner": DATABASES["owner"],
    "builder": DATABASES["builder"] | {"TEST": {"MIRROR": "owner"}},
}
