"""flows become trees: definitions in their new shape, running cases with a token and a turn each, timers, pools of to-dos."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261123_0010'
down_revision = '20261123_0008'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
GIVEN = {'config.flows': ('admin', 'quality_lead')}
HEADS = {'department_head': 'head'}
BATCH = 500


def upgrade() -> None:
    op.create_table('task_pool',
    sa.Column('task_id', ID, nullable=False),
    sa.Column('user_id', ID, nullable=False),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_task_pool_task_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_task_pool_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('task_id', 'user_id', name=op.f('pk_task_pool'))
    )
    op.create_index('ix_task_pool_user', 'task_pool', ['user_id'])
    op.create_table('flow_timer',
    sa.Column('id', ID, nullable=False),
    sa.Column('instance_id', ID, nullable=False),
    sa.Column('token', ID, nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['instance_id'], ['flow_instance.id'], name=op.f('fk_flow_timer_instance_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_timer')),
    sa.UniqueConstraint('instance_id', 'token', name=op.f('uq_flow_timer_instance_id_token'))
    )
    op.create_index('ix_flow_timer_at', 'flow_timer', ['at'])
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.add_column(sa.Column('entry', ID, nullable=True))
    with op.batch_alter_table('stage_span', schema=None) as batch_op:
        batch_op.add_column(sa.Column('token', ID, nullable=False, server_default='0'))
    with op.batch_alter_table('flow_decision', schema=None) as batch_op:
        batch_op.add_column(sa.Column('operation', JSON, nullable=True))
        batch_op.add_column(sa.Column('answers', JSON, nullable=True))
    with op.batch_alter_table('flow_instance', schema=None) as batch_op:
        batch_op.add_column(sa.Column('title', sa.String(length=300), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('url', sa.String(length=300), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('initiator_id', ID, nullable=True))
        batch_op.add_column(sa.Column('department_id', ID, nullable=True))
        batch_op.add_column(sa.Column('state', JSON, nullable=True))
        batch_op.add_column(sa.Column('begun', JSON, nullable=True))
        batch_op.add_column(sa.Column('submitted', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('moved', ID, nullable=False, server_default='1'))
        batch_op.add_column(sa.Column('parent_id', ID, nullable=True))
        batch_op.add_column(sa.Column('parent_token', ID, nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_flow_instance_parent_id'), 'flow_instance', ['parent_id'], ['id'])
        batch_op.create_index('ix_flow_instance_parent', ['parent_id'])
    _definitions()
    _instances()
    with op.batch_alter_table('flow_instance', schema=None) as batch_op:
        batch_op.drop_column('visits')
        batch_op.alter_column('state', existing_type=JSON, nullable=False)
        batch_op.alter_column('begun', existing_type=JSON, nullable=False)
    _give_permissions()


def _definitions() -> None:
    """A list of nodes with an owner each becomes a tree without splits, in which the first node is the start."""
    flows = sa.table('flow_definition', sa.column('id'), sa.column('definition', JSON))
    bind = op.get_bind()
    for row in bind.execute(sa.select(flows)).all():
        old = _read(row.definition)
        nodes = [_node(node, first=place == 0) for place, node in enumerate(old['nodes'])]
        new = {name: value for name, value in old.items() if value} | {'nodes': nodes}
        bind.execute(flows.update().where(flows.c.id == row.id).values(definition=new))


def _node(old: dict[str, Any], *, first: bool) -> dict[str, Any]:
    owner = old['owner']
    who = {'kind': HEADS.get(owner['kind'], owner['kind'])} | ({'value': owner['value']} if owner.get('value') else {})
    new = {name: old[name] for name in ('id', 'kind', 'name_zh', 'name_en')}
    new |= {'kind': 'start'} if first and owner['kind'] == 'initiator' else {}
    new |= {'who': [who], 'due_minutes': old['due_minutes'], 'permission': old['permission']}
    new |= {'signing': {'mode': 'claim'}} if owner['kind'] == 'role' else {}
    return new | ({'gates': old['gates']} if old.get('gates') else {})


def _instances() -> None:
    """A running case gets one token where it stands, with the turn whose to-do is open."""
    bind = op.get_bind()
    users = sa.table('user', sa.column('id'), sa.column('active', sa.Boolean()))
    roles, held = sa.table('role', sa.column('id'), sa.column('key')), sa.table('user_role', sa.column('user_id'), sa.column('role_id'))
    pools: dict[str, list[int]] = {}
    for row in bind.execute(
        sa.select(roles.c.key, users.c.id).select_from(held.join(roles, roles.c.id == held.c.role_id).join(users, users.c.id == held.c.user_id))
        .where(users.c.active).order_by(users.c.id)
    ):
        pools.setdefault(row[0], []).append(row[1])
    flows = sa.table(
        'flow_instance', *map(sa.column, ('id', 'subject_kind', 'subject_id', 'node', 'status', 'version', 'title', 'url', 'moved', 'initiator_id', 'department_id')),
        sa.column('visits', JSON), sa.column('state', JSON), sa.column('begun', JSON),
    )
    tasks = sa.table('task', *map(sa.column, ('id', 'kind', 'subject_kind', 'subject_id', 'state', 'owner_id', 'role_key', 'title', 'url', 'entry', 'due_at', 'department_id')))
    spans = sa.table('stage_span', *map(sa.column, ('instance_id', 'left_at', 'token')))
    timers = sa.table('flow_timer', *map(sa.column, ('instance_id', 'token', 'kind', 'at')))
    last = 0
    while True:
        rows = bind.execute(sa.select(flows).where(flows.c.id > last).order_by(flows.c.id).limit(BATCH)).all()
        if not rows:
            return
        last = rows[-1].id
        for row in rows:
            stage = (tasks.c.kind == 'stage') & (tasks.c.subject_kind == row.subject_kind) & (tasks.c.subject_id == row.subject_id)
            task = bind.execute(sa.select(tasks).where(stage).order_by(tasks.c.state != 'open', tasks.c.id.desc()).limit(1)).first()
            starter = _initiator(bind, row)
            state = _state(row, task, starter, pools)
            values = {'state': state, 'begun': [], 'moved': row.version, 'initiator_id': starter}
            if task is not None:
                values |= {'title': task.title, 'url': task.url, 'department_id': task.department_id}
            bind.execute(flows.update().where(flows.c.id == row.id).values(values))
            if state['tokens'] and task is not None and task.state == 'open':
                bind.execute(tasks.update().where(tasks.c.id == task.id).values(entry=2))
                bind.execute(spans.update().where(spans.c.instance_id == row.id, spans.c.left_at.is_(None)).values(token=1))
                if task.due_at is not None:
                    bind.execute(timers.insert().values(instance_id=row.id, token=1, kind='due', at=task.due_at))


def _initiator(bind: sa.Connection, row: Any) -> int | None:
    if row.subject_kind not in ('issue', 'record'):
        return None
    subjects = sa.table(row.subject_kind, sa.column('id'), sa.column('created_by'))
    return bind.execute(sa.select(subjects.c.created_by).where(subjects.c.id == row.subject_id)).scalar()


def _state(row: Any, task: Any, initiator: int | None, pools: dict[str, list[int]]) -> dict[str, Any]:
    tokens = []
    if row.status == 'running' and row.node:
        user = task.owner_id if task is not None else None
        pool = [] if user else pools.get(task.role_key if task is not None else 'quality_lead') or pools.get('admin') or []
        entry = {
            'id': 2, 'user': user, 'kind': 'sign', 'state': 'open', 'verdict': None, 'by': None, 'pool': pool,
            'added_by': None, 'auto': False,
        }
        seats = [{'chain': [entry], 'weight': 1}]
        tokens = [{'id': 1, 'node': row.node, 'forks': [], 'seats': seats, 'straight_to': '', 'reminded': 0}]
    return {
        'status': row.status, 'initiator': initiator, 'version': row.version, 'moved': row.version, 'next_id': 3,
        'tokens': tokens, 'forks': [], 'visits': _read(row.visits), 'approved': [], 'chosen': [], 'touched': True,
        'last': None,
    }


def _give_permissions() -> None:
    role = sa.table('role', sa.column('id'), sa.column('key'), sa.column('permissions', JSON))
    bind = op.get_bind()
    for row in bind.execute(sa.select(role)).all():
        held = _read(row.permissions)
        new = [name for name, keys in GIVEN.items() if row.key in keys and name not in held]
        bind.execute(role.update().where(role.c.id == row.id).values(permissions=[*held, *new]))


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
