from services.planner.tables import Base
from shared import ledger


class Entry(ledger.LedgerEntry, Base):
    __tablename__ = "ledger_entries"


class Head(ledger.LedgerHead, Base):
    __tablename__ = "ledger_heads"


TABLES = ledger.Tables(Entry, Head)
