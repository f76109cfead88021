"""who will be asked later in running cases."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = '20261124_0021'
down_revision = '20261124_0020'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    later = op.create_table('flow_later',
    sa.Column('instance_id', ID, nullable=False),
    sa.Column('user_id', ID, nullable=False),
    sa.ForeignKeyConstraint(['instance_id'], ['flow_instance.id'], name=op.f('fk_flow_later_instance_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_flow_later_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('instance_id', 'user_id', name=op.f('pk_flow_later'))
    )
    op.create_index('ix_flow_later_user', 'flow_later', ['user_id'], unique=False)
    _fill(later)


def _fill(later: sa.Table) -> None:
    """Read the running cases once; a row is as short as its case's state."""
    connection = op.get_bind()
    known = set(connection.scalars(sa.text('SELECT id FROM "user"')))
    running = connection.execute(sa.text("SELECT id, state FROM flow_instance WHERE status = 'running'"))
    rows: list[dict[str, int]] = []
    for instance_id, state in running:
        found = json.loads(state) if isinstance(state, str) else state
        rows.extend({'instance_id': instance_id, 'user_id': user} for user in sorted(_later(found) & known))
    for start in range(0, len(rows), 500):
        connection.execute(later.insert(), rows[start : start + 500])


def _later(state: dict[str, Any]) -> set[int]:
    chains = [entry for token in state.get('tokens', ()) for seat in token.get('seats', ()) for entry in seat.get('chain', ())]
    users = {one for entry in chains if entry.get('state') == 'waiting' for one in (entry.get('user'), *entry.get('pool', ()))}
    picks = [*state.get('chosen', ()), *state.get('joined', ())]
    return (users | {user for _node, chosen in picks for user in chosen}) - {None}


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
