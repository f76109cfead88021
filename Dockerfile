FROM docker.io/library/python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements/runtime.txt requirements/runtime.txt
RUN python3 -m venv /opt/qtrace && /opt/qtrace/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md wsgi.py ./
COPY qtrace qtrace
COPY plugins plugins
RUN /opt/qtrace/bin/pip install --no-cache-dir --no-deps . ./plugins/qtrace-folder-drop \
 && find /opt/qtrace -name tests -type d -path '*site-packages*' -prune -exec rm -rf {} +

FROM docker.io/library/python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="qtrace" \
      org.opencontainers.image.description="电商质量问题追溯: from complaint to a proven close" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/qtrace/bin:$PATH PYTHONUNBUFFERED=1 QTRACE_DATA_DIR=/data XDG_CACHE_HOME=/tmp
COPY --from=build /opt/qtrace /opt/qtrace
# Group 0 may write the volume: platforms that choose the user themselves always give that group.
RUN useradd --uid 10001 --user-group --no-create-home qtrace && install -d -o 10001 -g 0 -m 0770 /data
USER 10001
VOLUME /data
EXPOSE 8000
# The bare interpreter instead of `qtrace healthcheck`: asking every 30 s must not load the whole program each time.
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s --retries=3 CMD ["python3", "-I", "-c", "\
from http.client import HTTPConnection; site = HTTPConnection('127.0.0.1', 8000, timeout=5); \
site.request('GET', '/readyz'); raise SystemExit(site.getresponse().status != 200)"]
ENTRYPOINT ["qtrace"]
CMD ["serve", "--host", "0.0.0.0"]
