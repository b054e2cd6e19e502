# The service alone; Neo4j is a separate program under its own licence, in an image of its own (docker-compose.yml).
# 3.11 is the Python that the tests run with.
ARG PYTHON=3.11.13-slim-bookworm

# The wheel is built as `python -m build` builds it anywhere, and installed with the versions that were tried.
FROM python:${PYTHON} AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY knockon knockon
RUN python -m venv /tools && /tools/bin/python -m pip install --no-cache-dir --constraint constraints.txt build
RUN /tools/bin/python -m build --wheel --outdir /wheel .
RUN python -m venv --without-pip /opt/knockon \
 && /tools/bin/python -m pip --python /opt/knockon/bin/python install --no-cache-dir --constraint constraints.txt /wheel/*.whl

FROM python:${PYTHON}
COPY --from=build /opt/knockon /opt/knockon
RUN useradd --system --uid 10001 --user-group --home-dir /data --create-home --shell /usr/sbin/nologin knockon
ENV PATH=/opt/knockon/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    KNOCKON_STORE=sqlite:////data/estate.db \
    KNOCKON_CACHE=/data/cache \
    KNOCKON_LOG=json
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
# The first question whether it is ready begins to build the topology.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["knockon"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
