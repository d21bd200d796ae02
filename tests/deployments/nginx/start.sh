# Starts the proxy of the folder go, and nginx in front of it.
set -eu
XKS_PORT=$XKS_UPSTREAM_PORT ../go/proxy &
sed -e "s|#@$XKS_WRONG ||" -e "/# without $XKS_WRONG\$/d" \
    -e "s|@XKS_PORT@|$XKS_PORT|" \
    -e "s|@XKS_MTLS_PORT@|$XKS_MTLS_PORT|" \
    -e "s|@XKS_UPSTREAM_PORT@|$XKS_UPSTREAM_PORT|" \
    -e "s|@XKS_CERTIFICATE@|$XKS_CERTIFICATE|" \
    -e "s|@XKS_PRIVATE_KEY@|$XKS_PRIVATE_KEY|" \
    -e "s|@XKS_CLIENT_CA@|$XKS_CLIENT_CA|" \
    -e "s|@XKS_CLIENT_NAME@|$XKS_CLIENT_NAME|" \
    nginx.conf > filled.conf
exec nginx -p "$PWD" -c filled.conf -e stderr
