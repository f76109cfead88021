"""The names of what happens to held and recalled goods."""

HOLD_PLACED, HOLD_COUNTED, HOLD_RELEASED = "hold_placed", "hold_counted", "hold_released"
RECALL_OPENED, RECALL_STEP_DONE, RECALL_CLOSED = "recall_opened", "recall_step_done", "recall_closed"
RECALL_ORDERS_CHANGED = "recall_orders_changed"
RECALL_LETTER_WRITTEN, RECALL_LETTER_DECIDED = "recall_letter_written", "recall_letter_decided"
