"""What makes the log tamper-evident: the chain of seals over its entries, and where it begins after a deletion.

Rows of these tables are written by functions inside the database (migration `audit_chain`), never by the ORM.
"""

from __future__ import annotations

import pgtrigger
from django.db import models


class UnsealedEntry(models.Model):
    """An entry of the log that waits for its seal. A trigger files it with the entry, in the same transaction."""

    entry_id = models.BigIntegerField(primary_key=True)

    class Meta:
        verbose_name = "Eintrag ohne Siegel"
        verbose_name_plural = "Einträge ohne Siegel"


class AuditSeal(models.Model):
    """The place of one entry in the chain. Positions have no gaps; `digest` follows from all rows before."""

    position = models.BigIntegerField(primary_key=True)
    entry_id = models.BigIntegerField(unique=True)
    content = models.BinaryField("SHA-256 des Eintrags", max_length=32)
    digest = models.BinaryField("SHA-256 der Kette", max_length=32)
    sealed_at = models.DateTimeField("versiegelt am")

    class Meta:
        verbose_name = "Siegel"
        verbose_name_plural = "Siegel"
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),)


class AuditCheckpoint(models.Model):
    """Entries up to this position were deleted at the end of their term; the chain goes on from `digest`."""

    position = models.BigIntegerField(primary_key=True)
    digest = models.BinaryField("SHA-256 der Kette", max_length=32)
    entries = models.BigIntegerField("gelöschte Einträge")
    older_than = models.DateTimeField("gelöscht wurde, was älter ist als")
    purged_at = models.DateTimeField("gelöscht am")

    class Meta:
        verbose_name = "Löschvermerk des Protokolls"
        verbose_name_plural = "Löschvermerke des Protokolls"
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),)
