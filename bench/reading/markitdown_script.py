# /// script
# requires-python = ">=3.12"
# dependencies = ["markitdown[docx,pdf,pptx]==0.1.8"]
# ///
"""What markitdown makes of the files in a folder, as JSON."""

import json
import resource
import sys
import time
from pathlib import Path


def main() -> None:
    begun = time.perf_counter()
    from markitdown import (  # type: ignore[import-not-found]
        MarkItDown,
        MarkItDownException,
    )

    converter = MarkItDown(enable_plugins=False)
    start = time.perf_counter() - begun
    markdown = {}
    for file in sorted(Path(sys.argv[1]).iterdir()):
        try:
            markdown[file.name] = converter.convert(file).markdown
        except MarkItDownException:
            markdown[file.name] = ""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"start_s": start, "peak_mb": peak, "markdown": markdown}))


if __name__ == "__main__":
    main()
