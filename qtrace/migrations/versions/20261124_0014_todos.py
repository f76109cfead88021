"""the to-do centre: stand-ins, saved views, what was decided at once, whose flow a to-do is and when it was urged."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261124_0014'
down_revision = '20261124_0013'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
GIVEN = {'task.team': ('admin', 'quality_lead', 'owner')}


def upgrade() -> None:
    op.create_table(
        'stand_in',
        sa.Column('id', ID, nullable=False),
        sa.Column('user_id', ID, nullable=False),
        sa.Column('deputy_id', ID, nullable=False),
        sa.Column('begins_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('every_flow', sa.Boolean(), nullable=False),
        sa.Column('note', sa.String(length=200), nullable=False),
        sa.Column('created_by', ID, nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_stand_in_user_id'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['deputy_id'], ['user.id'], name=op.f('fk_stand_in_deputy_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_stand_in')),
    )
    op.create_index('ix_stand_in_deputy', 'stand_in', ['deputy_id', 'ends_at'])
    op.create_index('ix_stand_in_user', 'stand_in', ['user_id', 'ends_at'])
    op.create_index('ix_stand_in_closed', 'stand_in', ['closed_at', 'ends_at'])
    op.create_table(
        'stand_in_flow',
        sa.Column('stand_in_id', ID, nullable=False),
        sa.Column('flow', sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ['stand_in_id'], ['stand_in.id'], name=op.f('fk_stand_in_flow_stand_in_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('stand_in_id', 'flow', name=op.f('pk_stand_in_flow')),
    )
    op.create_table(
        'task_view',
        sa.Column('id', ID, nullable=False),
        sa.Column('user_id', ID, nullable=False),
        sa.Column('name', sa.String(length=40), nullable=False),
        sa.Column('query', sa.String(length=1000), nullable=False),
        sa.Column('is_default', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_task_view_user_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_task_view')),
        sa.UniqueConstraint('user_id', 'name', name=op.f('uq_task_view_user_id_name')),
    )
    op.create_table(
        'task_batch',
        sa.Column('id', ID, nullable=False),
        sa.Column('user_id', ID, nullable=False),
        sa.Column('kind', sa.String(length=12), nullable=False),
        sa.Column('note', sa.Text(), nullable=False),
        sa.Column('total', ID, nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_task_batch_user_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_task_batch')),
    )
    op.create_index('ix_task_batch_user', 'task_batch', ['user_id'])
    op.create_table(
        'task_batch_item',
        sa.Column('id', ID, nullable=False),
        sa.Column('batch_id', ID, nullable=False),
        sa.Column('title', sa.String(length=300), nullable=False),
        sa.Column('url', sa.String(length=300), nullable=False),
        sa.Column('outcome', sa.String(length=10), nullable=False),
        sa.Column('message', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ['batch_id'], ['task_batch.id'], name=op.f('fk_task_batch_item_batch_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_task_batch_item')),
    )
    op.create_index('ix_task_batch_item_batch', 'task_batch_item', ['batch_id'])
    op.add_column('task', sa.Column('flow', sa.String(length=60), nullable=True))
    op.add_column('task', sa.Column('urged_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_task_closed', 'task', ['closed_by', 'state', 'closed_at'])
    op.add_column('flow_decision', sa.Column('on_behalf', ID, nullable=True))
    op.create_index('ix_flow_instance_initiator', 'flow_instance', ['initiator_id', 'status'])
    _name_flows()
    _give_permissions()


def _name_flows() -> None:
    """The to-dos that are open know the flow they belong to."""
    tasks = sa.table('task', *map(sa.column, ('kind', 'subject_kind', 'subject_id', 'state', 'flow')))
    cases = sa.table('flow_instance', *map(sa.column, ('definition_id', 'subject_kind', 'subject_id')))
    flows = sa.table('flow_definition', sa.column('id'), sa.column('key'))
    key = (
        sa.select(flows.c.key).select_from(cases.join(flows, flows.c.id == cases.c.definition_id))
        .where(cases.c.subject_kind == tasks.c.subject_kind, cases.c.subject_id == tasks.c.subject_id)
        .scalar_subquery()
    )
    of_flows = tasks.c.kind.in_(('stage', 'copy')) & tasks.c.state.in_(('open', 'copied'))
    op.get_bind().execute(tasks.update().where(of_flows).values(flow=key))


def _give_permissions() -> None:
    role = sa.table('role', sa.column('id'), sa.column('key'), sa.column('permissions', JSON))
    bind = op.get_bind()
    for row in bind.execute(sa.select(role)).all():
        held = _read(row.permissions)
        new = [name for name, keys in GIVEN.items() if row.key in keys and name not in held]
        if new:
            bind.execute(role.update().where(role.c.id == row.id).values(permissions=[*held, *new]))


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
