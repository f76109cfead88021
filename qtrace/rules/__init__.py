"""规则引擎: what a form's answers must keep, the same at every door."""
