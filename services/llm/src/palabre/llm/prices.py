"""What tokens cost: as the space says, else the deployment, else a table that others keep."""

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import version
from types import MappingProxyType
from typing import Self

import genai_prices
from genai_prices.types import ModelPrice

from palabre.chassis.spaces import MICROS, Price
from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm.settings import FIRST, Settings

CURRENCY = "USD"  # of all prices of genai-prices
LAST = "extractive"  # the engine without a model
FREE = frozenset({LAST})  # engines that ask nobody
# The table carries no date of its own: it is its release's. Renew both together.
RELEASED = {"0.2.3": "2026-11-10"}


class Prices:
    """`base_urls` by endpoint tell whose price it is; `given` are the deployment's own."""

    def __init__(
        self,
        base_urls: Mapping[str, str] | None = None,
        given: Mapping[str, Price] | None = None,
        today: Callable[[], dt.date] = lambda: dt.datetime.now(dt.UTC).date(),
    ) -> None:
        self._base_urls, self._given, self._today = base_urls or {}, given or {}, today

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of a deployment."""
        base_urls = {name: e.base_url for name, e in settings.endpoints.items()}
        return cls(base_urls, settings.llm_prices)

    async def load(self, stop: asyncio.Event) -> None:
        """Reads the table beside the loop: otherwise the first answer's end stops all for 0.3 s."""
        for base_url in {*self._base_urls.values()}:
            await asyncio.to_thread(_listed, "", base_url, self._today())

    def fill(self, usage: Usage, ours: Mapping[str, Price] = MappingProxyType({})) -> None:
        """The cost and who says so; `cost_known` stays false where nobody keeps the price.

        `ours` are a space's prices, which go before all others.
        """
        if usage.engine in FREE:
            usage.cost_known, usage.currency = True, usage.currency or "EUR"
        elif price := _named(ours, usage):
            _take(usage, price, "space")
        elif price := _named(self._given, usage):
            _take(usage, price, "deployment")
        elif base_url := self._base_urls.get(usage.engine):
            self._look_up(usage, base_url)

    def _look_up(self, usage: Usage, base_url: str) -> None:
        if not (price := _listed(usage.model, base_url, self._today())):
            return
        counted = genai_prices.Usage(
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cache_read_tokens=min(usage.cached_tokens, usage.prompt_tokens),
        )
        total = price.calc_price(counted)["total_price"]
        usage.cost_micros, usage.currency, usage.cost_known = round(total * MICROS), CURRENCY, True
        usage.price_source = table()


@lru_cache
def table() -> str:
    """Name, version and date of the table of prices."""
    installed = version("genai-prices")
    released = RELEASED.get(installed)
    return f"genai-prices {installed}" + (f" of {released}" if released else "")


def _named(prices: Mapping[str, Price], usage: Usage) -> Price | None:
    """By `model@endpoint`; the first endpoint's models also go by their name alone."""
    found = prices.get(f"{usage.model}@{usage.engine}")
    return found or (prices.get(usage.model) if usage.engine == FIRST else None)


def _take(usage: Usage, price: Price, source: str) -> None:
    """A price per million tokens is millionths of the currency per token."""
    cached = min(usage.cached_tokens, usage.prompt_tokens)
    cost = (usage.prompt_tokens - cached) * price.input + usage.completion_tokens * price.output
    cost += cached * (price.input if price.cached is None else price.cached)
    usage.cost_micros, usage.currency, usage.cost_known = round(cost), price.currency, True
    usage.price_source = source


@lru_cache(maxsize=256)
def _listed(model: str, base_url: str, day: dt.date) -> ModelPrice | None:
    """Looking a model up takes milliseconds; a price may change from one day to the next."""
    at = dt.datetime.combine(day, dt.time(), dt.UTC)
    try:
        found = genai_prices.calc_price(
            genai_prices.Usage(input_tokens=1),
            model,
            provider_api_url=base_url,
            genai_request_timestamp=at,
        )
    except LookupError:
        return None
    return found.model_price
