"""Statistics of the situation picture: arrays in, frozen dataclasses out; no database, request, clock or file."""
