"""What must hold for the repository as a whole."""

import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

ROOT = Path(settings.BASE_DIR)
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock")
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:home|root|work|Users|opt|mnt)/[\w.-]")
TEXT = {
    ".py",
    ".toml",
    ".yml",
    ".yaml",
    ".md",
    ".html",
    ".js",
    ".css",
    ".json",
    ".geojson",
    ".typ",
    ".lock",
    ".txt",
    "",
}
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "services.py", "services", "managers.py", "signals.py"}


def project_files() -> list[Path]:
    """Return the tracked files, or, in an unpacked archive without git, every file that would be tracked."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    skipped = {".venv", ".local", ".git", "__pycache__", "node_modules", "staticfiles", "media"}
    found = (path for path in ROOT.rglob("*") if path.is_file())
    return [path for path in found if not skipped & set(path.relative_to(ROOT).parts)]


FILES = project_files()


def test_the_search_sees_the_project():
    assert {"manage.py", "hamm_security/settings.py", "Makefile"} <= {str(path.relative_to(ROOT)) for path in FILES}


@pytest.mark.parametrize("name", LOCKS)
def test_lock_is_pinned_by_hash_and_names_no_address(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "--index" not in text
    requirements = re.findall(r"^([a-z0-9][\w.-]*)(\S*)", text, re.MULTILINE)
    assert len(requirements) > 0
    assert all(version.startswith("==") for _, version in requirements)
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= len(requirements)


def test_no_file_names_a_path_of_somebodys_machine():
    found = []
    for path in FILES:
        relative = path.relative_to(ROOT)
        if path.suffix not in TEXT or "vendor" in relative.parts or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if MACHINE_PATH.search(line):
                found.append(f"{relative}:{number}: {line.strip()[:100]}")
    assert found == []


def test_no_catch_all_modules():
    assert [path for path in FILES if FORBIDDEN_NAMES & set(path.relative_to(ROOT).parts)] == []


def test_templates_carry_no_inline_script_style_or_handler():
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")|<style|\sstyle=|\son[a-z]+=", re.IGNORECASE
    )
    found = [str(p.relative_to(ROOT)) for p in FILES if p.suffix == ".html" and inline.search(p.read_text())]
    assert found == []


def test_continuous_integration_runs_make_test():
    text = (ROOT / ".ci" / "run").read_text()
    assert "make test" in text
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.django_db
def test_every_model_change_has_its_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_system_check_finds_nothing():
    call_command("check", fail_level="WARNING")
