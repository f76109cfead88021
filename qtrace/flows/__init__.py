"""流程引擎: flow definitions as data, and the engine that moves an instance through them."""
