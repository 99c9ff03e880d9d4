"""`make bench`: one JSON object per line. See docs/benchmarks.md."""

import importlib
import logging

import django


def main() -> None:
    django.setup()
    logging.disable(logging.WARNING)
    importlib.import_module("tests.bench.stages").main()


if __name__ == "__main__":
    main()
