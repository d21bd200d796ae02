module xks-proxy

go 1.22
