"""What holds for every test."""

import os

# pytest imports readline, which tells every process that is begun then how wide a terminal is;
# rich would believe it, and not what a test says.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)
