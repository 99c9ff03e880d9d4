"""Builds the picture of today twice, prints durations and peak memory as JSON, and rolls everything back."""

import importlib
import json
import logging
import resource
import sys
from time import perf_counter

import django
from django.db import transaction
from django.utils import timezone


def main() -> None:
    django.setup()
    logging.disable(logging.WARNING)
    models = importlib.import_module("lagebild.models")
    build_picture = importlib.import_module("lagebild.actions").build_picture
    context = importlib.import_module("agencies.wall.context")
    with context.builder_login():
        # As if it were the first night: nothing released yet, no picture from the same records.
        models.ReleasedAtom.objects.all().delete()
        models.ReleasedBlock.objects.all().delete()
        models.Picture.objects.update(input_sha256="")
        marks = [perf_counter()]
        for _ in range(2):
            build_picture(date=timezone.localdate())
            marks.append(perf_counter())
        transaction.set_rollback(True)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    measured = {"first_s": marks[1] - marks[0], "again_s": marks[2] - marks[1], "peak_mib": peak_mib}
    sys.stdout.write(json.dumps({name: round(value, 2) for name, value in measured.items()}))


if __name__ == "__main__":
    main()
