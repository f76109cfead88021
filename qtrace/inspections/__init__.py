"""检验: lots are judged by samples, and what the samples say decides how closely the next ones are looked at."""
