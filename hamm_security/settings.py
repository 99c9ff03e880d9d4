"""All settings, read from the environment. What is missing stops the start; nothing has an insecure default."""

import os
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg import Connection, ProgrammingError
from psycopg.conninfo import conninfo_to_dict

BASE_DIR = Path(__file__).resolve().parent.parent
PORTAL_VERSION = "0.1.0"


def required(name: str, advice: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(f"The environment variable {name} is missing. {advice}")
    return value


def flag(name: str) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in {"", "0", "false", "no", "off"}:
        return False
    if value in {"1", "true", "yes", "on"}:
        return True
    raise ImproperlyConfigured(f"The environment variable {name} must be 1 or 0, not {value!r}.")


def number(name: str, default: int) -> int:
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdigit():
        raise ImproperlyConfigured(f"The environment variable {name} must be a whole number, not {value!r}.")
    return int(value)


def words(name: str) -> list[str]:
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def as_new(connection: Connection) -> None:
    """Whatever a request has set on a pooled connection ends with it and waits there for no other."""
    connection.autocommit = True
    connection.execute("DISCARD ALL")
    connection.execute("SELECT set_config('TimeZone', 'UTC', false)")


def database(name: str, url: str, *, pool: bool = False) -> dict:
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ImproperlyConfigured(
            f"{name} cannot be read. Write it as postgresql://USER:PASSWORD@HOST:PORT/NAME "
            "or postgresql:///NAME?host=/SOCKET/FOLDER&user=USER."
        ) from error
    if not parts.get("dbname"):
        raise ImproperlyConfigured(f"{name} names no database. Append its name: postgresql://…/NAME.")
    if not parts.get("user"):
        raise ImproperlyConfigured(f"{name} names no login. Write it as postgresql://USER:PASSWORD@HOST:PORT/NAME.")
    fields = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    config = {key: str(parts.pop(field, "") or "") for key, field in fields.items()}
    options = {**parts, "pool": {"min_size": 1, "max_size": 8, "timeout": 10, "reset": as_new}} if pool else parts
    return {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 0, "OPTIONS": options, **config}


def tile_address(url: str) -> str | None:
    """Where browsers, and only browsers, fetch map tiles. Its origin goes into the content policy."""
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme != "https" or not re.fullmatch(r"[a-z0-9.-]+(:\d+)?", parts.netloc, re.ASCII | re.IGNORECASE):
        raise ImproperlyConfigured(
            "TILE_URL must be an https address without user name and password, "
            "such as https://tiles.example/{z}/{x}/{y}.png."
        )
    return url


def further_login(name: str) -> dict:
    """A login only some processes are given; using it where it is missing raises ImproperlyConfigured."""
    url = os.environ.get(name, "").strip()
    return database(name, url) if url else {"ENGINE": "django.db.backends.dummy"}


# Start-up

DEBUG = flag("DEBUG")
RELEASE = flag("RELEASE")
INSECURE_HTTP = flag("INSECURE_HTTP")
SECRET_KEY = required(
    "SECRET_KEY",
    "Set it to a long random text that only this installation knows, "
    'for example the output of: python3 -c "import secrets; print(secrets.token_urlsafe(64))"',
)
if len(SECRET_KEY) < 40:
    raise ImproperlyConfigured("SECRET_KEY is too short. Set it to a random text of at least 40 characters.")
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = words("ALLOWED_HOSTS")
if DEBUG:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
if not ALLOWED_HOSTS:
    required("ALLOWED_HOSTS", "Set it to the host names under which the portal is reached, separated by commas.")
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS")
TRUSTED_PROXY_COUNT = number("TRUSTED_PROXY_COUNT", 0)

# The portal

PORTAL_NAME = os.environ.get("PORTAL_NAME") or "Sicherheitskooperation Hamm"
MARKING = os.environ.get("MARKING") or "Nur für die Sicherheitskooperation – intern"
METRIC_EPSG = number("METRIC_EPSG", 25832)
LOCAL_TIME_ZONE = os.environ.get("LOCAL_TIME_ZONE") or "Europe/Berlin"
if LOCAL_TIME_ZONE not in available_timezones():
    raise ImproperlyConfigured(f"LOCAL_TIME_ZONE {LOCAL_TIME_ZONE!r} is unknown. Use a name such as Europe/Berlin.")
SCAN_STREETS = bool(number("SCAN_STREETS", 1))
TILE_URL = tile_address(os.environ.get("TILE_URL", "").strip())
TILE_ATTRIBUTION = os.environ.get("TILE_ATTRIBUTION", "")

# Django

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "guardian",
    "pgtrigger",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "axes",
    "csp",
    "agencies",
    "incidents",
    "lagebild",
    "conferences",
]
MIDDLEWARE = [
    "hamm_security.middleware.client_address",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "hamm_security.middleware.answer_headers",
    "csp.middleware.CSPMiddleware",
    "hamm_security.errors.method_page",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "agencies.sessions.session_limits",
    "django.middleware.common.CommonMiddleware",
    "hamm_security.limits.RequestSize",
    "hamm_security.limits.RequestRate",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "hamm_security.refusals.refusals_logged",
    "hamm_security.middleware.acting",
    "agencies.purpose.purpose_of_session",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "agencies.factors.second_factor",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "hamm_security.urls"
WSGI_APPLICATION = "hamm_security.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "hamm_security.context.portal",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Three logins to one database: the web login works under row-level security, the owner's belongs to migrations, the
# builder's counts what is shared with the picture.
DATABASES = {
    "default": database(
        "DATABASE_URL",
        required("DATABASE_URL", "Set it to the PostgreSQL database: postgresql://USER:PASSWORD@HOST:PORT/NAME."),
        pool=flag("DB_POOL"),
    )
    | {"ATOMIC_REQUESTS": True},
    "owner": further_login("DATABASE_OWNER_URL"),
    "builder": further_login("DATABASE_BUILDER_URL"),
}
if DATABASES["default"]["USER"] in {DATABASES["owner"].get("USER"), DATABASES["builder"].get("USER")}:
    raise ImproperlyConfigured(
        "DATABASE_URL uses the owner's or the builder's login. Give the portal a login of its own, "
        "which owns no table and does not bypass row-level security."
    )
BROKER_URL = required("BROKER_URL", "Set it to the Redis or Valkey server: redis://HOST:6379/0.")
CACHE_URL = os.environ.get("CACHE_URL", "").strip()
if RELEASE and not CACHE_URL:
    # Limits hold only if all processes count together.
    is_usable = urlsplit(BROKER_URL).scheme in {"redis", "rediss", "unix"}
    CACHE_URL = BROKER_URL if is_usable else required("CACHE_URL", "Set it to a Redis or Valkey server.")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if CACHE_URL:
    # JSON instead of the pickle default: who can write to the cache must not be able to run code.
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        "OPTIONS": {"serializer": "django.core.signing.JSONSerializer"},
    }

