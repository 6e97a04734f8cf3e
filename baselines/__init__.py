"""Classical models. Reading order: ``catalog`` (what is registered), ``pixels`` (models on flattened pixels)."""
