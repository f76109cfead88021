"""通知: what people are told, in the inbox of the app and through senders."""
