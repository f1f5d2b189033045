"""One running platform for all tests of this folder that ask for it."""

import pytest
from stack import Stack, platform


@pytest.fixture(scope="session")
def services() -> Stack:
    with platform() as running:
        yield running
