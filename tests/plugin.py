"""Start a private PostgreSQL before pytest-django reads the settings (`-p tests.plugin`).

TEST_DATABASE_URL names another server to use instead. The workers of pytest-xdist share the controller's.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hamm_security.local.postgres import DISPOSABLE, Cluster


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or _start_cluster(early_config)
        os.environ |= {
            "SECRET_KEY": secrets.token_urlsafe(64),
            "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
            "BROKER_URL": "memory://",
            "INSECURE_HTTP": "1",
        }
        for name in ("DEBUG", "RELEASE", "DB_POOL", "CACHE_URL", "TILE_URL", "EMAIL_HOST", "TRUSTED_PROXY_COUNT"):
            os.environ.pop(name, None)
    return (yield)


def _start_cluster(config: pytest.Config) -> str:
    folder = Path(tempfile.mkdtemp(prefix="hamm-test-"))
    folder.chmod(0o711)  # where the server runs as another account it must reach its own folders inside
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    cluster = Cluster(folder, options=dict(DISPOSABLE))
    config.add_cleanup(lambda: cluster.stop(immediately=True))
    cluster.start()
    cluster.create_database("hamm")
    return cluster.url("hamm")
