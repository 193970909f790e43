"""Questions asked of documents on the command line, by the retriever's own code."""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from palabre.cli.eval import local, measuring, questions, runs
from palabre.cli.eval.commands import app
from palabre.cli.eval.outcomes import RIGHTLY, Ranks
from palabre.cli.eval.reports import Report
from palabre.cli.eval.searched import RunningSpace
from palabre.cli.eval.setting import Setting
from palabre.cli.server import Trouble

TEXTS = {
    "chauffage.md": "# Chauffage\n\nLe bailleur répare la chaudière collective sous deux jours.",
    "loyer.md": "# Loyer\n\nLe loyer se paie avant le cinq du mois, par virement.",
    "guides/prime.md": "---\ntier: agents\n---\n# Prime\n\nLa prime de Noël vaut cent euros.",
}
ASKED: list[dict[str, object]] = [
    {"question": "Qui répare la chaudière ?", "document": "chauffage.md", "kind": "courte"},
    {"question": "Quand payer le loyer ?", "document": "loyer.md", "passage": "avant le cinq"},
    {"question": "Combien vaut la prime de Noël ?", "document": None},
    {"question": "Quelle est la recette du cassoulet toulousain ?", "document": None},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in TEXTS.items():
        file = tmp_path / "documents" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "documents"


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    return written(tmp_path / "questions.jsonl", ASKED)


def written(file: Path, lines: Sequence[Mapping[str, object]]) -> Path:
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return file


async def evaluated(file: Path, folder: Path, *changes: str) -> Report:
    asked, files = questions.read(file), local.collect([folder])
    return await runs.of_documents(file, asked, files, ("fr",), Setting().varied(changes))


async def test_questions_find_their_documents_and_the_rest_finds_nothing(
    asked: Path, folder: Path
) -> None:
    report = await evaluated(asked, folder)
    assert [outcome.asked.places for outcome in report.outcomes[:2]] == [(1,), (1,)]
    assert report.outcomes[1].passages_asked == Ranks((1,), 1)
    assert report.figures[RIGHTLY].value == 1
    assert report.searched["documents"] == 3
    assert report.questions["unanswerable"] == 2


async def test_only_who_may_read_a_document_finds_it(tmp_path: Path, folder: Path) -> None:
    prime: dict[str, object] = {
        "question": "Combien vaut la prime de Noël ?",
        "document": "guides/prime.md",
    }
    lines = [
        prime,
        prime | {"groups": ["agents"]},
        prime | {"groups": ["agents"], "tier": "public"},
    ]
    report = await evaluated(written(tmp_path / "q.jsonl", lines), folder)
    assert [outcome.asked.places for outcome in report.outcomes] == [(), (1,), ()]


async def test_the_floor_decides_whether_anything_is_found(tmp_path: Path, folder: Path) -> None:
    line = {"question": "Quel loyer pour un chalet en montagne avec piscine ?", "document": None}
    file = written(tmp_path / "q.jsonl", [line])
    assert (await evaluated(file, folder)).outcomes[0].nothing
    assert not (await evaluated(file, folder, "floor=0")).outcomes[0].nothing


async def test_a_field_can_be_left_out(tmp_path: Path, folder: Path) -> None:
    file = written(tmp_path / "q.jsonl", [{"question": "virement", "document": "loyer.md"}])
    letters = await evaluated(file, folder, "fields=letters")
    assert letters.searched["setting"]["fields"] == ["letters"]
    assert letters.outcomes[0].asked.places == (1,)
    title = await evaluated(file, folder, "fields=title")
    assert title.outcomes[0].all.places == ()


async def test_questions_are_asked_again_without_their_documents(asked: Path, folder: Path) -> None:
    files = local.collect([folder])
    report = await runs.of_documents(asked, questions.read(asked), files, ("fr",), Setting(), 2)
    assert [o.kind for o in report.outcomes[4:]] == ["document left out"] * 2
    assert all(o.nothing and not o.answerable for o in report.outcomes[4:])
    assert report.searched["documents"] == 3
    assert report.questions["unanswerable"] == 4


async def test_documents_of_an_archive_are_searched_and_left_out(
    asked: Path, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "fiches.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name in TEXTS:
            archive.write(folder / name, name)
    wanted = ["fiches.zip/chauffage.md", "fiches.zip/loyer.md"]
    lines = [line | {"document": name} for line, name in zip(ASKED, wanted, strict=False)]
    questions_of = written(tmp_path / "q.jsonl", lines)
    report = await runs.of_documents(
        questions_of, questions.read(questions_of), local.collect([file]), ("fr",), Setting(), 2
    )
    assert [o.asked.places for o in report.outcomes] == [(1,), (1,), (), ()]
    assert report.searched["documents"] == 3


async def test_the_first_places_go_to_other_documents(tmp_path: Path, folder: Path) -> None:
    sections = (f"## Vélo {n}\n\nLe vélo {n} va à la cave." for n in range(4))
    (folder / "velo.md").write_text("# Vélo\n\n" + "\n\n".join(sections))
    (folder / "cave.md").write_text("# Sous-sol\n\nDans la cave, un vélo gêne le passage de tous.")
    line = {"question": "vélo à la cave", "document": ["velo.md", "cave.md"]}
    file = written(tmp_path / "q.jsonl", [line])
    assert (await evaluated(file, folder)).outcomes[0].asked.places == (1, 2)
    assert (await evaluated(file, folder, "documents=0")).outcomes[0].asked.places == (1, 5)


async def test_passages_can_be_cut_shorter(asked: Path, folder: Path) -> None:
    (folder / "long.md").write_text("# Long\n\n" + "Une phrase assez longue. " * 40)
    whole = await evaluated(asked, folder)
    shorter = await evaluated(asked, folder, "passage_characters=200")
    assert whole.searched["passages"] < shorter.searched["passages"]


async def test_passages_can_be_cut_for_a_model_that_reads_little(asked: Path, folder: Path) -> None:
    (folder / "long.md").write_text("# Long\n\n" + "Une phrase assez longue. " * 30)
    whole = await evaluated(asked, folder, "embedding_engine=words")
    parted = await evaluated(asked, folder, "embedding_engine=words", "embedding_tokens=40")
    assert parted.searched["setting"]["embedding_tokens"] == 40
    assert whole.searched["passages"] < parted.searched["passages"]


async def test_engines_are_set_up_as_those_of_a_server(asked: Path, folder: Path) -> None:
    changes = ("embedding_engine=words", "reranker_engine=words", "reranker_floor=0.6")
    report = await evaluated(asked, folder, *changes)
    setting = report.searched["setting"]
    assert setting["embedding_engine"] == setting["reranker_engine"] == "words"
    assert report.floor == setting["reranker_floor"] == 0.6
    assert report.outcomes[0].asked.places == (1,)


async def test_an_engine_that_is_not_there_is_refused(asked: Path, folder: Path) -> None:
    with pytest.raises(Trouble, match="there is no engine 'magic'"):
        await evaluated(asked, folder, "embedding_engine=magic")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("flor=1", "no such setting: write NAME=VALUE, with one of floor"),
        ("floor", "no such setting"),
        ("reranker_api_key=x", "no such setting"),
        ("reranker_candidates=many", "valid integer"),
        ("floor=two", "could not convert"),
        ("floor=2", "from 0 to 1"),
        ("documents=11", "0 to 10"),
        ("passage_characters=10", "at least 100"),
        ("fields=body", "choose among text"),
        ("embedding_tokens=8", "choose 0, or at least 32"),
    ],
)
def test_a_setting_that_is_none_is_refused(change: str, reason: str) -> None:
    with pytest.raises(Trouble, match=reason):
        Setting().varied([change])


