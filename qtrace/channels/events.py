"""Events of the connected shops."""

CHANNEL_ADDED = "channel_added"
CHANNEL_CHANGED = "channel_changed"
CHANNEL_PAUSED = "channel_paused"
CHANNEL_RESUMED = "channel_resumed"
CHANNEL_SYNCED = "channel_synced"
SUBJECT = "channel_account"
