"""The ledger's set-based SQL: each file holds the statements of one step."""
