"""表单引擎: versioned form definitions, the registry of controls, and the answers of a record."""
