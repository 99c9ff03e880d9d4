"""Start a private PostgreSQL before pytest-django reads the settings (`-p tests.plugin`).

TEST_DATABASE_URL names another server to use instead, with a superuser's login. The workers of pytest-xdist share the
controller's. The portal under test uses the web login, as everywhere; only in the test server may that login also
change to the owner's and the builder's role, so that a test can set its stage in the transaction it looks at.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from hamm_security.local.postgres import BUILDER, DISPOSABLE, OWNER, WEB, Cluster, create_logins, mark_leakproof

UNSET = ("DEBUG", "RELEASE", "DB_POOL", "CACHE_URL", "TILE_URL", "EMAIL_HOST", "TRUSTED_PROXY_COUNT")
DEFAULTED = ("PORTAL_NAME", "MARKING", "METRIC_EPSG", "LOCAL_TIME_ZONE", "CSRF_TRUSTED_ORIGINS", "SESSION_IDLE_MINUTES")
DEFAULTED += ("SESSION_MAX_HOURS", "CONFIRM_MINUTES", "INVITATION_DAYS", "SIGN_ON_PRIVATE_NETWORKS")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="hamm-test-"))
        folder.chmod(0o711)  # where the server runs as another account it must reach its own folders inside
        early_config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        addresses = _addresses(os.environ.get("TEST_DATABASE_URL") or _start_cluster(early_config, folder))
        for name in UNSET + DEFAULTED:
            os.environ.pop(name, None)
        os.environ |= {
            # Importing the project has named its own settings by now, and the variable beats the ini file.
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            **addresses,
            "SECRET_KEY": secrets.token_urlsafe(64),
            "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
            "BROKER_URL": "memory://",
            "MEDIA_ROOT": str(folder / "media"),
            "INSECURE_HTTP": "1",
        }
    return (yield)


def _start_cluster(config: pytest.Config, folder: Path) -> str:
    cluster = Cluster(folder, options=dict(DISPOSABLE))
    config.add_cleanup(lambda: cluster.stop(immediately=True))
    cluster.start()
    cluster.create_database("hamm")
    return cluster.url("hamm")


def _addresses(superuser_url: str) -> dict[str, str]:
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        create_logins(connection)
        connection.execute(f"ALTER ROLE {OWNER} CREATEDB")
        connection.execute(f"GRANT {OWNER}, {BUILDER} TO {WEB}")
    # Test databases are copies of the template.
    with psycopg.connect(superuser_url, dbname="template1", autocommit=True) as connection:
        mark_leakproof(connection)
    logins = {"DATABASE_URL": WEB, "DATABASE_OWNER_URL": OWNER, "DATABASE_BUILDER_URL": BUILDER}
    return {name: make_conninfo(superuser_url, user=login) for name, login in logins.items()}
