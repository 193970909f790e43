# mypy: ignore-errors
"""What each rival goes through, in an environment of its own; a line of JSON per phase.

python rival.py all|ingest|reopen CORPUS FOLDER

CORPUS holds passages.jsonl and more.jsonl ({"text": …} a line) and questions.json. What is said on
the way ("at") tells the one who stops it how far it came.
"""

import json
import sys
import threading
import time
import zlib
from itertools import batched, cycle
from pathlib import Path

import numpy as np

SIZE = 384
PLACES = 6
BATCH = 500
SMALL_BATCH = 50
WARM = 20
PAUSE_S = 0.02
LONGEST_S = 60.0


class Words:
    """Hashed words (Weinberger et al. 2009), of length 1: near is what shares words.

    It stands in for a model, whose time is then not counted: what is measured is the store.
    """

    def vector(self, text):
        vector = np.zeros(SIZE, dtype=np.float32)
        for word in text.lower().split():
            code = zlib.crc32(word.encode())
            vector[code % SIZE] += 1 if code & 0x80000000 else -1
        return (vector / (np.linalg.norm(vector) or 1)).tolist()


def say(phase, **figures):
    print(json.dumps({"phase": phase, **figures}), flush=True)


def memory_mb(field):
    """VmRSS is now, VmHWM the most there was; files that are mapped count."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1e3
    return 0.0


def disk_mb(folder):
    return sum(f.stat().st_blocks * 512 for f in folder.rglob("*") if f.is_file()) / 1e6


def run(rival):
    """`rival` has make(folder), open(folder), add(texts), find(question), save(), grows."""
    mode, corpus, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    questions = json.loads((corpus / "questions.json").read_text(encoding="utf-8"))
    say("begun", memory_mb=memory_mb("VmRSS"))
    if mode == "reopen":
        reopen(rival, folder, questions)
        return
    ingest(rival, corpus / "passages.jsonl", folder)
    if mode == "all":
        alone(rival, questions)
        if rival.grows:
            during(rival, corpus / "more.jsonl", questions)
    begun = time.perf_counter()
    rival.save()
    say("saved", seconds=time.perf_counter() - begun, disk_mb=disk_mb(folder))
    say("peak", memory_mb=memory_mb("VmHWM"))


def ingest(rival, file, folder):
    folder.mkdir(parents=True, exist_ok=True)
    begun, cpu, done = time.perf_counter(), time.process_time(), 0
    rival.make(folder)
    if rival.grows:
        for batch in batched(texts(file), BATCH):
            rival.add(list(batch))
            done += len(batch)
            say("at", passages=done)
    else:
        everything = list(texts(file))
        rival.add(everything)
        done = len(everything)
    cpu_s = time.process_time() - cpu
    say("ingested", passages=done, seconds=time.perf_counter() - begun, cpu_s=cpu_s)


def alone(rival, questions):
    for question in questions[:WARM]:
        rival.find(question)
    begun, cpu, times = time.perf_counter(), time.process_time(), []
    for question in questions[WARM:]:
        times.append(timed(rival, question))
        if time.perf_counter() - begun > LONGEST_S:
            break
    say("alone", ms=times, cpu_ms=(time.process_time() - cpu) * 1_000 / len(times))


def during(rival, file, questions):
    """Others are added in one thread while questions are asked in another."""
    added, problems = [], []

    def add():
        for batch in batched(texts(file), SMALL_BATCH):
            rival.add(list(batch))
            added.append(len(batch))

    thread = threading.Thread(target=add, daemon=True)
    begun, times, asked = time.perf_counter(), [], cycle(questions)
    thread.start()
    while thread.is_alive() and time.perf_counter() - begun < LONGEST_S:
        try:
            times.append(timed(rival, next(asked)))
        except (RuntimeError, ValueError, KeyError, IndexError) as error:
            problems.append(f"{type(error).__name__}: {error}"[:80])
        time.sleep(PAUSE_S)
    rate = sum(added) / (time.perf_counter() - begun)
    say("during", ms=times, rate=rate, problems=len(problems), problem=(problems or [""])[0])
    thread.join()


def reopen(rival, folder, questions):
    begun = time.perf_counter()
    rival.open(folder)
    opened = time.perf_counter() - begun
    first = timed(rival, questions[0])
    say("reopened", seconds=opened, first_ms=first, memory_mb=memory_mb("VmRSS"))


def timed(rival, question):
    begun = time.perf_counter()
    found = rival.find(question)
    spent = (time.perf_counter() - begun) * 1_000
    if not found:
        raise SystemExit("nothing was found: the comparison is void")
    return spent


def texts(file):
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]
