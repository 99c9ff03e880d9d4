import h3.api.basic_int as h3
import numpy as np
import pytest

from lagebild.stats.grid import build_grid

CITY_CENTRE = h3.latlng_to_cell(51.68, 7.82, 9)


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
