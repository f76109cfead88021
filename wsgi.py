"""The WSGI entry: `gunicorn wsgi:app`."""

from qtrace.app import create_app

app = create_app()
