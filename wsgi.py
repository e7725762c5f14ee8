"""The WSGI entry for other servers: they load `wsgi:app`. `yinxin serve` calls the factory in each of its processes."""

from portal.wiring import served_application

app = served_application()
