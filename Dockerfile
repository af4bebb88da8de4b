# ftorch in an image: a free-threaded CPython, ftorch and its libraries; docs/image.md tells how it is built and run.
#
#   docker build -t ftorch:0.1.0 .
#
# BASE is any Debian or Ubuntu. A free-threaded 3.14 in tools/image/given/interpreter is taken instead of compiling one.
# The PIP_… arguments reach pip, for a mirror or a folder of wheels.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS runtime
ARG RUNTIME_PACKAGES="ca-certificates libbz2-1.0 libffi8 liblzma5 libncursesw6 libreadline8 libsqlite3-0 libssl3 libuuid1 libzstd1 zlib1g"
COPY tools/image/packages /tmp/packages
RUN bash /tmp/packages ${RUNTIME_PACKAGES} && rm /tmp/packages

FROM ${BASE} AS interpreter
ARG FTORCH_PGO=0
COPY tools/setup /src/tools/setup
COPY tools/setup.d /src/tools/setup.d
COPY tools/image/trim tools/image/interpreter /src/tools/image/
COPY tools/image/given /given
RUN bash /src/tools/image/interpreter /given/interpreter /interpreter

FROM runtime AS assembled
ARG EXTRAS="columns images remote"
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
ARG SOURCE_DATE_EPOCH=0
COPY --from=interpreter /interpreter /opt/python
COPY . /src
RUN bash /src/tools/image/assemble /src /opt/python "${EXTRAS}"

FROM runtime
ARG BASE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ftorch" \
      org.opencontainers.image.description="Runs batches of CPU-bound work on every CPU a node allows, in one free-threaded Python process" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=assembled /opt/python /opt/python
# /tmp is what a container with a read-only root can write; any uid may be given.
ENV PATH="/opt/python/bin:${PATH}" \
    HOME=/tmp \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 65532:65532
ENTRYPOINT ["ftorch"]
CMD ["--help"]
