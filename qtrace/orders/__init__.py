"""The facts: orders, lines, lots, receipts, parcels, reviews and after-sales."""
