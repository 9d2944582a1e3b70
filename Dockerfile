# The image of leads. Build it with `docker build --tag leads .` To run it: docs/run-it-for-others.md.

FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/leads
COPY requirements.txt pyproject.toml README.md LICENSE ./
COPY src src
COPY migrations migrations
# With hashes, pip installs only the files that were tested. Then leads itself, built with the hatchling of that list.
RUN /opt/leads/bin/pip install --no-cache-dir --require-hashes --requirement requirements.txt \
 && /opt/leads/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
# A numeric user needs no entry in /etc/passwd, and orchestrators see that it is not root.
RUN install --directory --owner=10001 --group=10001 /data
COPY --from=build /opt/leads /opt/leads
ENV PATH=/opt/leads/bin:$PATH \
    LEADS_DATABASE_URL=sqlite:////data/leads.db
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# Not urllib: it would use the proxy in http_proxy.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["python", "-c", "import http.client, sys; \
    leads = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); \
    leads.request('GET', '/health/ready'); \
    sys.exit(leads.getresponse().status != 200)"]
ENTRYPOINT ["leads"]
CMD ["serve", "--host", "0.0.0.0"]
