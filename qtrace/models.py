"""Every table of the site in one place, for migrations and tests that need the whole metadata."""

from qtrace.accounts import models as accounts
from qtrace.api import models as api
from qtrace.calendars import models as calendars
from qtrace.catalog import goods_models as goods
from qtrace.catalog import models as catalog
from qtrace.channels import models as channels
from qtrace.classification import models as classification
from qtrace.complaints import models as complaints
from qtrace.core import models as core
from qtrace.core import search
from qtrace.core.db import Base
from qtrace.exchange import models as exchange
from qtrace.flows import case_models as flow_cases
from qtrace.flows import draft_models as flow_drafts
from qtrace.flows import models as flows
from qtrace.forms import models as forms
from qtrace.inspections import models as inspections
from qtrace.investigation import models as investigation
from qtrace.issues import models as issues
from qtrace.notifications import models as notifications
from qtrace.orders import models as orders
from qtrace.orders import stock_models as stock
from qtrace.recalls import models as recalls
from qtrace.records import models as records
from qtrace.rules import models as rules
from qtrace.tasks import models as tasks
from qtrace.trace import models as trace

TABLE_MODULES = (
    accounts,
    api,
    calendars,
    catalog,
    channels,
    classification,
    complaints,
    core,
    exchange,
    flow_cases,
    flow_drafts,
    flows,
    forms,
    goods,
    inspections,
    investigation,
    issues,
    notifications,
    orders,
    recalls,
    records,
    rules,
    stock,
    search,
    tasks,
    trace,
)
metadata = Base.metadata
