"""Why people decide otherwise than recommended: the codes that every area has. None is deleted or changes meaning."""

OTHER = "OTHER"

MEANINGS: dict[str, str] = {
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
