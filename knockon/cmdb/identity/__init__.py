"""Which records are one thing: docs/decisions/0006-identification-and-reconciliation.md."""
