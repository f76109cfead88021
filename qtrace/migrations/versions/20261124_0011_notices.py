"""keep notices: inboxes, senders, what people prefer, and what was sent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261124_0011'
down_revision = '20261123_0010'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        'notice',
        sa.Column('id', ID, nullable=False),
        sa.Column('user_id', ID, nullable=False),
        sa.Column('kind', sa.String(length=40), nullable=False),
        sa.Column('subject_kind', sa.String(length=40), nullable=False),
        sa.Column('subject_id', ID, nullable=False),
        sa.Column('task_id', ID, nullable=True),
        sa.Column('title', sa.String(length=300), nullable=False),
        sa.Column('body', sa.Text(), nullable=False),
        sa.Column('facts', JSON, nullable=False),
        sa.Column('url', sa.String(length=300), nullable=False),
        sa.Column('urgent', sa.Boolean(), nullable=False),
        sa.Column('dedupe', sa.String(length=160), nullable=False),
        sa.Column('at', TIME, nullable=False),
        sa.Column('read_at', TIME, nullable=True),
        sa.Column('spread', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_notice_user_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_notice')),
        sa.UniqueConstraint('user_id', 'dedupe', name=op.f('uq_notice_user_id_dedupe')),
    )
    op.create_index('ix_notice_inbox', 'notice', ['user_id', 'id'])
    op.create_index('ix_notice_unread', 'notice', ['user_id', 'read_at'])
    op.create_index('ix_notice_spread', 'notice', ['spread', 'id'])
    op.create_index('ix_notice_task', 'notice', ['task_id'])
    op.create_index('ix_notice_dedupe', 'notice', ['dedupe'])
    op.create_table(
        'notice_sender',
        sa.Column('id', ID, nullable=False),
        sa.Column('name', sa.String(length=60), nullable=False),
        sa.Column('key', sa.String(length=60), nullable=False),
        sa.Column('settings', JSON, nullable=False),
        sa.Column('kinds', JSON, nullable=False),
        sa.Column('enabled', sa.Boolean(), nullable=False),
        sa.Column('rest_until', TIME, nullable=True),
        sa.Column('created_at', TIME, nullable=False),
        sa.Column('created_by', ID, nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_notice_sender')),
        sa.UniqueConstraint('name', name=op.f('uq_notice_sender_name')),
    )
    op.create_table(
        'notice_preference',
        sa.Column('user_id', ID, nullable=False),
        sa.Column('ways', JSON, nullable=False),
        sa.Column('addresses', JSON, nullable=False),
        sa.Column('pace', sa.String(length=10), nullable=False),
        sa.Column('daily_at', sa.String(length=5), nullable=False),
        sa.Column('quiet_from', sa.String(length=5), nullable=False),
        sa.Column('quiet_until', sa.String(length=5), nullable=False),
        sa.ForeignKeyConstraint(
            ['user_id'], ['user.id'], name=op.f('fk_notice_preference_user_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('user_id', name=op.f('pk_notice_preference')),
    )
    op.create_table(
        'notice_delivery',
        sa.Column('id', ID, nullable=False),
        sa.Column('notice_id', ID, nullable=False),
        sa.Column('sender_id', ID, nullable=False),
        sa.Column('user_id', ID, nullable=True),
        sa.Column('dedupe', sa.String(length=200), nullable=False),
        sa.Column('state', sa.String(length=10), nullable=False),
        sa.Column('due_at', TIME, nullable=False),
        sa.Column('message_id', sa.String(length=40), nullable=False),
        sa.Column('job_id', ID, nullable=True),
        sa.Column('held_until', TIME, nullable=True),
        sa.Column('tries', ID, nullable=False),
        sa.Column('reason', sa.String(length=300), nullable=False),
        sa.Column('created_at', TIME, nullable=False),
        sa.Column('finished_at', TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ['notice_id'], ['notice.id'], name=op.f('fk_notice_delivery_notice_id'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['sender_id'], ['notice_sender.id'], name=op.f('fk_notice_delivery_sender_id'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_notice_delivery_user_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_notice_delivery')),
        sa.UniqueConstraint('sender_id', 'dedupe', name=op.f('uq_notice_delivery_sender_id_dedupe')),
    )
    op.create_index('ix_notice_delivery_due', 'notice_delivery', ['state', 'due_at'])
    op.create_index('ix_notice_delivery_person', 'notice_delivery', ['sender_id', 'user_id', 'state'])
    op.create_index('ix_notice_delivery_log', 'notice_delivery', ['sender_id', 'id'])
    op.create_index('ix_notice_delivery_notice', 'notice_delivery', ['notice_id'])


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
