"""The strata of the benchmark: `stories` lists them, the other modules tell them."""
