import os
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import pytest

from lagebild.stats.grid import build_grid

CITY_CENTRE = h3.latlng_to_cell(51.68, 7.82, 9)


@pytest.fixture(scope="session")
def shared():
    """Folder of loading and reference data, which is no part of the project."""
    beside = Path(__file__).resolve().parents[2].parent / "shared"
    folder = Path(os.environ.get("HAMM_SHARED", beside))
    if not (folder / "data" / "reference").is_dir():
        pytest.skip(f"no reference data in {folder}; set HAMM_SHARED to the folder that holds data/reference")
    return folder


@pytest.fixture(scope="session")
def city():
    """A round city of 2,437 cells of resolution 9."""
    return build_grid(h3.grid_disk(CITY_CENTRE, 28))


@pytest.fixture(scope="session")
def quarter():
    """37 cells: the disk of radius 3."""
    return build_grid(h3.grid_disk(CITY_CENTRE, 3))


@pytest.fixture
def rng():
    return np.random.default_rng(20260105)
