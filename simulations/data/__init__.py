"""Real data: importers with stated rules for what is impossible, and statistical generators fitted from them."""
