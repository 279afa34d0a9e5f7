# Built by `npm run image`, whose script makes root.tar: the executable under both names, the five shared libraries that it
# needs, CA certificates, and the state directory owned by the image's user. There is no shell and no package manager.
FROM scratch
ADD root.tar /
ENV PATH=/usr/local/bin \
    OMNIGRAPH_BIND=0.0.0.0:8080
WORKDIR /var/lib/omnigraph
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["omnigraph", "healthcheck"]
ENTRYPOINT ["omnigraph-server"]
