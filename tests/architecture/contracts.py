"""python -m tests.architecture.contracts: buf lints proto/ and guards against breaking changes.

`released.binpb` is what was released last; `--release` makes it anew.
"""

import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "1.75.0"
TOOLS = Path(".tools/buf")
BUF = TOOLS / "node_modules" / ".bin" / "buf"
RELEASED = "released.binpb"


def install() -> bool:
    """buf comes as an npm package; False when there is no npm."""
    if BUF.exists():
        return True
    if not shutil.which("npm"):
        return False
    TOOLS.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--silent", "--prefix", str(TOOLS), f"@bufbuild/buf@{VERSION}"]
    subprocess.run(command, check=True)
    return True


def buf(*arguments: str) -> int:
    return subprocess.run([BUF.resolve(), *arguments], cwd="proto", check=False).returncode


def main() -> int:
    if not install():
        sys.stderr.write("buf was not run: it needs npm\n")
        return 0
    if "--release" in sys.argv:
        return buf("build", "-o", RELEASED)
    return buf("lint") or buf("breaking", "--against", RELEASED)


if __name__ == "__main__":
    sys.exit(main())
