//go:build lab

package tests

import (
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/lab"
)

// TestDisks has the real Ignition make an array, an encrypted volume and a second network, and looks at them in the guest.
func TestDisks(t *testing.T) {
	onlyInFull(t)
	story(t, []part{
		{"raid.yml mirrors two further disks", mirrored},
		{"luks.yml encrypts one, which grows while the node runs", encrypted},
		{"network-fcos.yml gives a second card a static address", secondNetwork},
		{"the lab goes", labGoes},
	})
}

// bootsOne boots a node without etcd, and checks what its shell says.
func bootsOne(t *testing.T, c clone, want map[string]string, args ...string) {
	t.Helper()
	if out := c.mage(t, append([]string{"lab", "up", "nodes=1"}, args...)...); !strings.Contains(out, "core01: ready, ") {
		t.Errorf("got\n%s", out)
	}
	c.arrives(t, want)
}

func mirrored(t *testing.T, c clone) {
	bootsOne(t, c, map[string]string{
		"findmnt -no SOURCE,FSTYPE /var/lib/data | tr -s ' '":                                   "/dev/md127 xfs",
		"cat /sys/block/md127/md/level /sys/block/md127/md/raid_disks":                          "raid1\n2",
		"readlink -f /dev/disk/by-id/virtio-left /dev/disk/by-id/virtio-right /dev/md/data":     "/dev/vdb\n/dev/vdc\n/dev/md127",
		"sudo touch /var/lib/data/kept && systemctl is-system-running --wait; ls /var/lib/data": "running\nkept",
	}, "disks=left:1,right:1", "config=ignition/examples/raid.yml")
	c.mage(t, "lab", "restart", "node=core01")
	c.arrives(t, map[string]string{"ls /var/lib/data; findmnt -no SOURCE /var/lib/data": "kept\n/dev/md127"})
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

func encrypted(t *testing.T, c clone) {
	words := []string{"nodes=1", "config=ignition/examples/luks.yml"}
	bootsOne(t, c, map[string]string{
		"findmnt -no SOURCE,FSTYPE /var/lib/secret | tr -s ' '":                      "/dev/mapper/secret ext4",
		"sudo blkid -o value -s TYPE /dev/disk/by-id/virtio-secret":                  "crypto_LUKS",
		"echo kept | sudo tee /var/lib/secret/x >/dev/null; cat /sys/block/vdb/size": "2097152",
	}, append(words, "disks=secret:1")...)
	out := c.mage(t, append([]string{"lab", "up", "disks=secret:2"}, words...)...)
	if !strings.Contains(out, "a further disk grows: disk secret 1 → 2 GiB") {
		t.Errorf("got\n%s", out)
	}
	c.arrives(t, map[string]string{"cat /sys/block/vdb/size /var/lib/secret/x": "4194304\nkept"})
	out = c.mage(t, append([]string{"lab", "up", "disks=secret:2,more:1"}, words...)...)
	if !strings.Contains(out, "the running node has taken it") {
		t.Errorf("got\n%s", out)
	}
	c.arrives(t, map[string]string{"for i in 1 2 3 4 5 6 7 8 9; do test -e /dev/disk/by-id/virtio-more && break; sleep 1; done; readlink -f /dev/disk/by-id/virtio-more": "/dev/vdc"})
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

func secondNetwork(t *testing.T, c clone) {
	const second = "br-second"
	c.mage(t, "lab")
	in := lab.New(c.dir, "", "")
	for _, args := range [][]string{{"link", "add", second, "type", "bridge"}, {"addr", "add", "192.168.77.1/24", "dev", second}, {"link", "set", second, "up"}} {
		out, err := in.Command(t.Context(), "ip", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	begin := time.Now()
	c.mage(t, "lab", "up", "nodes=1", "image=lab-fcos", "networks=bridge:"+second, "config=ignition/examples/network-fcos.yml")
	t.Logf("up took %s", time.Since(begin))
	c.arrives(t, map[string]string{
		"ip -4 -o addr | grep -c 192.168.77.11/24": "1", "ip -4 route show default | wc -l": "1",
	})
	if says := c.inLab(t, "bash", "-c", "exec 3<>/dev/tcp/192.168.77.11/22 && head -1 <&3"); !strings.HasPrefix(says, "SSH-2.0-") {
		t.Errorf("sshd behind the second card says %q", says)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}
