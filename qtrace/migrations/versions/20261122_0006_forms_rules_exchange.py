"""forms business people define, their rules and records, imports that can be undone, and the API."""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261122_0006'
down_revision = '20261122_0005'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
GIVEN = {
    'record.read': ('admin', 'quality_lead', 'inspector', 'customer_service', 'purchasing', 'owner', 'auditor'),
    'record.create': ('admin', 'quality_lead', 'inspector', 'customer_service'),
    'record.edit': ('admin', 'quality_lead', 'inspector'),
    'print.record': ('admin', 'quality_lead', 'inspector', 'purchasing', 'owner', 'auditor'),
    'record.approve': ('admin', 'quality_lead', 'inspector', 'purchasing', 'owner'),
    'export.run': ('admin', 'quality_lead', 'owner'),
    'data.unmask': ('admin', 'quality_lead'),
    'api.manage': ('admin',),
}
SEARCH = {
    'sqlite': ('CREATE VIRTUAL TABLE search_record USING fts5(body, tokenize="unicode61 remove_diacritics 0")',),
    'postgresql': (
        'CREATE TABLE search_record (id bigint PRIMARY KEY, body tsvector NOT NULL)',
        'CREATE INDEX ix_search_record ON search_record USING gin(body)',
    ),
}


def upgrade() -> None:
    op.create_table('taxonomy',
    sa.Column('id', ID, nullable=False),
    sa.Column('key', sa.String(length=30), nullable=False),
    sa.Column('name_zh', sa.String(length=80), nullable=False),
    sa.Column('name_en', sa.String(length=80), nullable=False),
    sa.Column('depth', ID, nullable=False),
    sa.Column('position', ID, nullable=False),
    sa.Column('own', sa.Boolean(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('version', ID, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_taxonomy')),
    sa.UniqueConstraint('key', name=op.f('uq_taxonomy_key'))
    )
    op.create_table('webhook_endpoint',
    sa.Column('id', ID, nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('url', sa.String(length=500), nullable=False),
    sa.Column('events', JSON, nullable=False),
    sa.Column('nonce', sa.String(length=32), nullable=False),
    sa.Column('old_nonce', sa.String(length=32), nullable=False),
    sa.Column('old_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('rest_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('disabled_reason', sa.String(length=300), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', ID, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_endpoint'))
    )
    op.create_table('form_field',
    sa.Column('id', ID, nullable=False),
    sa.Column('form_id', ID, nullable=False),
    sa.Column('field', sa.String(length=60), nullable=False),
    sa.Column('slot', sa.String(length=4), nullable=False),
    sa.ForeignKeyConstraint(['form_id'], ['form.id'], name=op.f('fk_form_field_form_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_form_field')),
    sa.UniqueConstraint('form_id', 'field', name=op.f('uq_form_field_form_id_field')),
    sa.UniqueConstraint('form_id', 'slot', name=op.f('uq_form_field_form_id_slot'))
    )
    op.create_table('form_field_use',
    sa.Column('id', ID, nullable=False),
    sa.Column('form_id', ID, nullable=False),
    sa.Column('field', sa.String(length=60), nullable=False),
    sa.Column('asked', ID, nullable=False),
    sa.Column('filled', ID, nullable=False),
    sa.Column('defaulted', ID, nullable=False),
    sa.Column('given_up', ID, nullable=False),
    sa.ForeignKeyConstraint(['form_id'], ['form.id'], name=op.f('fk_form_field_use_form_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_form_field_use')),
    sa.UniqueConstraint('form_id', 'field', name=op.f('uq_form_field_use_form_id_field'))
    )
    op.create_table('form_link',
    sa.Column('id', ID, nullable=False),
    sa.Column('form_id', ID, nullable=False),
    sa.Column('token_digest', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('company', sa.String(length=80), nullable=False),
    sa.Column('department_id', ID, nullable=True),
    sa.Column('preset', JSON, nullable=False),
    sa.Column('opened', JSON, nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('most', ID, nullable=True),
    sa.Column('used', ID, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', ID, nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['department_id'], ['department.id'], name=op.f('fk_form_link_department_id')),
    sa.ForeignKeyConstraint(['form_id'], ['form.id'], name=op.f('fk_form_link_form_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_form_link')),
    sa.UniqueConstraint('token_digest', name=op.f('uq_form_link_token_digest'))
    )
    with op.batch_alter_table('form_link', schema=None) as batch_op:
        batch_op.create_index('ix_form_link_form', ['form_id'], unique=False)

    op.create_table('form_remark',
    sa.Column('id', ID, nullable=False),
    sa.Column('form_id', ID, nullable=True),
    sa.Column('page', sa.String(length=40), nullable=False),
    sa.Column('version', ID, nullable=False),
    sa.Column('field', sa.String(length=60), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', ID, nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_by', ID, nullable=True),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['form_id'], ['form.id'], name=op.f('fk_form_remark_form_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_form_remark'))
    )
    with op.batch_alter_table('form_remark', schema=None) as batch_op:
        batch_op.create_index('ix_form_remark_open', ['form_id', 'settled_at'], unique=False)

    op.create_table('form_scope',
    sa.Column('id', ID, nullable=False),
    sa.Column('form_id', ID, nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('value', sa.String(length=60), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('added_by', ID, nullable=True),
    sa.ForeignKeyConstraint(['form_id'], ['form.id'], name=op.f('fk_form_scope_form_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_form_scope')),
    sa.UniqueConstraint('form_id', 'kind', 'value', name=op.f('uq_form_scope_form_id_kind_value'))
    )
    op.create_table('rule',
    sa.Column('id', ID, nullable=False),
    sa.Column('key', sa.String(length=32), nullable=False),
    sa.Column('form_id', ID, nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('field', sa.String(length=120), nullable=False),
    sa.Column('options', JSON, nullable=False),
    sa.Column('condition', JSON, nullable=True),
    sa.Column('level', sa.String(length=6), nullable=False),
    sa.Column('message_zh', sa.Text(), nullable=False),
    sa.Column('message_en', sa.Text(), nullable=False),
    sa.Column('position', ID, nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('version', ID, nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_by', ID, nullable=True),
    sa.ForeignKeyConstraint(['form_id'], ['form.id'], name=op.f('fk_rule_form_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rule')),
    sa.UniqueConstraint('key', name=op.f('uq_rule_key'))
    )
    with op.batch_alter_table('rule', schema=None) as batch_op:
        batch_op.create_index('ix_rule_form', ['form_id', 'active', 'position'], unique=False)

    op.create_table('term_merger',
    sa.Column('id', ID, nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('term_id', ID, nullable=False),
    sa.Column('into_id', ID, nullable=False),
    sa.Column('records', ID, nullable=False),
    sa.Column('rewrites', JSON, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', ID, nullable=True),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('undone_by', ID, nullable=True),
    sa.ForeignKeyConstraint(['into_id'], ['term.id'], name=op.f('fk_term_merger_into_id')),
    sa.ForeignKeyConstraint(['term_id'], ['term.id'], name=op.f('fk_term_merger_term_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_term_merger'))
    )
    with op.batch_alter_table('term_merger', schema=None) as batch_op:
        batch_op.create_index('ix_term_merger_kind', ['kind', 'id'], unique=False)
        batch_op.create_index('ix_term_merger_term', ['term_id'], unique=False)

    op.create_table('webhook_delivery',
    sa.Column('id', ID, nullable=False),
    sa.Column('endpoint_id', ID, nullable=False),
    sa.Column('message_id', sa.String(length=40), nullable=False),
    sa.Column('event', sa.String(length=80), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('attempts', ID, nullable=False),
    sa.Column('round', ID, nullable=False),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('status', ID, nullable=True),
    sa.Column('tries', JSON, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoint.id'], name=op.f('fk_webhook_delivery_endpoint_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_delivery'))
    )
    with op.batch_alter_table('webhook_delivery', schema=None) as batch_op:
        batch_op.create_index('ix_webhook_delivery_at', ['created_at'], unique=False)
        batch_op.create_index('ix_webhook_delivery_endpoint', ['endpoint_id', 'id'], unique=False)

    op.create_table('api_answer',
    sa.Column('id', ID, nullable=False),
    sa.Column('user_id', ID, nullable=False),
    sa.Column('key', sa.String(length=120), nullable=False),
    sa.Column('request', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('status', ID, nullable=False),
    sa.Column('headers', JSON, nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_api_answer_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_answer')),
    sa.UniqueConstraint('user_id', 'key', name=op.f('uq_api_answer_user_id_key'))
    )
    with op.batch_alter_table('api_answer', schema=None) as batch_op:
        batch_op.create_index('ix_api_answer_at', ['at'], unique=False)

    op.create_table('api_token',
    sa.Column('id', ID, nullable=False),
    sa.Column('user_id', ID, nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('prefix', sa.String(length=16), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('scopes', JSON, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_by', ID, nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_api_token_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_token')),
    sa.UniqueConstraint('digest', name=op.f('uq_api_token_digest'))
    )
    with op.batch_alter_table('api_token', schema=None) as batch_op:
        batch_op.create_index('ix_api_token_user', ['user_id'], unique=False)

    op.create_table('form_draft',
    sa.Column('id', ID, nullable=False),
    sa.Column('user_id', ID, nullable=False),
    sa.Column('form_id', ID, nullable=False),
    sa.Column('form_version_id', ID, nullable=False),
    sa.Column('subject', sa.String(length=40), nullable=False),
    sa.Column('based_on', ID, nullable=True),
    sa.Column('sent', JSON, nullable=False),
    sa.Column('last_field', sa.String(length=60), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['form_id'], ['form.id'], name=op.f('fk_form_draft_form_id')),
    sa.ForeignKeyConstraint(['form_version_id'], ['form_version.id'], name=op.f('fk_form_draft_form_version_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_form_draft_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_form_draft')),
    sa.UniqueConstraint('user_id', 'form_id', 'subject', name=op.f('uq_form_draft_user_id_form_id_subject'))
    )
    with op.batch_alter_table('form_draft', schema=None) as batch_op:
        batch_op.create_index('ix_form_draft_saved', ['saved_at'], unique=False)

    op.create_table('import_batch',
    sa.Column('id', ID, nullable=False),
    sa.Column('run_id', ID, nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('made', JSON, nullable=False),
    sa.Column('changed', JSON, nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['import_run.id'], name=op.f('fk_import_batch_run_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_batch'))
    )
    with op.batch_alter_table('import_batch', schema=None) as batch_op:
        batch_op.create_index('ix_import_batch_run', ['run_id', 'id'], unique=False)

    op.create_table('term_merger_row',
    sa.Column('id', ID, nullable=False),
    sa.Column('merger_id', ID, nullable=False),
    sa.Column('place', sa.String(length=120), nullable=False),
    sa.Column('row_id', ID, nullable=False),
    sa.ForeignKeyConstraint(['merger_id'], ['term_merger.id'], name=op.f('fk_term_merger_row_merger_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_term_merger_row'))
    )
    with op.batch_alter_table('term_merger_row', schema=None) as batch_op:
        batch_op.create_index('ix_term_merger_row_merger', ['merger_id', 'place'], unique=False)

    op.create_table('quality_standard',
    sa.Column('id', ID, nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('sku_id', ID, nullable=True),
    sa.Column('category_id', ID, nullable=True),
    sa.Column('shop_id', ID, nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['category_id'], ['category.id'], name=op.f('fk_quality_standard_category_id')),
    sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_quality_standard_shop_id')),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_quality_standard_sku_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quality_standard'))
    )
    with op.batch_alter_table('quality_standard', schema=None) as batch_op:
        batch_op.create_index('ix_quality_standard_category', ['category_id'], unique=False)
        batch_op.create_index('ix_quality_standard_sku', ['sku_id'], unique=False)

    op.create_table('record',
    sa.Column('id', ID, nullable=False),
    sa.Column('form_id', ID, nullable=False),
    sa.Column('form_version_id', ID, nullable=False),
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('answers', JSON, nullable=False),
    sa.Column('key', sa.String(length=200), nullable=True),
    sa.Column('notes', JSON, nullable=True),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('stage', sa.String(length=60), nullable=False),
    sa.Column('source', sa.String(length=12), nullable=False),
    sa.Column('import_run_id', ID, nullable=True),
    sa.Column('form_link_id', ID, nullable=True),
    sa.Column('shop_id', ID, nullable=True),
    sa.Column('sku_id', ID, nullable=True),
    sa.Column('department_id', ID, nullable=True),
    sa.Column('owner_id', ID, nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', ID, nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_by', ID, nullable=True),
    sa.Column('version', ID, nullable=False),
    sa.Column('t1', sa.String(length=600), nullable=True),
    sa.Column('t2', sa.String(length=600), nullable=True),
    sa.Column('t3', sa.String(length=600), nullable=True),
    sa.Column('t4', sa.String(length=600), nullable=True),
    sa.Column('t5', sa.String(length=600), nullable=True),
    sa.Column('t6', sa.String(length=600), nullable=True),
    sa.Column('t7', sa.String(length=600), nullable=True),
    sa.Column('t8', sa.String(length=600), nullable=True),
    sa.Column('t9', sa.String(length=600), nullable=True),
    sa.Column('t10', sa.String(length=600), nullable=True),
    sa.Column('t11', sa.String(length=600), nullable=True),
    sa.Column('t12', sa.String(length=600), nullable=True),
    sa.Column('n1', ID, nullable=True),
    sa.Column('n2', ID, nullable=True),
    sa.Column('n3', ID, nullable=True),
    sa.Column('n4', ID, nullable=True),
    sa.Column('n5', ID, nullable=True),
    sa.Column('n6', ID, nullable=True),
    sa.Column('n7', ID, nullable=True),
    sa.Column('n8', ID, nullable=True),
    sa.Column('n9', ID, nullable=True),
    sa.Column('n10', ID, nullable=True),
    sa.Column('d1', sa.DateTime(timezone=True), nullable=True),
    sa.Column('d2', sa.DateTime(timezone=True), nullable=True),
    sa.Column('d3', sa.DateTime(timezone=True), nullable=True),
    sa.Column('d4', sa.DateTime(timezone=True), nullable=True),
    sa.Column('d5', sa.DateTime(timezone=True), nullable=True),
    sa.Column('d6', sa.DateTime(timezone=True), nullable=True),
    sa.Column('r1', ID, nullable=True),
    sa.Column('r2', ID, nullable=True),
    sa.Column('r3', ID, nullable=True),
    sa.Column('r4', ID, nullable=True),
    sa.Column('r5', ID, nullable=True),
    sa.Column('r6', ID, nullable=True),
    sa.Column('r7', ID, nullable=True),
    sa.Column('r8', ID, nullable=True),
    sa.Column('b1', sa.Boolean(), nullable=True),
    sa.Column('b2', sa.Boolean(), nullable=True),
    sa.Column('b3', sa.Boolean(), nullable=True),
    sa.Column('b4', sa.Boolean(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by'], ['user.id'], name=op.f('fk_record_changed_by')),
    sa.ForeignKeyConstraint(['created_by'], ['user.id'], name=op.f('fk_record_created_by')),
    sa.ForeignKeyConstraint(['department_id'], ['department.id'], name=op.f('fk_record_department_id')),
    sa.ForeignKeyConstraint(['form_id'], ['form.id'], name=op.f('fk_record_form_id')),
    sa.ForeignKeyConstraint(['form_link_id'], ['form_link.id'], name=op.f('fk_record_form_link_id')),
    sa.ForeignKeyConstraint(['form_version_id'], ['form_version.id'], name=op.f('fk_record_form_version_id')),
    sa.ForeignKeyConstraint(['owner_id'], ['user.id'], name=op.f('fk_record_owner_id')),
    sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_record_shop_id')),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_record_sku_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_record')),
    sa.UniqueConstraint('form_id', 'key', name=op.f('uq_record_form_id_key')),
    sa.UniqueConstraint('number', name=op.f('uq_record_number'))
    )
    with op.batch_alter_table('record', schema=None) as batch_op:
        batch_op.create_index('ix_record_b1', ['form_id', 'b1', 'id', 'state'], unique=False, sqlite_where=sa.text('b1 IS NOT NULL'), postgresql_where=sa.text('b1 IS NOT NULL'))
        batch_op.create_index('ix_record_b2', ['form_id', 'b2', 'id', 'state'], unique=False, sqlite_where=sa.text('b2 IS NOT NULL'), postgresql_where=sa.text('b2 IS NOT NULL'))
        batch_op.create_index('ix_record_b3', ['form_id', 'b3', 'id', 'state'], unique=False, sqlite_where=sa.text('b3 IS NOT NULL'), postgresql_where=sa.text('b3 IS NOT NULL'))
        batch_op.create_index('ix_record_b4', ['form_id', 'b4', 'id', 'state'], unique=False, sqlite_where=sa.text('b4 IS NOT NULL'), postgresql_where=sa.text('b4 IS NOT NULL'))
        batch_op.create_index('ix_record_created', ['form_id', 'created_at', 'id', 'state'], unique=False)
        batch_op.create_index('ix_record_d1', ['form_id', 'd1', 'id', 'state'], unique=False, sqlite_where=sa.text('d1 IS NOT NULL'), postgresql_where=sa.text('d1 IS NOT NULL'))
        batch_op.create_index('ix_record_d2', ['form_id', 'd2', 'id', 'state'], unique=False, sqlite_where=sa.text('d2 IS NOT NULL'), postgresql_where=sa.text('d2 IS NOT NULL'))
        batch_op.create_index('ix_record_d3', ['form_id', 'd3', 'id', 'state'], unique=False, sqlite_where=sa.text('d3 IS NOT NULL'), postgresql_where=sa.text('d3 IS NOT NULL'))
        batch_op.create_index('ix_record_d4', ['form_id', 'd4', 'id', 'state'], unique=False, sqlite_where=sa.text('d4 IS NOT NULL'), postgresql_where=sa.text('d4 IS NOT NULL'))
        batch_op.create_index('ix_record_d5', ['form_id', 'd5', 'id', 'state'], unique=False, sqlite_where=sa.text('d5 IS NOT NULL'), postgresql_where=sa.text('d5 IS NOT NULL'))
        batch_op.create_index('ix_record_d6', ['form_id', 'd6', 'id', 'state'], unique=False, sqlite_where=sa.text('d6 IS NOT NULL'), postgresql_where=sa.text('d6 IS NOT NULL'))
        batch_op.create_index('ix_record_department', ['form_id', 'department_id', 'id', 'state'], unique=False)
        batch_op.create_index('ix_record_import', ['import_run_id'], unique=False)
        batch_op.create_index('ix_record_stage', ['form_id', 'stage', 'id', 'state'], unique=False)
        batch_op.create_index('ix_record_list', ['form_id', 'state', 'id'], unique=False)
        batch_op.create_index('ix_record_n1', ['form_id', 'n1', 'id', 'state'], unique=False, sqlite_where=sa.text('n1 IS NOT NULL'), postgresql_where=sa.text('n1 IS NOT NULL'))
        batch_op.create_index('ix_record_n10', ['form_id', 'n10', 'id', 'state'], unique=False, sqlite_where=sa.text('n10 IS NOT NULL'), postgresql_where=sa.text('n10 IS NOT NULL'))
        batch_op.create_index('ix_record_n2', ['form_id', 'n2', 'id', 'state'], unique=False, sqlite_where=sa.text('n2 IS NOT NULL'), postgresql_where=sa.text('n2 IS NOT NULL'))
        batch_op.create_index('ix_record_n3', ['form_id', 'n3', 'id', 'state'], unique=False, sqlite_where=sa.text('n3 IS NOT NULL'), postgresql_where=sa.text('n3 IS NOT NULL'))
        batch_op.create_index('ix_record_n4', ['form_id', 'n4', 'id', 'state'], unique=False, sqlite_where=sa.text('n4 IS NOT NULL'), postgresql_where=sa.text('n4 IS NOT NULL'))
        batch_op.create_index('ix_record_n5', ['form_id', 'n5', 'id', 'state'], unique=False, sqlite_where=sa.text('n5 IS NOT NULL'), postgresql_where=sa.text('n5 IS NOT NULL'))
        batch_op.create_index('ix_record_n6', ['form_id', 'n6', 'id', 'state'], unique=False, sqlite_where=sa.text('n6 IS NOT NULL'), postgresql_where=sa.text('n6 IS NOT NULL'))
        batch_op.create_index('ix_record_n7', ['form_id', 'n7', 'id', 'state'], unique=False, sqlite_where=sa.text('n7 IS NOT NULL'), postgresql_where=sa.text('n7 IS NOT NULL'))
        batch_op.create_index('ix_record_n8', ['form_id', 'n8', 'id', 'state'], unique=False, sqlite_where=sa.text('n8 IS NOT NULL'), postgresql_where=sa.text('n8 IS NOT NULL'))
        batch_op.create_index('ix_record_n9', ['form_id', 'n9', 'id', 'state'], unique=False, sqlite_where=sa.text('n9 IS NOT NULL'), postgresql_where=sa.text('n9 IS NOT NULL'))
        batch_op.create_index('ix_record_r1', ['form_id', 'r1', 'id', 'state'], unique=False, sqlite_where=sa.text('r1 IS NOT NULL'), postgresql_where=sa.text('r1 IS NOT NULL'))
        batch_op.create_index('ix_record_r2', ['form_id', 'r2', 'id', 'state'], unique=False, sqlite_where=sa.text('r2 IS NOT NULL'), postgresql_where=sa.text('r2 IS NOT NULL'))
        batch_op.create_index('ix_record_r3', ['form_id', 'r3', 'id', 'state'], unique=False, sqlite_where=sa.text('r3 IS NOT NULL'), postgresql_where=sa.text('r3 IS NOT NULL'))
        batch_op.create_index('ix_record_r4', ['form_id', 'r4', 'id', 'state'], unique=False, sqlite_where=sa.text('r4 IS NOT NULL'), postgresql_where=sa.text('r4 IS NOT NULL'))
        batch_op.create_index('ix_record_r5', ['form_id', 'r5', 'id', 'state'], unique=False, sqlite_where=sa.text('r5 IS NOT NULL'), postgresql_where=sa.text('r5 IS NOT NULL'))
        batch_op.create_index('ix_record_r6', ['form_id', 'r6', 'id', 'state'], unique=False, sqlite_where=sa.text('r6 IS NOT NULL'), postgresql_where=sa.text('r6 IS NOT NULL'))
        batch_op.create_index('ix_record_r7', ['form_id', 'r7', 'id', 'state'], unique=False, sqlite_where=sa.text('r7 IS NOT NULL'), postgresql_where=sa.text('r7 IS NOT NULL'))
        batch_op.create_index('ix_record_r8', ['form_id', 'r8', 'id', 'state'], unique=False, sqlite_where=sa.text('r8 IS NOT NULL'), postgresql_where=sa.text('r8 IS NOT NULL'))
        batch_op.create_index('ix_record_sku', ['form_id', 'sku_id', 'id', 'state'], unique=False)
        batch_op.create_index('ix_record_t1', ['form_id', 't1', 'id', 'state'], unique=False, sqlite_where=sa.text('t1 IS NOT NULL'), postgresql_where=sa.text('t1 IS NOT NULL'))
        batch_op.create_index('ix_record_t10', ['form_id', 't10', 'id', 'state'], unique=False, sqlite_where=sa.text('t10 IS NOT NULL'), postgresql_where=sa.text('t10 IS NOT NULL'))
        batch_op.create_index('ix_record_t11', ['form_id', 't11', 'id', 'state'], unique=False, sqlite_where=sa.text('t11 IS NOT NULL'), postgresql_where=sa.text('t11 IS NOT NULL'))
        batch_op.create_index('ix_record_t12', ['form_id', 't12', 'id', 'state'], unique=False, sqlite_where=sa.text('t12 IS NOT NULL'), postgresql_where=sa.text('t12 IS NOT NULL'))
        batch_op.create_index('ix_record_t2', ['form_id', 't2', 'id', 'state'], unique=False, sqlite_where=sa.text('t2 IS NOT NULL'), postgresql_where=sa.text('t2 IS NOT NULL'))
        batch_op.create_index('ix_record_t3', ['form_id', 't3', 'id', 'state'], unique=False, sqlite_where=sa.text('t3 IS NOT NULL'), postgresql_where=sa.text('t3 IS NOT NULL'))
        batch_op.create_index('ix_record_t4', ['form_id', 't4', 'id', 'state'], unique=False, sqlite_where=sa.text('t4 IS NOT NULL'), postgresql_where=sa.text('t4 IS NOT NULL'))
        batch_op.create_index('ix_record_t5', ['form_id', 't5', 'id', 'state'], unique=False, sqlite_where=sa.text('t5 IS NOT NULL'), postgresql_where=sa.text('t5 IS NOT NULL'))
        batch_op.create_index('ix_record_t6', ['form_id', 't6', 'id', 'state'], unique=False, sqlite_where=sa.text('t6 IS NOT NULL'), postgresql_where=sa.text('t6 IS NOT NULL'))
        batch_op.create_index('ix_record_t7', ['form_id', 't7', 'id', 'state'], unique=False, sqlite_where=sa.text('t7 IS NOT NULL'), postgresql_where=sa.text('t7 IS NOT NULL'))
        batch_op.create_index('ix_record_t8', ['form_id', 't8', 'id', 'state'], unique=False, sqlite_where=sa.text('t8 IS NOT NULL'), postgresql_where=sa.text('t8 IS NOT NULL'))
        batch_op.create_index('ix_record_t9', ['form_id', 't9', 'id', 'state'], unique=False, sqlite_where=sa.text('t9 IS NOT NULL'), postgresql_where=sa.text('t9 IS NOT NULL'))

    op.create_table('quality_standard_version',
    sa.Column('id', ID, nullable=False),
    sa.Column('standard_id', ID, nullable=False),
    sa.Column('version', ID, nullable=False),
    sa.Column('effective_on', sa.Date(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('limits', JSON, nullable=False),
    sa.Column('photos', JSON, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', ID, nullable=True),
    sa.ForeignKeyConstraint(['standard_id'], ['quality_standard.id'], name=op.f('fk_quality_standard_version_standard_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quality_standard_version')),
    sa.UniqueConstraint('standard_id', 'version', name=op.f('uq_quality_standard_version_standard_id_version'))
    )
    op.create_table('record_change',
    sa.Column('id', ID, nullable=False),
    sa.Column('record_id', ID, nullable=False),
    sa.Column('field', sa.String(length=60), nullable=False),
    sa.Column('text_value', sa.Text(), nullable=True),
    sa.Column('number_value', ID, nullable=True),
    sa.Column('time_value', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ref_value', ID, nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', ID, nullable=True),
    sa.ForeignKeyConstraint(['record_id'], ['record.id'], name=op.f('fk_record_change_record_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_record_change'))
    )
    with op.batch_alter_table('record_change', schema=None) as batch_op:
        batch_op.create_index('ix_record_change_field', ['record_id', 'field', 'id'], unique=False)

    op.create_table('record_edit',
    sa.Column('id', ID, nullable=False),
    sa.Column('record_id', ID, nullable=False),
    sa.Column('version', ID, nullable=False),
    sa.Column('form_version_id', ID, nullable=False),
    sa.Column('answers', JSON, nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('import_run_id', ID, nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', ID, nullable=True),
    sa.ForeignKeyConstraint(['form_version_id'], ['form_version.id'], name=op.f('fk_record_edit_form_version_id')),
    sa.ForeignKeyConstraint(['record_id'], ['record.id'], name=op.f('fk_record_edit_record_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_record_edit')),
    sa.UniqueConstraint('record_id', 'version', name=op.f('uq_record_edit_record_id_version'))
    )
    op.create_table('record_file',
    sa.Column('id', ID, nullable=False),
    sa.Column('record_id', ID, nullable=False),
    sa.Column('field', sa.String(length=60), nullable=False),
    sa.Column('file_id', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_record_file_file_id')),
    sa.ForeignKeyConstraint(['record_id'], ['record.id'], name=op.f('fk_record_file_record_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_record_file'))
    )
    with op.batch_alter_table('record_file', schema=None) as batch_op:
        batch_op.create_index('ix_record_file_record', ['record_id', 'field'], unique=False)

    with op.batch_alter_table('form', schema=None) as batch_op:
        batch_op.add_column(sa.Column('kind', sa.String(length=20), nullable=False, server_default='record'))
        batch_op.add_column(sa.Column('built_in', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('prefix', sa.String(length=8), nullable=False, server_default='R'))
        batch_op.add_column(sa.Column('note_zh', sa.Text(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('note_en', sa.Text(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('state', sa.String(length=10), nullable=False, server_default='active'))
        batch_op.add_column(sa.Column('flow', sa.String(length=60), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('draft', JSON, nullable=True))
        batch_op.add_column(sa.Column('draft_version', ID, nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('draft_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('draft_by', ID, nullable=True))
        batch_op.add_column(sa.Column('draft_undo', JSON, nullable=True))
        batch_op.add_column(sa.Column('draft_redo', JSON, nullable=True))

    with op.batch_alter_table('form_version', schema=None) as batch_op:
        batch_op.add_column(sa.Column('note', sa.Text(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('restored_from', ID, nullable=True))

    with op.batch_alter_table('import_mapping', schema=None) as batch_op:
        batch_op.add_column(sa.Column('pattern', sa.String(length=120), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('shop_key', sa.String(length=60), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('dropped', sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table('import_run', schema=None) as batch_op:
        batch_op.add_column(sa.Column('wish', sa.String(length=8), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('headers_digest', sa.String(length=64), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('parent_id', ID, nullable=True))
        batch_op.create_index('ix_import_run_headers', ['headers_digest'], unique=False)

    with op.batch_alter_table('intake_record', schema=None) as batch_op:
        batch_op.add_column(sa.Column('parked', JSON, nullable=True))

    with op.batch_alter_table('term', schema=None) as batch_op:
        batch_op.add_column(sa.Column('merged_into_id', ID, nullable=True))
        batch_op.add_column(sa.Column('version', ID, nullable=False, server_default='0'))
        batch_op.create_foreign_key(batch_op.f('fk_term_merged_into_id'), 'term', ['merged_into_id'], ['id'])

    for statement in SEARCH[op.get_bind().dialect.name]:
        op.execute(statement)
    form = sa.table('form', sa.column('key'), sa.column('kind'), sa.column('built_in', sa.Boolean()), sa.column('prefix'))
    op.execute(form.update().where(form.c.key == 'issue').values(kind='issue', built_in=True, prefix='QI'))
    _give_permissions()


def _give_permissions() -> None:
    role = sa.table('role', sa.column('id'), sa.column('key'), sa.column('permissions', JSON))
    bind = op.get_bind()
    for row in bind.execute(sa.select(role)).all():
        held = json.loads(row.permissions) if isinstance(row.permissions, str) else row.permissions
        new = [name for name, keys in GIVEN.items() if row.key in keys and name not in held]
        bind.execute(role.update().where(role.c.id == row.id).values(permissions=[*held, *new]))


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