async def test_a_question_for_a_missing_document_is_refused(tmp_path: Path, folder: Path) -> None:
    file = written(tmp_path / "q.jsonl", [{"question": "Qui ?", "document": "loyers.md"}])
    with pytest.raises(Trouble, match=r"did you mean loyer\.md"):
        await evaluated(file, folder)


async def test_a_document_that_cannot_be_read_is_told_and_the_rest_goes_on(
    asked: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "vide.md").write_text("", encoding="utf-8")
    report = await evaluated(asked, folder)
    assert report.searched["documents"] == 3
    assert "vide.md: is empty" in capsys.readouterr().err


def test_documents_of_the_same_name_are_refused(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "loyer.md"
    other.parent.mkdir()
    other.write_text("# Autre", encoding="utf-8")
    with pytest.raises(Trouble, match=r"would both be loyer\.md"):
        local.collect([folder / "loyer.md", other])


async def test_latency_is_that_of_the_question_as_asked(asked: Path, folder: Path) -> None:
    ticks: Iterator[float] = map(float, count())
    async with local.opened(Setting(), ("fr",)) as searched:
        await searched.take_in(local.collect([folder]), lambda told: None)
        outcomes = await measuring.ask_all(
            searched, questions.read(asked), lambda: None, lambda: next(ticks)
        )
    assert [outcome.ms for outcome in outcomes] == [1_000] * 4


async def test_a_running_space_is_asked_over_http(asked: Path) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.url.path}?{request.url.query.decode()}")
        if request.url.path.endswith("/documents"):
            names = [{"document": name} for name in TEXTS]
            return httpx.Response(200, json={"documents": names})
        passage = {"document": "loyer.md", "text": "Le loyer.", "relevance": 0.8}
        return httpx.Response(200, json={"passages": [passage]})

    transport = httpx.MockTransport(answer)
    with httpx.Client(transport=transport, base_url="http://test") as client:
        report = await runs.of(RunningSpace(client, "demo"), asked, questions.read(asked))
    assert [outcome.asked.places for outcome in report.outcomes[:2]] == [(), (1,)]
    assert report.searched == {"space": "demo", "url": "http://test"}
    assert any("limit=10&floor=false" in line for line in seen)


