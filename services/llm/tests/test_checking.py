"""palabre engines check, as far as llm does it: what works, what it costs, what to do."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from palabre.contracts.v1 import llm_pb2 as pb
from palabre.llm import engines
from palabre.llm.checking import Checking
from palabre.llm.ladder import Ladder
from palabre.llm.prices import Prices
from palabre.llm.settings import Endpoint, Settings
from tests.standins.model import Model

from .a_turn import make_space

MODELS, STREAM = pb.ENGINE_TRIAL_KIND_MODELS, pb.ENGINE_TRIAL_KIND_STREAM
OBJECT, IMAGE = pb.ENGINE_TRIAL_KIND_OBJECT, pb.ENGINE_TRIAL_KIND_IMAGE

type Make = Callable[..., Checking]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
async def make(model: Model) -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(model.serving())

        def make(models: str, space: Any = None, **endpoints: Endpoint) -> Checking:
            endpoints = endpoints or {"own": Endpoint(base_url=url)}
            settings = Settings(
                llm_model=models, llm_endpoints=endpoints, llm_first_token_timeout_s=0.5
            )
            built = engines.build(settings)
            for engine in built.values():
                stack.push_async_callback(engine.close)
            spaces = {"logement": space or make_space()}
            ladder, prices = Ladder(built, settings.models), Prices.of(settings)
            return Checking(built, ladder, settings, prices, lambda: spaces)

        yield make


async def tried(checking: Checking, *names: str) -> list[pb.EngineTrial]:
    return [trial async for trial in checking.trials(names)]


async def test_each_model_writes_gives_an_object_and_sees(make: Make, model: Model) -> None:
    trials = await tried(make("mock-json@own"))
    assert [(t.engine, t.model, t.kind, t.works) for t in trials] == [
        ("extractive", "", STREAM, True),
        ("own", "", MODELS, True),
        ("own", "mock-json", STREAM, True),
        ("own", "mock-json", OBJECT, True),
        ("own", "mock-json", IMAGE, True),
    ]
    assert trials[3].note == "by json_schema"
    assert trials[2].usage.measured
    assert trials[4].usage.prompt_tokens > trials[2].usage.prompt_tokens  # the image was sent
    assert all(trial.duration_ms > 0 for trial in trials)


async def test_speed_is_told_where_the_tokens_do_not_come_at_once(make: Make) -> None:
    [_, _, slow, *_] = await tried(make("mock-ttft30-itl5-len20@own"))
    assert slow.first_token_ms > 25
    assert 0 < slow.tokens_per_s < 250
    [_, _, quick, *_] = await tried(make("mock-len20@own"))
    assert quick.tokens_per_s == 0


async def test_what_a_model_cannot_do_is_told_with_how_it_is_asked_instead(make: Make) -> None:
    trials = await tried(make("mock-json-plain-blind@own"), "own")
    assert [(t.kind, t.works) for t in trials] == [
        (MODELS, True), (STREAM, True), (OBJECT, True), (IMAGE, False),
    ]  # fmt: skip
    assert trials[2].note == "by words, but not as the schema says"
    assert trials[3].problem == "This model takes no images."


@pytest.mark.parametrize(
    ("fault", "problem", "remedy"),
    [
        ("mock-error401", "refuses the key", "api_key of own in PALABRE_LLM_ENDPOINTS"),
        ("mock-429-quota", "Nothing is left", "Add credit"),
        ("mock-error404", "no model 'mock-error404'", "Name one that it has: mock."),
        ("mock-429-after7", "no more requests", "concurrency"),
        ("mock-error400", "refuses the request", "ends in /v1"),
        ("mock-html", "a page came instead", "base_url of own"),
        ("mock-silence", "too slow", "FIRST_TOKEN_TIMEOUT_S"),
        ("mock-empty", "no answer", "log"),
    ],
)
async def test_what_does_not_work_has_a_remedy(
    make: Make, fault: str, problem: str, remedy: str
) -> None:
    trials = await tried(make(f"{fault}@own"), "own")
    assert [trial.kind for trial in trials] == [MODELS, STREAM]  # nothing more is worth trying
    assert not trials[1].works
    assert problem in trials[1].problem
    assert remedy in trials[1].remedy


async def test_where_nothing_answers_each_model_is_told_of(make: Make) -> None:
    checking = make("m@own,n@own", own=Endpoint(base_url="http://127.0.0.1:9/v1"))
    trials = await tried(checking, "own")
    assert [(t.kind, t.model) for t in trials] == [(MODELS, ""), (STREAM, "m"), (STREAM, "n")]
    assert {trial.problem for trial in trials} == {"Nothing answers on http://127.0.0.1:9/v1."}
    assert "only their list is missing" in trials[0].remedy


async def test_the_models_of_personas_are_tried_and_those_that_lead_nowhere_are_told(
    make: Make,
) -> None:
    space = make_space(persona={"models": ["mock-len5@own", "mistral-small@mistral"]})
    checking = make("mock-len3@own", space)
    trials = await tried(checking)
    assert {"mock-len3", "mock-len5"} <= {trial.model for trial in trials if trial.works}
    assert trials[0].model == "mistral-small@mistral"
    assert "logement/camille" in trials[0].problem


async def test_the_model_that_verifies_citations_is_tried_too(make: Make) -> None:
    checking = make("mock-len3@own")
    named = checking.settings.model_copy(update={"llm_grounding_model": "mock-len5@own"})
    checking = replace(checking, settings=named)
    assert {"mock-len3", "mock-len5"} <= {trial.model for trial in await tried(checking)}
    [*_, verifying] = checking.entries().engines[1].models
    assert list(verifying.used_by) == ["PALABRE_LLM_GROUNDING_MODEL"]


async def test_an_address_is_told_without_its_password(make: Make) -> None:
    checking = make("m@own", own=Endpoint(base_url="http://me:pass@127.0.0.1:9/v1"))
    told = {trial.problem for trial in await tried(checking, "own")}
    assert told == {"Nothing answers on http://127.0.0.1:9/v1."}


async def test_the_list_shows_who_uses_what_and_no_secret(make: Make) -> None:
    offered = {"models": ["c@nowhere", "a@own"]}
    space = make_space(persona={"models": ["a@own", "b@nowhere"]}, discord=offered)
    own = Endpoint(base_url="http://me:pass@127.0.0.1:9/v1", api_key=SecretStr("s3cret"))
    listed = make("a@own", space, own=own).entries()
    assert [entry.name for entry in listed.engines] == ["extractive", "own"]
    entry = listed.engines[1]
    assert (entry.base_url, entry.preset) == ("http://127.0.0.1:9/v1", "compatible")
    assert entry.has_key
    assert list(entry.models[0].used_by) == [
        "PALABRE_LLM_MODEL", "discord of logement", "logement/camille"
    ]  # fmt: skip
    lost = {model.name: list(model.used_by) for model in listed.lost}
    assert lost == {"c@nowhere": ["discord of logement"], "b@nowhere": ["logement/camille"]}
    assert not {"s3cret", "pass"} & {*str(listed).replace('"', " ").split()}
