#!/bin/bash
# Runs this node's etcd. Etcd_Discovery_Flags are a discovery token in a new cluster, and the members that
# there are in a node that joins them; one that has data already ignores either.
endpoints=Etcd_Discovery_Endpoints
host=${endpoints#*://}
host=${host%:*}

# the address by which this node reaches the host, and the other nodes reach this one
until address=$(ip -4 -o route get "$host" 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p') && [[ $address ]]; do
  sleep 0.5
done

etcd=(/usr/local/bin/etcd)
if [[ ! -x ${etcd[0]} ]]; then # Fedora CoreOS has Podman and no etcd
  etcd=(podman run --rm --name=etcd --net=host --volume=/var/lib/etcd:/var/lib/etcd:Z quay.io/coreos/etcd:v3.6.16 /usr/local/bin/etcd)
fi
install -d -m 0700 /var/lib/etcd
exec "${etcd[@]}" --name=Node_Name --data-dir=/var/lib/etcd \
  --listen-client-urls=http://0.0.0.0:2379 --advertise-client-urls="http://$address:2379" \
  --listen-peer-urls=http://0.0.0.0:2380 --initial-advertise-peer-urls="http://$address:2380" \
  Etcd_Discovery_Flags \
  --heartbeat-interval=250 --election-timeout=2500
