"""Generates gen/palabre/contracts; with --check, says whether it is current."""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE / "gen" / "palabre" / "contracts"


def generate(out: Path) -> None:
    protos = sorted(str(p.relative_to(HERE)) for p in HERE.glob("palabre/**/*.proto"))
    outputs = [f"--{kind}_out={out}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{HERE}", *outputs, *protos]
    subprocess.run(command, check=True, cwd=HERE)


def contents(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*_pb2*") if path.suffix in (".py", ".pyi"))
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def main() -> int:
    if "--check" not in sys.argv:
        generate(HERE / "gen")
        return 0
    with tempfile.TemporaryDirectory() as fresh:
        generate(Path(fresh))
        current = contents(PACKAGE) == contents(Path(fresh) / "palabre" / "contracts")
    sys.stderr.write("" if current else "proto/gen is out of date: run `make proto`\n")
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main())
