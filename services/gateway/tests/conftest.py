from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from palabre.gateway import database


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database of its own, with all tables."""
    made = database.connect(database.address("", tmp_path))
    await database.migrate(made)
    yield made
    await made.dispose()
