"""The ledger's schema, step by step. A released step is never edited; the next one follows it."""