# Language, numbers, time

LANGUAGE_CODE = "de"
LANGUAGES = [("de", "Deutsch")]
USE_I18N = True
# Words of the frameworks in the portal's own tone; compiled by `msgfmt -o django.mo django.po`.
LOCALE_PATHS = [BASE_DIR / "hamm_security" / "locale"]
# Grouping every number would print the year 2.026; figures are grouped where they are printed (`intcomma`).
USE_THOUSAND_SEPARATOR = False
USE_TZ = True
TIME_ZONE = LOCAL_TIME_ZONE

# People

AUTH_USER_MODEL = "agencies.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "agencies.backends.VisibilityBackend",
    "django.contrib.auth.backends.ModelBackend",
]
ANONYMOUS_USER_NAME = None
# guardian.W001 asks for guardian's own backend; object permissions are answered by VisibilityBackend alone.
# security.W021 asks for the browsers' preload list, which binds the whole domain for years: the operator decides.
SILENCED_SYSTEM_CHECKS = ["guardian.W001", "security.W021"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "agencies.passwords.LengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "agencies.passwords.LocalWordsValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "start"
LOGOUT_REDIRECT_URL = "login"
# For a demonstration only: without it releases, leads, chair, data protection and administration need a second factor.
SECOND_FACTOR_OPTIONAL = flag("SECOND_FACTOR_OPTIONAL")
CONFIRM_MINUTES = number("CONFIRM_MINUTES", 15)
INVITATION_DAYS = number("INVITATION_DAYS", 7)
# Sign-on services of agencies: off, only those with a public address are called.
SIGN_ON_PRIVATE_NETWORKS = flag("SIGN_ON_PRIVATE_NETWORKS")
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "agencies.limits.counted_address"
AXES_USERNAME_CALLABLE = "agencies.lockout.account_digest"
AXES_LOCKOUT_CALLABLE = "agencies.lockout.locked_out"
AXES_DISABLE_ACCESS_LOG = True

# Browser security

_encrypted = not (DEBUG or INSECURE_HTTP)
SESSION_ENGINE = "agencies.sessions"
SESSION_MAX_HOURS = number("SESSION_MAX_HOURS", 12)
SESSION_COOKIE_AGE = 60 * number("SESSION_IDLE_MINUTES", 60)
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_EXPIRE_AT_BROWSER_CLOSE = False
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _encrypted
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-sitzung" if _encrypted else "sitzung"
CSRF_COOKIE_NAME = "__Host-formular" if _encrypted else "formular"
SECURE_SSL_REDIRECT = _encrypted
# The interface refuses what comes unencrypted instead of sending it on.
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$", r"^api/"]
SECURE_HSTS_SECONDS = 31_536_000 if _encrypted else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _encrypted
SECURE_HSTS_PRELOAD = flag("HSTS_PRELOAD")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
X_FRAME_OPTIONS = "DENY"
PERMISSIONS_POLICY = "camera=(), microphone=(), payment=(), usb=(), browsing-topics=(), geolocation=(self)"
_tile_origin = ["{0.scheme}://{0.netloc}".format(urlsplit(TILE_URL))] if TILE_URL else []
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", *_tile_origin],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

# Files

STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT") or BASE_DIR / "staticfiles") if RELEASE else None
STATICFILES_DIRS = [BASE_DIR / "hamm_security" / "static"]
WHITENOISE_USE_FINDERS = not RELEASE
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT") or BASE_DIR / "media")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"
        if RELEASE
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}
UPLOAD_MAX_BYTES = number("UPLOAD_MAX_BYTES", 50 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
FILE_UPLOAD_PERMISSIONS = 0o640

# How often: requests and seconds, per person, per key or, for whoever has no name, per address.

RATE_LIMITS = {
    "person": (600, 60),
    "visitor": (300, 60),
    "sign_on": (100, 300),
    "typing": (240, 60),
    "print": (30, 60),
    "export": (30, 600),
    "upload": (30, 600),
    "rebuild": (3, 600),
    "password": (10, 600),
    "access_link": (60, 3600),
    "password_mail": (3, 3600),
    "mail": (10, 600),
    "sign_on_service": (60, 300),
    "api_key": (1200, 60),
    "api_address": (6000, 60),
    "api_refused": (30, 60),
}

# Mail

EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
EMAIL_PORT = number("EMAIL_PORT", 587)
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = bool(EMAIL_HOST) and not flag("EMAIL_PLAIN")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL") or "portal@localhost"

# Interface for partner systems

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["agencies.api.auth.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["agencies.api.permissions.KeyScope"],
    "DEFAULT_PAGINATION_CLASS": "agencies.api.pagination.PagePagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["agencies.api.parsers.PlainJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["agencies.api.throttles.KeyThrottle"],
    "EXCEPTION_HANDLER": "agencies.api.problems.problem_details",
    "DATETIME_FORMAT": "iso-8601",
}
SPECTACULAR_SETTINGS = {
    "TITLE": f"{PORTAL_NAME} – Schnittstelle",
    "VERSION": "1.0.0",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "agencies.api.schema.add_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "RecordKind": "incidents.models.Kind",
        "AreaKind": "incidents.models.AreaKind",
        "FindingKind": "lagebild.models.FindingKind",
        "RecordStatus": "incidents.workflow.Status",
        "FindingStatus": "lagebild.models.FindingStatus",
        "ConferenceStatus": "conferences.models.ConferenceStatus",
        "MeasureStatus": "conferences.models.MeasureStatus",
        "Accuracy": "incidents.models.Accuracy",
        "PlacedAccuracy": "incidents.api.serializers.PLACED_ACCURACIES",
    },
}

