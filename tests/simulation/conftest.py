import numpy as np
import pytest

from lagebild.simulation.city import synthetic_ground
from lagebild.simulation.settings import Setting


@pytest.fixture(scope="session")
def town():
    """127 cells."""
    return synthetic_ground(6)


@pytest.fixture
def rng():
    return np.random.default_rng(20261123)


@pytest.fixture
def plague():
    """Five hundred further cases a day: nothing can miss it."""
    return Setting("test-plague", "plague", 600, 500.0, ("scan", "poisson_7"), radius=6)
