# Every target works from a bare checkout with nothing but python3 (3.11 or later) and make.
.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test bench lint

PYTHON ?= python3
PORT ?= 8000
RECORDS ?=
TESTFLAGS ?= -n 2
VENV := .venv
PY := $(VENV)/bin/python

help:
	@echo "make demo [PORT=8000]  Portal mit Demonstrationsdaten starten (Strg+C beendet)"
	@echo "make demo-reset        Demonstrationsdaten verwerfen"
	@echo "make test              Prüfregeln und alle Tests"
	@echo "make lint              nur die Prüfregeln"
	@echo "make bench [RECORDS=…] [DATA=ORDNER]"
	@echo "                       Leistungsmessungen, eine JSON-Zeile je Messwert; ORDNER wird behalten"

# uv installs the hash-pinned lock in seconds; where it cannot, pip installs the same lock.
$(VENV)/installed: requirements-dev.lock requirements-uv.lock
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" \
		|| { echo "Es wird Python 3.11 oder neuer benötigt. Bitte installieren oder PYTHON=… angeben."; exit 1; }
	@echo "Die Programmumgebung wird eingerichtet (einmalig) …"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) \
		|| { echo "Die Umgebung kann nicht angelegt werden. Bitte das Paket python3-venv installieren."; exit 1; }
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock \
		&& $(PY) -m uv pip install -q --system-certs --python $(PY) --require-hashes -r requirements-dev.lock \
		|| $(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo:
	@$(PYTHON) hamm_security/local/port.py "$(PORT)"
	@$(MAKE) -s --no-print-directory $(VENV)/installed
	@$(PY) -m hamm_security.local demo --port $(PORT) $(if $(RECORDS),--records $(RECORDS))

demo-reset: $(VENV)/installed
	@$(PY) -m hamm_security.local reset

lint: $(VENV)/installed
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/bandit -q -c pyproject.toml -r agencies conferences hamm_security incidents lagebild manage.py

test: $(VENV)/installed lint
	@.ci/system_packages
	$(PY) -m pytest $(TESTFLAGS)

bench: $(VENV)/installed
	@$(PY) -m hamm_security.local $(if $(DATA),--data $(DATA) run,run --scratch) env RECORDS=$(RECORDS) python -m tests.bench