# Background work

CELERY_BROKER_URL = BROKER_URL
CELERY_RESULT_BACKEND = BROKER_URL
CELERY_RESULT_EXPIRES = timedelta(days=1)
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TRACK_STARTED = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Longer than the longest time limit, or a task still running would be handed out a second time.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 4 * 3600}
CELERY_TIMEZONE = LOCAL_TIME_ZONE
# The nightly build and the search for dangers work with the builder's login; only workers of this queue need it.
BUILDER_TASKS = (
    *("rebuild_nightly", "do_night_part", "publish_picture", "check_dangers", "renew_null_pools", "renew_null_pool"),
    "look_back",
)
CELERY_TASK_ROUTES = {f"lagebild.tasks.{name}": {"queue": "builder"} for name in BUILDER_TASKS}
CELERY_BEAT_SCHEDULE = {
    "seal-audit": {"task": "agencies.tasks.seal_audit", "schedule": timedelta(minutes=1)},
    "tidy-sign-on": {"task": "agencies.tasks.tidy_sign_on", "schedule": crontab(hour=1, minute=15)},
    "keep-memberships": {"task": "agencies.tasks.keep_memberships", "schedule": crontab(hour=0, minute=20)},
    "withdraw-shared": {"task": "incidents.tasks.withdraw_pending", "schedule": timedelta(minutes=5)},
    "rebuild-picture": {"task": "lagebild.tasks.rebuild_nightly", "schedule": crontab(hour=2, minute=30)},
    "renew-null-pools": {
        "task": "lagebild.tasks.renew_null_pools",
        "schedule": crontab(hour=5, minute=0, day_of_week="sun"),
    },
    # After the picture: protected counts are released before the records behind them may go.
    "apply-retention": {"task": "lagebild.tasks.apply_retention", "schedule": crontab(hour=4, minute=0)},
}

# Logging

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL") or "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
    },
}