async def test_a_running_space_cannot_ask_for_another_person(tmp_path: Path) -> None:
    line = {"question": "Qui ?", "document": None, "groups": ["agents"]}
    file = written(tmp_path / "q.jsonl", [line])
    with (
        httpx.Client(base_url="http://test") as client,
        pytest.raises(Trouble, match="line 1: groups and tier are for documents"),
    ):
        await RunningSpace(client, "demo").find(questions.read(file)[0], floor=True)


def test_the_command_shows_keeps_draws_and_compares(asked: Path, folder: Path) -> None:
    kept, drawn = asked.with_name("a.json"), asked.with_name("a.svg")
    arguments = [str(asked), str(folder), "--json", str(kept), "--chart", str(drawn)]
    shown = CliRunner().invoke(app, [*arguments, "--misses", "3"])
    assert shown.exit_code == 0, shown.output
    assert "recall@5" in shown.output
    assert "courte" in shown.output
    assert drawn.read_text(encoding="utf-8").startswith("<svg")
    again = CliRunner().invoke(app, ["compare", str(kept), str(kept)])
    assert "the same" in again.output
    varied = CliRunner().invoke(app, [str(asked), str(folder), "--against", "floor=1"])
    assert varied.exit_code == 0, varied.output
    assert "B: floor 1.0" in varied.output


@pytest.mark.parametrize(
    "more", [["--space", "demo", "documents"], ["--set", "floor=0"], ["--leave-out", "5"]]
)
def test_a_space_and_documents_are_not_mixed(asked: Path, more: list[str]) -> None:
    refused = CliRunner().invoke(app, [str(asked), *more])
    assert isinstance(refused.exception, Trouble)
