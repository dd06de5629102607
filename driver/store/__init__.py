"""The host's store: policies, signatures, operations, what is kept, and the ledger."""

from .records import LedgerEntry, OperationRecord, Proposal, StoredApproval
from .store import Store, utc_now

__all__ = ["LedgerEntry", "OperationRecord", "Proposal", "Store", "StoredApproval", "utc_now"]
