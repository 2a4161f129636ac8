"""Why people decide otherwise than recommended: the closed list of reason codes."""

from typing import Literal, get_args

ReasonCode = Literal[
    "PROMOTION",
    "EVENT_WEATHER",
    "NEW_PRODUCT",
    "PHASE_OUT",
    "CUSTOMER_INFO",
    "COMPETITOR",
    "PRICE_CHANGE",
    "DATA_ERROR",
    "SUPPLIER_INFO",
    "CAPACITY_INFO",
    "LOGISTICS_CONSOLIDATION",
    "BUDGET_CASH",
    "QUALITY_HOLD",
    "SHELF_LIFE",
    "CONTRACT_COMMITMENT",
    "POLICY_CHANGE",
    "RISK_APPETITE",
    "MODEL_DISTRUST",
    "OTHER",
]
OTHER: ReasonCode = "OTHER"

MEANINGS: dict[ReasonCode, str] = {
    "PROMOTION": "A promotion that the forecast does not know, or knows wrongly",
    "EVENT_WEATHER": "An event or weather that the forecast does not know",
    "NEW_PRODUCT": "The item is being introduced; its history says little",
    "PHASE_OUT": "The item is being discontinued",
    "CUSTOMER_INFO": "A customer announced more or less demand",
    "COMPETITOR": "A competitor acts or drops out",
    "PRICE_CHANGE": "A purchase or sales price is about to change",
    "DATA_ERROR": "History, stock or lead time in the system is wrong",
    "SUPPLIER_INFO": "The supplier announced a delay, shortage or offer",
    "CAPACITY_INFO": "Capacity to produce, store or receive is short or free",
    "LOGISTICS_CONSOLIDATION": "Put together with other orders to fill a load",
    "BUDGET_CASH": "Budget or cash does not allow it",
    "QUALITY_HOLD": "Stock or supply is blocked for quality",
    "SHELF_LIFE": "The goods would expire",
    "CONTRACT_COMMITMENT": "A contract binds to take more, less or at another time",
    "POLICY_CHANGE": "A planning policy is about to change",
    "RISK_APPETITE": "More or less risk is wanted here than the policy says",
    "MODEL_DISTRUST": "The forecast is not believed",
    "OTHER": "Something else; the note says what",
}
assert set(MEANINGS) == set(get_args(ReasonCode))  # noqa: S101  a code without a meaning is a mistake in this file
