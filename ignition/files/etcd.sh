#!/bin/bash
# Runs this node's etcd. Etcd_Discovery_Flags are a discovery token in a new cluster, and the members that
# there are in a node that joins them; one that has data already ignores either.

# the address that the other nodes reach this one by: that of the default route, or else the first
own_address() {
  ip -4 -o route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p' | grep . ||
    ip -4 -o address show up scope global | sed -n '1s/.* inet \([0-9.]*\).*/\1/p' | grep .
}
until address=$(own_address); do sleep 0.5; done

# with TLS: the authority's certificate is Ignition's; this node's own is signed when its address is known,
# and comes from `mage up`
scheme=http tls=()
if [[ -e /etc/etcd/ca.pem ]]; then
  until [[ -e /etc/etcd/member.pem ]]; do sleep 0.5; done
  scheme=https ca=/etc/etcd/ca.pem own=/etc/etcd/member.pem
  tls=("--trusted-ca-file=$ca" "--cert-file=$own" "--key-file=$own" --client-cert-auth
    "--peer-trusted-ca-file=$ca" "--peer-cert-file=$own" "--peer-key-file=$own" --peer-client-cert-auth)
fi

etcd=(/usr/local/bin/etcd)
if [[ ! -x ${etcd[0]} ]]; then # Fedora CoreOS has Podman and no etcd, Flatcar Docker
  run=(podman run --replace)
  if ! command -v podman >/dev/null; then
    docker rm --force etcd &>/dev/null # what a run that was killed left, as Podman's --replace
    run=(docker run)
  fi
  etcd=("${run[@]}" --rm --name=etcd --net=host --volume=/var/lib/etcd:/var/lib/etcd:Z
    "--volume=/etc/etcd:/etc/etcd:ro,z" --env=ETCD_FORCE_NEW_CLUSTER quay.io/coreos/etcd:v3.6.16 /usr/local/bin/etcd)
fi
install -d -m 0700 /var/lib/etcd /etc/etcd
exec "${etcd[@]}" --name=Node_Name --data-dir=/var/lib/etcd \
  --listen-client-urls=$scheme://0.0.0.0:2379 --advertise-client-urls="$scheme://$address:2379" \
  --listen-peer-urls=$scheme://0.0.0.0:2380 --initial-advertise-peer-urls="$scheme://$address:2380" \
  "${tls[@]}" \
  Etcd_Discovery_Flags \
  --heartbeat-interval=250 --election-timeout=2500
