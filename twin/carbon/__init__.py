"""The carbon account of a city: one ledger, its boundaries, its ranges and what drives it."""
