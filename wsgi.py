"""The WSGI entry: granian and any other server load `wsgi:app`."""

from portal.wiring import served_application

app = served_application()
