"""The ledger (sessions, tokens, passwords) and the measurement store."""
