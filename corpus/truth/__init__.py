"""The truth harness: real dynamic loaders are asked about real bundles, and the model's answers are compared with theirs."""
