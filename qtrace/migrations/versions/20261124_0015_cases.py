"""what people leave at a decision: signatures, questions, opinions they use often."""

import sqlalchemy as sa
from alembic import op

revision = '20261124_0015'
down_revision = '20261124_0014'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('flow_signature',
    sa.Column('id', ID, nullable=False),
    sa.Column('instance_id', ID, nullable=False),
    sa.Column('version', ID, nullable=False),
    sa.Column('user_id', ID, nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('meaning', sa.String(length=20), nullable=False),
    sa.Column('with_password', sa.Boolean(), nullable=False),
    sa.Column('file_id', sa.String(length=32), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['instance_id'], ['flow_instance.id'], name=op.f('fk_flow_signature_instance_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_flow_signature_user_id')),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_flow_signature_file_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_signature')),
    sa.UniqueConstraint('instance_id', 'version', name=op.f('uq_flow_signature_instance_id_version'))
    )
    op.create_index('ix_flow_signature_user', 'flow_signature', ['user_id', 'at'])
    op.create_table('flow_question',
    sa.Column('id', ID, nullable=False),
    sa.Column('instance_id', ID, nullable=False),
    sa.Column('asker_id', ID, nullable=False),
    sa.Column('asked_id', ID, nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('task_id', ID, nullable=True),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['instance_id'], ['flow_instance.id'], name=op.f('fk_flow_question_instance_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['asker_id'], ['user.id'], name=op.f('fk_flow_question_asker_id')),
    sa.ForeignKeyConstraint(['asked_id'], ['user.id'], name=op.f('fk_flow_question_asked_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_question'))
    )
    op.create_index('ix_flow_question_instance', 'flow_question', ['instance_id', 'id'])
    op.create_table('opinion_template',
    sa.Column('id', ID, nullable=False),
    sa.Column('user_id', ID, nullable=True),
    sa.Column('text', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_opinion_template_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_opinion_template'))
    )
    op.create_index('ix_opinion_template_user', 'opinion_template', ['user_id', 'id'])


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
