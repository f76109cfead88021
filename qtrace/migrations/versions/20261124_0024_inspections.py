"""inspections by sample, with their plans and switching rules."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261124_0024'
down_revision = '20261124_0022'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
GIVEN = {
    'inspection.read': ('admin', 'quality_lead', 'inspector', 'customer_service', 'purchasing', 'owner', 'auditor'),
    'inspection.record': ('admin', 'quality_lead', 'inspector'),
    'inspection.decide': ('admin', 'quality_lead', 'inspector', 'purchasing'),
    'config.inspections': ('admin', 'quality_lead'),
}


def upgrade() -> None:
    op.create_table('switching_series',
    sa.Column('id', ID, nullable=False),
    sa.Column('supplier_id', ID, nullable=False),
    sa.Column('sku_id', ID, nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('key', sa.String(length=10), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('score', ID, nullable=False),
    sa.Column('recent', JSON, nullable=False),
    sa.Column('refused', ID, nullable=False),
    sa.Column('steady', sa.Boolean(), nullable=False),
    sa.Column('agreed', sa.Boolean(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', ID, nullable=False),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_switching_series_sku_id')),
    sa.ForeignKeyConstraint(['supplier_id'], ['supplier.id'], name=op.f('fk_switching_series_supplier_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_switching_series')),
    sa.UniqueConstraint('supplier_id', 'sku_id', 'kind', 'key', name=op.f('uq_switching_series_supplier_id_sku_id_kind_key'))
    )
    with op.batch_alter_table('switching_series', schema=None) as batch_op:
        batch_op.create_index('ix_switching_series_state', ['state'], unique=False)

    op.create_table('inspection_plan',
    sa.Column('id', ID, nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('sku_id', ID, nullable=True),
    sa.Column('category_id', ID, nullable=True),
    sa.Column('supplier_id', ID, nullable=True),
    sa.Column('level', sa.String(length=4), nullable=False),
    sa.Column('measured_level', sa.String(length=4), nullable=False),
    sa.Column('aql_critical', sa.String(length=6), nullable=False),
    sa.Column('aql_major', sa.String(length=6), nullable=False),
    sa.Column('aql_minor', sa.String(length=6), nullable=False),
    sa.Column('consequence', sa.String(length=4), nullable=False),
    sa.Column('standard_id', ID, nullable=True),
    sa.Column('form_id', ID, nullable=True),
    sa.Column('items', JSON, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', ID, nullable=True),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', ID, nullable=False),
    sa.ForeignKeyConstraint(['category_id'], ['category.id'], name=op.f('fk_inspection_plan_category_id')),
    sa.ForeignKeyConstraint(['form_id'], ['form.id'], name=op.f('fk_inspection_plan_form_id')),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_inspection_plan_sku_id')),
    sa.ForeignKeyConstraint(['standard_id'], ['quality_standard.id'], name=op.f('fk_inspection_plan_standard_id')),
    sa.ForeignKeyConstraint(['supplier_id'], ['supplier.id'], name=op.f('fk_inspection_plan_supplier_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection_plan'))
    )
    with op.batch_alter_table('inspection_plan', schema=None) as batch_op:
        batch_op.create_index('ix_inspection_plan_kind', ['kind', 'retired_at'], unique=False)

    op.create_table('inspection',
    sa.Column('id', ID, nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('plan_id', ID, nullable=True),
    sa.Column('standard_version_id', ID, nullable=True),
    sa.Column('shop_id', ID, nullable=True),
    sa.Column('lot_id', ID, nullable=True),
    sa.Column('sku_id', ID, nullable=True),
    sa.Column('supplier_id', ID, nullable=True),
    sa.Column('receipt_id', ID, nullable=True),
    sa.Column('previous_id', ID, nullable=True),
    sa.Column('quantity', ID, nullable=False),
    sa.Column('tables', sa.String(length=30), nullable=False),
    sa.Column('level', sa.String(length=4), nullable=False),
    sa.Column('measured_n', ID, nullable=False),
    sa.Column('consequence', sa.String(length=4), nullable=False),
    sa.Column('checklist', JSON, nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('verdict', sa.String(length=10), nullable=False),
    sa.Column('disposition', sa.String(length=12), nullable=False),
    sa.Column('disposition_note', sa.String(length=500), nullable=False),
    sa.Column('hold_suggested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('issue_id', ID, nullable=True),
    sa.Column('department_id', ID, nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', ID, nullable=True),
    sa.Column('judged_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('judged_by', ID, nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', ID, nullable=True),
    sa.Column('version', ID, nullable=False),
    sa.ForeignKeyConstraint(['created_by'], ['user.id'], name=op.f('fk_inspection_created_by')),
    sa.ForeignKeyConstraint(['decided_by'], ['user.id'], name=op.f('fk_inspection_decided_by')),
    sa.ForeignKeyConstraint(['department_id'], ['department.id'], name=op.f('fk_inspection_department_id')),
    sa.ForeignKeyConstraint(['issue_id'], ['issue.id'], name=op.f('fk_inspection_issue_id')),
    sa.ForeignKeyConstraint(['judged_by'], ['user.id'], name=op.f('fk_inspection_judged_by')),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_inspection_lot_id')),
    sa.ForeignKeyConstraint(['plan_id'], ['inspection_plan.id'], name=op.f('fk_inspection_plan_id')),
    sa.ForeignKeyConstraint(['previous_id'], ['inspection.id'], name=op.f('fk_inspection_previous_id')),
    sa.ForeignKeyConstraint(['receipt_id'], ['receipt.id'], name=op.f('fk_inspection_receipt_id')),
    sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_inspection_shop_id')),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_inspection_sku_id')),
    sa.ForeignKeyConstraint(['standard_version_id'], ['quality_standard_version.id'], name=op.f('fk_inspection_standard_version_id')),
    sa.ForeignKeyConstraint(['supplier_id'], ['supplier.id'], name=op.f('fk_inspection_supplier_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection')),
    sa.UniqueConstraint('number', name=op.f('uq_inspection_number')),
    sa.UniqueConstraint('previous_id', name=op.f('uq_inspection_previous_id'))
    )
    with op.batch_alter_table('inspection', schema=None) as batch_op:
        batch_op.create_index('ix_inspection_created_at', ['created_at', 'id'], unique=False)
        batch_op.create_index('ix_inspection_issue', ['issue_id'], unique=False)
        batch_op.create_index('ix_inspection_kind', ['kind', 'created_at'], unique=False)
        batch_op.create_index('ix_inspection_lot', ['lot_id'], unique=False)
        batch_op.create_index('ix_inspection_sku', ['sku_id'], unique=False)
        batch_op.create_index('ix_inspection_supplier', ['supplier_id', 'created_at'], unique=False)
        batch_op.create_index('ix_inspection_verdict', ['verdict', 'created_at'], unique=False)

    op.create_table('inspection_class',
    sa.Column('id', ID, nullable=False),
    sa.Column('inspection_id', ID, nullable=False),
    sa.Column('key', sa.String(length=10), nullable=False),
    sa.Column('aql', sa.String(length=6), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('letter', sa.String(length=1), nullable=False),
    sa.Column('code', sa.String(length=1), nullable=False),
    sa.Column('n', ID, nullable=False),
    sa.Column('ac', ID, nullable=False),
    sa.Column('re', ID, nullable=False),
    sa.Column('every', sa.Boolean(), nullable=False),
    sa.Column('found', ID, nullable=False),
    sa.ForeignKeyConstraint(['inspection_id'], ['inspection.id'], name=op.f('fk_inspection_class_inspection_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection_class')),
    sa.UniqueConstraint('inspection_id', 'key', name=op.f('uq_inspection_class_inspection_id_key'))
    )
    op.create_table('inspection_photo',
    sa.Column('id', ID, nullable=False),
    sa.Column('inspection_id', ID, nullable=False),
    sa.Column('file_id', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_inspection_photo_file_id')),
    sa.ForeignKeyConstraint(['inspection_id'], ['inspection.id'], name=op.f('fk_inspection_photo_inspection_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection_photo'))
    )
    with op.batch_alter_table('inspection_photo', schema=None) as batch_op:
        batch_op.create_index('ix_inspection_photo_inspection', ['inspection_id', 'id'], unique=False)

    op.create_table('switching_step',
    sa.Column('id', ID, nullable=False),
    sa.Column('series_id', ID, nullable=False),
    sa.Column('what', sa.String(length=8), nullable=False),
    sa.Column('inspection_id', ID, nullable=True),
    sa.Column('accepted', sa.Boolean(), nullable=False),
    sa.Column('ac', ID, nullable=False),
    sa.Column('tighter', sa.Boolean(), nullable=False),
    sa.Column('counted', sa.Boolean(), nullable=False),
    sa.Column('steady', sa.Boolean(), nullable=False),
    sa.Column('before', sa.String(length=12), nullable=False),
    sa.Column('after', sa.String(length=12), nullable=False),
    sa.Column('score', ID, nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', ID, nullable=True),
    sa.ForeignKeyConstraint(['by'], ['user.id'], name=op.f('fk_switching_step_by')),
    sa.ForeignKeyConstraint(['inspection_id'], ['inspection.id'], name=op.f('fk_switching_step_inspection_id')),
    sa.ForeignKeyConstraint(['series_id'], ['switching_series.id'], name=op.f('fk_switching_step_series_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_switching_step'))
    )
    with op.batch_alter_table('switching_step', schema=None) as batch_op:
        batch_op.create_index('ix_switching_step_series', ['series_id', 'id'], unique=False)
    _give_permissions()


def _give_permissions() -> None:
    role = sa.table('role', sa.column('id', ID), sa.column('key', sa.String), sa.column('permissions', JSON))
    bind = op.get_bind()
    for row in bind.execute(sa.select(role)).all():
        held = _read(row.permissions)
        new = [name for name, keys in GIVEN.items() if row.key in keys and name not in held]
        bind.execute(role.update().where(role.c.id == row.id).values(permissions=[*held, *new]))


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
