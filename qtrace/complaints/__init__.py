"""客诉: one light complaint per source record, classified, handled and closed in one tap."""
