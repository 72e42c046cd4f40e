#!/bin/sh
# A kube-apiserver with an etcd on loopback, for one recording: serve.sh FOLDER ETCD KUBE_APISERVER [PORT]
# Users: admin (system:masters) and limited (nobody), with tokens of the same names. Both processes end with this one.
set -eu
folder=$1 etcd=$2 apiserver=$3 port=${4:-26443}
mkdir -p "$folder"
cd "$folder"
rm -rf etcd
openssl genrsa -out sa.key 2048 2>/dev/null
openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
printf 'admin,admin,1,"system:masters"\nlimited,limited,2,"people"\n' > tokens.csv
client=http://127.0.0.1:$((port + 1)) peer=http://127.0.0.1:$((port + 2))
trap 'kill $(jobs -p) 2>/dev/null' EXIT
trap exit INT TERM
"$etcd" --data-dir etcd --unsafe-no-fsync --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer" > etcd.log 2>&1 &
"$apiserver" --etcd-servers "$client" --bind-address 127.0.0.1 --secure-port "$port" --cert-dir certs \
    --service-account-key-file sa.pub --service-account-signing-key-file sa.key \
    --service-account-issuer https://kubernetes.default.svc.cluster.local --service-cluster-ip-range 10.96.0.0/16 \
    --authorization-mode RBAC --token-auth-file tokens.csv --disable-admission-plugins ServiceAccount \
    --allow-privileged=true > apiserver.log 2>&1 &
wait
