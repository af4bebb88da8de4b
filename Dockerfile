# ftorch in an image: a free-threaded CPython, ftorch and its libraries; docs/image.md tells how it is built and run.
#
#   docker build -t ftorch:0.1.0 .
#
# BASE is any Debian or Ubuntu. A free-threaded 3.14 in tools/image/given/interpreter is taken instead of compiling one.
# The PIP_… arguments reach pip, for a mirror or a folder of wheels.
ARG BASE=debian:bookworm-slim
# What the image holds of BASE, with whatever this and Python are linked to; none are fetched if BASE has them.
ARG RUNTIME_PACKAGES="base-files base-passwd bash ca-certificates coreutils dash findutils grep gzip hostname libbz2-1.0 \
libc-bin libffi8 liblzma5 libncursesw6 libreadline8 libsqlite3-0 libssl3 libstdc++6 libuuid1 libzstd1 ncurses-base openssl \
sed tar tzdata zlib1g"
ARG ADD_PACKAGES=""

FROM ${BASE} AS runtime
ARG RUNTIME_PACKAGES
ARG ADD_PACKAGES
COPY tools/image/packages /src/tools/image/
RUN bash /src/tools/image/packages ${RUNTIME_PACKAGES} ${ADD_PACKAGES}

FROM ${BASE} AS interpreter
ARG FTORCH_PGO=0
COPY tools/setup /src/tools/setup
COPY tools/setup.d /src/tools/setup.d
COPY tools/image/trim tools/image/interpreter /src/tools/image/
COPY tools/image/given /given
RUN bash /src/tools/image/interpreter /given/interpreter /interpreter

FROM runtime AS assembled
RUN bash /src/tools/image/packages binutils
ARG EXTRAS="columns images remote"
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
ARG SOURCE_DATE_EPOCH=0
COPY --from=interpreter /interpreter /opt/python
COPY pyproject.toml requirements.lock README.md LICENSE /src/
COPY orchestrator /src/orchestrator
COPY tools/image/assemble tools/image/health.py tools/image/locked.py tools/image/settle.py tools/image/trim /src/tools/image/
RUN bash /src/tools/image/assemble /src /opt/python "${EXTRAS}" /image /notes

FROM runtime AS finished
ARG RUNTIME_PACKAGES
ARG ADD_PACKAGES
ARG ROOT=packages
ARG SOURCE_DATE_EPOCH=0
COPY tools/image/finish tools/image/health.py tools/image/root.py tools/image/sbom.py /src/tools/image/
COPY --from=assembled /notes /notes
COPY --from=assembled /image/ /image/system/
RUN bash /src/tools/image/finish /image /notes "${ROOT}" "${RUNTIME_PACKAGES} ${ADD_PACKAGES}"

FROM scratch
ARG BASE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ftorch" \
      org.opencontainers.image.description="Runs batches of CPU-bound work on every CPU a node allows, in one free-threaded Python process" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}" \
      dev.ftorch.sbom="/opt/python/share/sbom/ftorch.cdx.json"
COPY --from=finished /image/system/ /
COPY --from=assembled /image/ /
COPY --from=finished /image/bill/ /
# /tmp is what a container with a read-only root can write; any uid may be given.
ENV PATH="/opt/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    HOME=/tmp \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 65532:65532
ENTRYPOINT ["ftorch"]
CMD ["--help"]
