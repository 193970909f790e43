"""Starts the llm service: the stages comprehend and answer, and LlmService."""

from functools import partial

from palabre.chassis import service
from palabre.chassis.budgets import Budgets
from palabre.chassis.counters import NatsCounters
from palabre.chassis.descriptions import NatsDescriptions
from palabre.chassis.recalling import of_its_time
from palabre.chassis.settings import read
from palabre.chassis.stage import Stage
from palabre.llm import allowances, engines, handlers, meters, notice
from palabre.llm.answer import Answering
from palabre.llm.checking import Checking
from palabre.llm.comprehend import Comprehension
from palabre.llm.images import Vision
from palabre.llm.ladder import Ladder
from palabre.llm.prices import Prices
from palabre.llm.prompts import Prompting
from palabre.llm.servicer import LlmServicer
from palabre.llm.settings import Settings
from palabre.llm.shown import deltas_of
from palabre.llm.slots import Slots
from palabre.llm.spending import Spending
from palabre.llm.verification import Verification


def main() -> None:
    settings = read(Settings)
    service.run("llm", settings, partial(assemble, settings))


async def assemble(settings: Settings, context: service.Context) -> service.Parts:
    built = engines.build(settings)
    bounds = {name: endpoint.concurrency for name, endpoint in settings.endpoints.items()}
    ladder = Ladder(
        built, settings.models, slots=Slots(bounds), budget_s=settings.llm_turn_budget_s
    )
    meters.watch(bounds, ladder.left_alone)
    prices = Prices.of(settings)
    checking = Checking(built, ladder, settings, prices, context.spaces.all)
    spaces, histories = context.spaces.get, context.histories
    comprehension = Comprehension(
        ladder, Prompting(), settings.llm_comprehend_model, settings.llm_comprehend_timeout_s
    )
    vision = Vision(
        await context.objects("blobs"),
        NatsDescriptions(context.bus),
        context.leases,
        ladder,
        Prompting(),
        settings.llm_vision_model,
        settings.llm_image_detail,
        settings.llm_vision_timeout_s,
    )
    answering = Answering(
        spaces,
        context.leases,
        histories,
        ladder,
        vision,
        shown=partial(deltas_of, context.bus),
        guard_timeout_s=settings.llm_guard_timeout_s,
        verification=_verification(settings, ladder),
        notice_due=partial(notice.is_due, context.bus),
        heard=context.cancelled.heard,
    )
    budgets = Budgets(NatsCounters(context.bus))
    spending = Spending(prices, context.bus.publish, budgets)
    comprehend = handlers.comprehender(spaces, histories, comprehension, vision, spending)
    answer, many = handlers.answerer(answering, spending), settings.llm_concurrency
    stages = {"comprehend": comprehend, "answer": answer}
    return service.Parts(
        stages=[Stage(n, of_its_time(h, context.bus), many) for n, h in stages.items()],
        tasks=[prices.load, partial(allowances.sweep, budgets, context.spaces.all)],
        grpc=[LlmServicer(spaces, ladder, checking, spending, vision).add_to],
        grpc_names=["palabre.contracts.v1.LlmService"],
        close=[engine.close for engine in built.values()],
    )


def _verification(settings: Settings, ladder: Ladder) -> Verification | None:
    model, timeout_s = settings.llm_grounding_model, settings.llm_grounding_timeout_s
    return Verification(ladder, Prompting(), model, timeout_s) if model else None


if __name__ == "__main__":
    main()
