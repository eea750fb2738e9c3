# The image of etcd that etcd-quadlet.yml names, as an archive that Podman loads: a lab reaches no registry. It has the guest's own etcd.
# Source: ignition/examples/etcd-quadlet.yml, Image=; moby/moby, image/spec (manifest.json, layers by their digests).
image=root/usr/lib/lab/etcd-image
mkdir -p "$image/layer"
install -D etcd "$image/rootfs/usr/local/bin/etcd"
tar -C "$image/rootfs" --owner=0 --group=0 -cf "$image/layer/layer.tar" usr
digest=$(sha256sum "$image/layer/layer.tar" | cut -d ' ' -f 1)
echo '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:'"$digest"'"]}}' >"$image/config.json"
echo '[{"Config":"config.json","RepoTags":["quay.io/coreos/etcd:v3.6.16"],"Layers":["layer/layer.tar"]}]' >"$image/manifest.json"
tar -C "$image" -cf root/usr/lib/lab/etcd-image.tar manifest.json config.json layer
rm -rf "$image"
