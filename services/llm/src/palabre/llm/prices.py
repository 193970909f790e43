"""What tokens cost, where somebody keeps the price."""

import datetime as dt
from functools import lru_cache

import genai_prices
from genai_prices.types import ModelPrice

from palabre.contracts.v1.turns_pb2 import Usage

CURRENCY = "USD"  # of all prices of genai-prices


def add_cost(usage: Usage, base_url: str, day: dt.date) -> None:
    """Fills in the cost; `cost_known` stays false for a model whose price nobody keeps."""
    if price := _price(usage.model, base_url, day):
        counted = genai_prices.Usage(
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cache_read_tokens=usage.cached_tokens,
        )
        total = price.calc_price(counted)["total_price"]
        usage.cost_micros, usage.currency, usage.cost_known = round(total * 10**6), CURRENCY, True


@lru_cache(maxsize=256)
def _price(model: str, base_url: str, day: dt.date) -> ModelPrice | None:
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
