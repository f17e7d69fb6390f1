"""Settings of the whole suite."""

import gc

import pytest
from hypothesis import settings

# On a machine that does other things too, any example may take long.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


def pytest_configure(config):
    """Leave out the long runs, unless `-m` asks for them: pytest would forget one in addopts."""
    asked = config.option.markexpr
    parts = [f"({asked})"] if asked else []
    parts += [f"not {long}" for long in ("slow", "nightly") if long not in asked]
    config.option.markexpr = " and ".join(parts)


@pytest.fixture(autouse=True, scope="module")
def _suite_out_of_the_collectors_sight():
    """Freeze what is there: a pass over 20,000 collected tests takes a third of a second."""
    gc.collect()
    gc.freeze()
