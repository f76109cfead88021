"""First run, seed data and the demonstration company."""
