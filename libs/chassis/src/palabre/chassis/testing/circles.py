"""Whether what is done with is let go at once."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def no_circles_of(kind: type) -> Iterator[None]:
    """What comes up of this kind while entered is gone when left, without the collector.

    It finds circles of references, in a long-lived process minutes later: until then what each
    question leaves in one adds up.
    """
    gc.collect()
    gc.disable()
    try:
        before = _alive(kind)
        yield
        if _alive(kind) > before:
            raise AssertionError(f"{kind.__name__} lies in a circle of references")
    finally:
        gc.enable()


def _alive(kind: type) -> int:
    return sum(type(each) is kind for each in gc.get_objects())
