# A line PC without a GPU: `slsg-edge` with the extras cpu, line and station, no PyTorch, no ONNX.
#
#   docker build -t slsg-edge .
#   docker run -d --restart always --device /dev/video0 --group-add video \
#     -v /var/lib/inspection:/bundles:ro -v /var/log/inspection:/verdicts \
#     slsg-edge watch /bundles/current.slsg /dev/video0 --output /verdicts/verdicts.jsonl
#
# The account in it has the number 10001: let it write there, `chown 10001 /var/log/inspection`.
FROM python:3.12-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY slsg_edge slsg_edge
COPY export export
COPY calibration calibration
COPY runtime runtime
RUN python -m venv /opt/slsg-edge \
  && /opt/slsg-edge/bin/pip install --no-cache-dir --constraint constraints.txt ".[cpu,line,station]"

FROM python:3.12-slim-bookworm
COPY --from=build /opt/slsg-edge /opt/slsg-edge
RUN useradd --create-home --uid 10001 inspection \
  && install --directory --owner=10001 /bundles /verdicts
ENV PATH=/opt/slsg-edge/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /home/inspection
VOLUME ["/bundles", "/verdicts"]
# Verdicts of the last minute, since a watch writes some whatever its camera does; or the health
# page of a line.toml, whose stations may wait for their triggers.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["sh", "-c", "find /verdicts -name '*.jsonl' -mmin -1 | grep -q . || python -c 'from urllib.request import urlopen; urlopen(\"http://127.0.0.1:8420/health/live\", timeout=5)'"]
ENTRYPOINT ["slsg-edge"]
CMD ["--help"]
